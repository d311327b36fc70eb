"""Two runs on the same photos, so that a gain from changed labels never passes for a better model.

Both runs' out-of-fold answers are held against two sets of labels: those the earlier run was
trained with and those the later one was. What the earlier model gains by the new labels alone is
the labels' doing; only what the later model gains on top of that is its own.

A deep run judged some folds itself and has quick training's answers for the others. Only photos
that both runs judged themselves are compared.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from core.dataset import Dataset
from core.dataset.alike import kept_together
from core.runs import Predictions, Run, load_predictions
from core.runs.split import in_part, judged_itself

# A difference that chance alone makes at least this often is called one that could be chance.
CHANCE = 0.05


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """How two runs do on the photos that both judged. Counts are photos."""

    photos: int  # compared: the same file, content and fold, judged in both runs
    changed: int  # of them, those whose label differs between the runs
    before_old: int  # wrong: the earlier model, held against the earlier run's labels
    before_corrected: int  # the earlier model, held against the later run's labels
    after_old: int
    after_corrected: int
    before_untouched: int  # wrong: the earlier model, on photos whose label did not change
    after_untouched: int
    mended: tuple[int, ...]  # ids of files the later model gets right and the earlier got wrong,
    broken: tuple[int, ...]  # and the other way round; both by the later run's labels
    chance: float  # how often chance alone would part mended and broken at least as far
    only_before: int  # left out: not in the later run, or with another content there
    only_after: int
    not_judged: int  # left out: a run trained on it without judging it
    not_deep: int  # left out: a deep run's answer to it is one that quick training lent it
    # Left out: the runs judged it with different photos held out, or one of them had learnt a copy
    # of it or a shot of the same scene, and the other had not.
    other_fold: int
    verdict: str  # one sentence
    words: tuple[str, ...]  # the verdict and what else to know, a sentence or two each

    @property
    def left_out(self) -> int:
        """Photos of either run that are not compared."""
        both = self.not_judged + self.not_deep + self.other_fold
        return self.only_before + self.only_after + both


@dataclass(frozen=True, kw_only=True, eq=False)
class _Pairs:
    """Answers and labels of the compared photos, as indices into the classes of both runs."""

    file_id: np.ndarray
    old: np.ndarray
    corrected: np.ndarray
    before: np.ndarray  # what the earlier model says
    after: np.ndarray


def compare(dataset: Dataset, before: Run, after: Run) -> Comparison:
    """Compare an earlier run with a later one.

    Raises:
        RunError: If the predictions of a run cannot be read.
    """
    earlier = load_predictions(dataset.home, before.id)
    later = load_predictions(dataset.home, after.id)
    at_earlier, at_later = _shared(earlier, later)
    judged = earlier.judged[at_earlier] & later.judged[at_later]
    together = kept_together(dataset)
    given_away_before = _given_away(earlier, together, folds=before.folds)[at_earlier]
    given_away_after = _given_away(later, together, folds=after.folds)[at_later]
    same_fold = earlier.fold[at_earlier] == later.fold[at_later]
    same_fold &= given_away_before == given_away_after
    own = judged_itself(earlier, before.judged_folds)[at_earlier]
    own &= judged_itself(later, after.judged_folds)[at_later]
    kept = own & same_fold
    pairs = _pairs(before, earlier, at_earlier[kept], after, later, at_later[kept])

    changed = pairs.old != pairs.corrected
    wrong_before, wrong_after = pairs.before != pairs.corrected, pairs.after != pairs.corrected
    mended = pairs.file_id[wrong_before & ~wrong_after]
    broken = pairs.file_id[~wrong_before & wrong_after]
    counts = {
        "photos": len(pairs.file_id),
        "changed": int(changed.sum()),
        "before_old": int((pairs.before != pairs.old).sum()),
        "before_corrected": int(wrong_before.sum()),
        "after_old": int((pairs.after != pairs.old).sum()),
        "after_corrected": int(wrong_after.sum()),
        "before_untouched": int((wrong_before & ~changed).sum()),
        "after_untouched": int((wrong_after & ~changed).sum()),
        "only_before": len(earlier.file_id) - len(at_earlier),
        "only_after": len(later.file_id) - len(at_later),
        "not_judged": int((~judged).sum()),
        "not_deep": int((judged & ~own).sum()),
        "other_fold": int((own & ~same_fold).sum()),
    }
    chance = sign_test(len(mended), len(broken))
    verdict = _verdict(counts, len(mended), len(broken), chance)
    return Comparison(
        **counts,
        mended=tuple(mended.tolist()),
        broken=tuple(broken.tolist()),
        chance=chance,
        verdict=verdict,
        words=(
            verdict,
            *_about_parts(later, at_later[kept], after),
            *_about_deep(counts, before, after),
            *_about_labels(counts),
            *_about_left_out(counts),
        ),
    )


def sign_test(mended: int, broken: int) -> float:
    """How often a fair coin parts as many photos at least as unevenly: McNemar's exact test."""
    total, fewer = mended + broken, min(mended, broken)
    if 2 * fewer == total:
        return 1.0
    logs = (
        math.lgamma(total + 1) - math.lgamma(k + 1) - math.lgamma(total - k + 1)
        for k in range(fewer + 1)
    )
    return min(1.0, 2.0 * sum(math.exp(log - total * math.log(2.0)) for log in logs))


