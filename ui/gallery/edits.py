"""Takes marks from the browser to the journal, exactly once, and keeps what to answer.

The browser sends a cumulative log of numbered edits; what was seen is skipped by number. An
answer is kept for the session and sent with every redraw, because a redraw may be skipped.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from core.dataset import Dataset, GalleryEdit
from core.errors import WinnowError

# Remembers, or forgets, that some photos were found right.
Keep = Callable[[Sequence[int], bool], None]


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What became of one client's edits."""

    acknowledged: int = 0  # highest number dealt with for good
    made: Mapping[int, int] = field(default_factory=dict)  # number -> journal step
    refused: Mapping[int, tuple[tuple[int, ...], str]] = field(default_factory=dict)

    def as_data(self) -> dict[str, Any]:
        refused = [[number, ids, reason] for number, (ids, reason) in self.refused.items()]
        return {"acknowledged": self.acknowledged, "made": dict(self.made), "refused": refused}


@dataclass(frozen=True, kw_only=True)
class Settled:
    answers: Mapping[str, Answer]  # by client
    problem: str | None  # why nothing more could be applied, in one sentence
    applied: int  # edits that were new


def settle(
    dataset: Dataset, value: object, answers: Mapping[str, Answer], keep: Keep | None = None
) -> Settled:
    """Apply what is new in the browser's logs and say what became of each edit.

    Args:
        value: What the browser sent; anything malformed in it is passed over.
        answers: What was answered so far in this session; left alone.
        keep: Told which photos were found right; done twice it changes nothing more.
    """
    known, applied = dict(answers), 0
    for client, entries in _logs(value):
        answer = known.get(client, Answer())
        for entry in entries:
            if entry["number"] <= answer.acknowledged:
                continue
            try:
                answer = _apply(dataset, client, entry, answer, keep)
            except WinnowError as error:
                known[client] = answer
                return Settled(answers=known, problem=str(error), applied=applied)
            applied += 1
        known[client] = answer
    return Settled(answers=known, problem=None, applied=applied)


def is_settled(value: object, answers: Mapping[str, Answer]) -> bool:
    """Whether every edit the browser sent has been answered."""
    return all(
        entry["number"] <= answers.get(client, Answer()).acknowledged
        for client, entries in _logs(value)
        for entry in entries
    )


def _logs(value: object) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Clients and their edits, those left behind by an earlier visit first."""
    if not isinstance(value, dict):
        return
    earlier = value.get("earlier")
    for part in [*(earlier if isinstance(earlier, list) else []), value]:
        client, log = (part.get("client"), part.get("log")) if isinstance(part, dict) else (0, 0)
        if isinstance(client, str) and client and isinstance(log, list):
            yield client, sorted(filter(_is_edit, log), key=lambda entry: entry["number"])


def _is_edit(entry: object) -> bool:
    return (
        isinstance(entry, dict)
        and type(entry.get("number")) is int
        and entry.get("op") in ("relabel", "remove", "undo", "keep", "unkeep")
        and isinstance(entry.get("ids"), list)
        and all(type(file_id) is int for file_id in entry["ids"])
        and isinstance(entry.get("class_name"), str | None)
        and isinstance(entry.get("shown_in"), dict | None)
    )


def _apply(
    dataset: Dataset, client: str, entry: dict[str, Any], answer: Answer, keep: Keep | None
) -> Answer:
    """Apply one edit; one at a time, so that each number is known by the step it became."""
    number, ids = entry["number"], tuple(entry["ids"])
    if entry["op"] in ("keep", "unkeep"):
        if keep is not None:
            keep(ids, entry["op"] == "keep")
        # No file moves, so the journal only counts the number as seen.
        dataset.apply_edits(client, [GalleryEdit(number=number, op="remove", shown_in={})])
        return replace(answer, acknowledged=number)
    step = entry.get("step")
    if entry["op"] == "undo" and step is None:
        step = _step_of(dataset, client, entry.get("of"), answer)
        if step is None:
            reason = "This mark cannot be taken back here. The sidebar undoes older steps."
            refused = {**answer.refused, number: (ids, reason)}
            return replace(answer, acknowledged=number, refused=refused)
    edit = GalleryEdit(
        number=number,
        op=entry["op"],
        ids=ids,
        class_name=entry["class_name"],
        new=entry.get("new") is True,
        shown_in={int(key): _class(dataset, name) for key, name in _shown(entry)},
        step=step,
    )
    outcome = dataset.apply_edits(client, [edit])
    made = {number: outcome.steps[-1].id} if outcome.steps and entry["op"] != "undo" else {}
    refused = {one.number: (tuple(one.ids), one.reason) for one in outcome.refused}
    return Answer(
        acknowledged=max(answer.acknowledged, outcome.acknowledged),
        made={**answer.made, **made},
        refused={**answer.refused, **refused},
    )


def _shown(entry: dict[str, Any]) -> list[tuple[str, str | None]]:
    return [(key, name) for key, name in (entry["shown_in"] or {}).items() if key.isdigit()]


def _class(dataset: Dataset, name: str | None) -> str | None:
    return None if name == dataset.unsorted else name


def _step_of(dataset: Dataset, client: str, number: object, answer: Answer) -> int | None:
    """The journal step that an earlier edit of this client became."""
    if type(number) is not int or number > answer.acknowledged:
        return None
    if number in answer.made:
        return answer.made[number]
    # A restart lost what was answered; an edit that was seen is told again and not done again.
    asked = GalleryEdit(number=number, op="remove", ids=(), shown_in={})
    steps = dataset.apply_edits(client, [asked]).steps
    return steps[-1].id if steps else None
