"""Deep training: the network itself is fine-tuned, and held against quick training.

``train_deep`` trains on four of quick training's folds and judges on the fifth (or on each fold in
turn), then keeps whichever answers best on those photos: quick, deep, or the mean of both. So it
can only gain. It goes on where it was interrupted, by a stop, a crash or a power cut.
"""

import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from core.dataset import Dataset
from core.dataset.names import photos as count_photos
from core.jobs.progress import JobResult, Progress, Task
from core.networks.backbones import backbone_named
from core.runs import Run, new_run_id, save_run
from core.runs.run import Answer, Score
from core.runs.store import network_name
from core.train import checkpoint, unfinished
from core.train.answers import best_of, blend, kept_in_words, score, softmax
from core.train.fit import Fitting, position_in_words
from core.train.folds_data import Feed
from core.train.machine import finding_machine
from core.train.material import Photos, folds_to_judge, prepare
from core.train.network import DeepNetwork, save_network
from core.train.session import built_network
from core.train.settings import DeepSettings

SECONDS_TO_STOP = 60.0  # read by core.jobs.worker: a step of a large network and its checkpoint
ANSWER_FILE = "answer-{fold}.safetensors"


def train_deep_job(
    root: str, settings: dict[str, Any], fresh: bool = False, finish: bool = False
) -> Task[JobResult]:
    """Deep training as a job: which run came of it, what is kept, and how both do."""
    dataset = Dataset.open(Path(root))
    yield from dataset.refresh()
    run = yield from train_deep(
        dataset, DeepSettings.from_json(settings), fresh=fresh, finish=finish
    )
    assert run.answers is not None
    return {
        "run": run.id,
        "kept": run.kept,
        "error_rate": run.error_rate,
        "quick_error_rate": run.answers["quick"]["error_rate"],
        "wrong": run.wrong,
        "judged": run.judged,
    }


def train_deep(
    dataset: Dataset, settings: DeepSettings, *, fresh: bool = False, finish: bool = False
) -> Task[Run]:
    """Fine-tune, judge, and keep the run.

    Args:
        dataset: Brought up to date with its folder.
        settings: What to do. The same ones on the same photos go on with what was interrupted.
        fresh: Forget what was interrupted.
        finish: Train no further; judge with the best weights there are.

    Raises:
        TrainingError: If nothing can be learnt, training diverges, or the disk is full.
        NetworkError: If the network's weights are not here.
    """
    training = _DeepTraining(dataset, settings)
    task = training.steps(fresh=fresh, finish=finish)
    while True:
        try:
            progress = next(task)
        except StopIteration as end:
            run: Run = end.value
            return run
        training.record(progress)
        yield progress