def _shared(earlier: Predictions, later: Predictions) -> tuple[np.ndarray, np.ndarray]:
    """Places of the files that both runs saw with the same content."""
    there = {int(file_id): at for at, file_id in enumerate(later.file_id)}
    pairs = [
        (at, there[file_id])
        for at, file_id in enumerate(earlier.file_id.tolist())
        if file_id in there and earlier.content[at] == later.content[there[file_id]]
    ]
    both = np.array(pairs, dtype=np.int64).reshape(-1, 2)
    return both[:, 0], both[:, 1]


def _given_away(predictions: Predictions, together: Mapping[str, str], *, folds: int) -> np.ndarray:
    """(N,) whether the head that judged a row had learnt a photo that looks like it."""
    # What a data set's own split holds out is judged by one head, which learnt none of it.
    fold = np.minimum(predictions.fold, folds).tolist()
    sides: dict[str, set[int]] = {}
    for content, side in zip(predictions.content, fold, strict=True):
        if content in together:
            sides.setdefault(together[content], set()).add(side)
    return np.array(
        [
            content in together and sides[together[content]] != {side}
            for content, side in zip(predictions.content, fold, strict=True)
        ],
        dtype=bool,
    )


def _pairs(
    before: Run,
    earlier: Predictions,
    at_earlier: np.ndarray,
    after: Run,
    later: Predictions,
    at_later: np.ndarray,
) -> _Pairs:
    # A class that one run does not know has an index of its own, which that run never answers.
    index = {name: at for at, name in enumerate(dict.fromkeys(before.classes + after.classes))}
    of_before = np.array([index[name] for name in before.classes])
    of_after = np.array([index[name] for name in after.classes])
    return _Pairs(
        file_id=earlier.file_id[at_earlier],
        old=of_before[earlier.given[at_earlier]],
        corrected=of_after[later.given[at_later]],
        before=of_before[earlier.predicted[at_earlier]],
        after=of_after[later.predicted[at_later]],
    )


def _verdict(counts: dict[str, int], mended: int, broken: int, chance: float) -> str:
    if not counts["photos"]:
        return "No photo was judged in the same way by both trainings, so they cannot be compared."
    labels = "the corrected labels" if counts["changed"] else "the same labels"
    was, now = counts["before_corrected"], counts["after_corrected"]
    where = f"on the same {_photos(counts['photos'])} and {labels}"
    moved = f"{mended:,} mended, {broken:,} broken"
    if not mended and not broken:
        return (
            f"The model itself is neither better nor worse: {where}, both are wrong on {was:,}, "
            "and on the same ones."
        )
    if was == now:
        return (
            f"The model itself is neither better nor worse: {where}, both are wrong on {was:,} "
            f"({moved})."
        )
    figures = f"{where}, it was wrong on {was:,} before and is wrong on {now:,} now ({moved})"
    better = now < was
    if chance >= CHANCE:
        return (
            f"The model itself may be a little {'better' if better else 'worse'}, "
            f"but that could be chance: {figures}."
        )
    return (
        f"The model itself has become {'better' if better else 'worse'}: {figures}. "
        "That is more than chance would explain."
    )


def _about_parts(later: Predictions, kept: np.ndarray, after: Run) -> list[str]:
    """Which photos are compared, where the data set brings its own split."""
    if after.split is None or not len(kept):
        return []
    sizes = [
        (int(in_part(later, part, folds=after.folds)[kept].sum()), part)
        for part in after.split["parts"]
    ]
    first, *rest = [(number, part) for number, part in sizes if number]
    told = [f"{first[0]:,} of these photos are in {first[1]}"]
    told += [f"{number:,} in {part}" for number, part in rest]
    return [f"{', '.join(told)}: each was judged by a model that had not seen it."]


def _about_deep(counts: dict[str, int], before: Run, after: Run) -> list[str]:
    """What to know where a run is deep: whose answer stands for it, and how that was chosen."""
    said = []
    for run, which in ((before, "earlier"), (after, "later")):
        if run.mode != "deep" or not counts["photos"]:
            continue
        if run.kept == "quick":
            said.append(
                f"The {which} training was deep and did not beat quick training; its answers here "
                "are deep training's own."
            )
        elif run.kept is not None:
            answers = (
                "deep training's own" if run.kept == "deep" else "the mean of quick's and deep's"
            )
            said.append(
                f"The {which} training was deep; its answers here are {answers}. They were chosen "
                "because they did best on these photos, which flatters them a little."
            )
    return said


def _about_labels(counts: dict[str, int]) -> list[str]:
    if not counts["photos"]:
        return []
    if not counts["changed"]:
        return ["No label of these photos was changed between the two trainings."]
    old, corrected = counts["before_old"], counts["before_corrected"]
    labels = "1 label was" if counts["changed"] == 1 else f"{counts['changed']:,} labels were"
    said = [
        f"{labels} changed. That alone, without any training, takes the earlier model "
        f"from {old:,} wrong to {corrected:,} wrong: this part says nothing about the model."
    ]
    said.append(
        "On photos whose label nobody changed, it was wrong on "
        f"{counts['before_untouched']:,} before and is wrong on {counts['after_untouched']:,} now."
    )
    return said


def _about_left_out(counts: dict[str, int]) -> list[str]:
    reasons = [
        (counts["only_before"], "removed or changed since the earlier training"),
        (counts["only_after"], "new or changed since then"),
        (counts["not_judged"], "not judged in one of the two trainings"),
        (counts["not_deep"], "judged by quick training only, in a deep run"),
        (counts["other_fold"], "judged with other photos held out"),
    ]
    told = [f"{number:,} {reason}" for number, reason in reasons if number]
    return [f"Left out of this comparison: {'; '.join(told)}."] if told else []


def _photos(count: int) -> str:
    return "1 photo" if count == 1 else f"{count:,} photos"