class _DeepTraining:
    """One run in the making."""

    def __init__(self, dataset: Dataset, settings: DeepSettings) -> None:
        self.dataset, self.settings = dataset, settings
        self.began = time.monotonic()
        self.seconds: dict[str, float] = {}
        self.curve: list[dict[str, Any]] = []
        self.told: dict[str, Any] = {}  # what the run keeps of each fold's training

    def record(self, progress: Progress) -> None:
        """Keep what charts will show of a report."""
        if progress.phase == "train" and progress.metrics.get("kind") in ("batch", "epoch"):
            seconds = round(time.monotonic() - self.began, 3)
            self.curve.append({"phase": progress.phase, **progress.metrics, "t": seconds})

    def steps(self, *, fresh: bool, finish: bool) -> Task[Run]:
        latest = self.dataset.history(1)
        photos = yield from self._timed("quick", prepare(self.dataset, self.settings))
        folder = unfinished.state_folder(
            self.dataset.home, self.settings.to_json(), photos.fingerprint()
        )
        if fresh:
            unfinished.forget(folder)
        unfinished.forget_others(self.dataset.home, folder)
        size = self.settings.size or backbone_named(self.settings.backbone).size
        machine = yield from finding_machine(self.settings.backbone, size)
        feed = Feed(self.dataset, photos, self.settings, machine)
        photos = yield from self._timed("copies", feed.make_copies())
        judged: dict[int, dict[str, np.ndarray]] = {}
        for fold in folds_to_judge(photos, self.settings):
            kept = _read_answer(folder, fold)
            if kept is None:
                if finish and judged and checkpoint.read(folder) is None:
                    break
                kept = yield from self._fold(photos, feed, fold, folder, finish=finish)
            judged[fold] = kept
        yield Progress(phase="judge", done=0, total=1, message="Judging every photo.")
        run = self._save(photos, judged, folder, machine.words, latest[0].id if latest else None)
        unfinished.forget(folder)
        assert run.answers is not None and run.kept is not None
        said = kept_in_words(run.kept, run.answers)
        yield Progress(phase="judge", done=1, total=1, message=said)
        return run

    def _fold(
        self, photos: Photos, feed: Feed, fold: int, folder: Path, *, finish: bool
    ) -> Task[dict[str, np.ndarray]]:
        """Train with one fold held out; what the network says of it, by view."""
        network = built_network(self.dataset.home, self.settings, photos, fold)
        data = yield from self._timed("cache", feed.of_fold(fold, network))
        fitting = Fitting(
            network,
            self.settings,
            data,
            peak=self.settings.peak,
            fold=fold,
            machine=feed.machine,
            folder=folder,
        )
        found = checkpoint.read(folder)
        if found is not None and found.position.fold == fold:
            fitting.resume(found)
        if finish and found is not None:
            fitting.use_best()
        else:
            yield from self._timed("train", fitting.run())
        yield _judging(0, len(data.valid_labels))
        began = time.monotonic()
        logits = yield from fitting.logits(_judging, mirrored=False)
        answer = {"plain": softmax(logits.numpy())}
        if self.settings.tta and feed.mirrors:
            logits = yield from fitting.logits(_judging, mirrored=True)
            answer["mirrored"] = softmax(logits.numpy())
        answer["places"] = photos.judged(fold)
        self._add_time("judge", began)
        self.told[str(fold)] = position_in_words(fitting.position)
        self._keep_fold(network, photos, fold, folder, answer)
        return answer

    def _keep_fold(
        self,
        network: DeepNetwork,
        photos: Photos,
        fold: int,
        folder: Path,
        answer: dict[str, np.ndarray],
    ) -> None:
        from safetensors.numpy import save_file

        folder.mkdir(parents=True, exist_ok=True)
        about = {"settings": self.settings.to_json(), "classes": list(photos.quick.classes)}
        save_network(network, folder / network_name(fold), about)
        save_file(answer, folder / ANSWER_FILE.format(fold=fold))

    def _save(
        self,
        photos: Photos,
        judged: dict[int, dict[str, np.ndarray]],
        folder: Path,
        machine: str,
        step: int | None,
    ) -> Run:
        places = np.concatenate([answer["places"] for answer in judged.values()])
        labels = photos.said.given[places].astype(np.int64)
        said = {
            "quick": photos.said.probs[places],
            "deep_plain": np.concatenate([answer["plain"] for answer in judged.values()]),
        }
        said["deep"] = np.concatenate([_with_mirror(answer) for answer in judged.values()])
        said["blend"] = blend(said["quick"], said["deep"])
        said["blend_plain"] = blend(said["quick"], said["deep_plain"])
        scores = {name: score(probs, labels) for name, probs in said.items()}
        kept = best_of(scores)
        # Where quick is kept, it stays in use by itself; this run then shows what deep said.
        shown = "deep" if kept == "quick" else kept
        probs = photos.said.probs.copy()
        probs[places] = said[shown]
        run = self._run(photos, scores, kept, tuple(judged), machine, step)
        networks = {fold: folder / network_name(fold) for fold in judged}
        predictions = replace(photos.said, probs=probs)
        tensors = dict(photos.tensors)
        save_run(self.dataset.home, run, predictions, tensors, self.curve, networks=networks)
        return run

    def _run(
        self,
        photos: Photos,
        scores: dict[str, Score],
        kept: Answer,
        folds: Sequence[int],
        machine: str,
        step: int | None,
    ) -> Run:
        own, quick = scores["deep"], photos.quick
        return replace(
            quick,
            id=new_run_id(),
            mode="deep",
            judged=own["judged"],
            wrong=own["wrong"],
            error_rate=own["error_rate"],
            loss=own["loss"],
            seconds=self.seconds,
            created=time.time(),
            step=step,
            settings={
                "deep": self.settings.to_json(),
                "rate": self.settings.peak,
                "quick_run": quick.id,
                "machine": machine,
                "folds": self.told,
                "left_out": quick.settings.get("left_out", []),
            },
            warnings=(*_about_unusable(photos), *quick.warnings),
            kept=kept,
            answers=scores,
            judged_folds=tuple(folds),
        )

    def _timed(self, name: str, task: Task[Any]) -> Task[Any]:
        began = time.monotonic()
        try:
            return (yield from task)
        finally:
            self._add_time(name, began)

    def _add_time(self, name: str, began: float) -> None:
        self.seconds[name] = round(self.seconds.get(name, 0.0) + time.monotonic() - began, 3)


def _judging(done: int, count: int) -> Progress:
    return Progress(
        phase="judge", done=done, total=count, message="Judging photos it has not seen."
    )


def _with_mirror(answer: dict[str, np.ndarray]) -> np.ndarray:
    """Test-time augmentation: the mean of what it says of a photo and of its mirror image."""
    if "mirrored" not in answer:
        return answer["plain"]
    mean: np.ndarray = (answer["plain"] + answer["mirrored"]) / 2
    return mean


def _read_answer(folder: Path, fold: int) -> dict[str, np.ndarray] | None:
    """What a fold that was finished before an interruption said."""
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    try:
        kept = dict(load_file(folder / ANSWER_FILE.format(fold=fold)))
    except (OSError, SafetensorError):
        return None
    return kept if (folder / network_name(fold)).is_file() else None


def _about_unusable(photos: Photos) -> list[str]:
    left_out = np.flatnonzero(~photos.usable)
    if not len(left_out):
        return []
    name = photos.rows[int(left_out[0])].path
    return [
        f"{count_photos(len(left_out))} could not be read and {_were(len(left_out))} left out "
        f"of deep training, such as {name}. Check says why."
    ]


def _were(count: int) -> str:
    return "was" if count == 1 else "were"
