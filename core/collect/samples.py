"""Data sets made on the spot, without a network, with some labels wrong on purpose.

Which are wrong is kept beside the catalogue, so that the app can say how many were found.
"""

import contextlib
import errno
import json
import os
import shutil
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from core.collect.circles import FEW, MANY, CircleStyle, draw_circles
from core.collect.digits import draw_digit, load_digits
from core.dataset import Dataset
from core.errors import DatasetError
from core.images.identity import content_hash
from core.jobs.progress import Progress, Task

SHARE_SWAPPED = 0.03
REPORTS = 50  # over the whole making
HOME, PLANTED = ".winnow", "planted.json"  # where core.dataset.planted looks


@dataclass(frozen=True, kw_only=True)
class Sample:
    """A data set that can be made, as it is offered."""

    name: str
    title: str
    sentence: str


@dataclass(frozen=True, kw_only=True)
class MadeSample:
    """A sample on disk."""

    root: Path
    images: int
    classes: tuple[str, ...]
    planted: int  # photos that stand in a wrong class


SAMPLES: dict[str, Sample] = {
    sample.name: sample
    for sample in (
        Sample(
            name="circles",
            title="Count the circles",
            sentence="500 pictures of 1 to 5 circles. 14 stand in a wrong class: find them.",
        ),
        Sample(
            name="circles-hard",
            title="Count many circles",
            sentence="360 pictures of 45 to 50 circles. "
            "Quick training can only guess: see how that looks.",
        ),
        Sample(
            name="digits",
            title="Handwritten digits",
            sentence="1,797 digits that people wrote. 54 stand in a wrong class: find them.",
        ),
    )
}


@dataclass(frozen=True, kw_only=True)
class _Plan:
    """The pictures of a sample before they are drawn."""

    labels: np.ndarray  # (N,) what each shows, as a number
    draw: Callable[[int], Image.Image]
    apart: int  # how far a swapped label is from the true one at least


def make_sample(name: str, root: Path, *, seed: int = 0) -> Task[MadeSample]:
    """Make a sample in a folder that is new or empty; stopped early, it leaves nothing.

    The same name and seed give the same files.

    Raises:
        DatasetError: If the folder holds something, or cannot be written.
        ValueError: If there is no sample of that name.
    """
    if name not in SAMPLES:
        raise ValueError(f"no sample is called {name!r}")
    root = Path(root).expanduser()
    _refuse_unless_empty(root)
    # Made next to its place and then moved there: a sample that exists is whole.
    draft = root.with_name(f".{root.name}.{uuid.uuid4().hex[:8]}.part")
    try:
        made = yield from _draw_all(_plan(name, seed), root, draft, seed)
    except OSError as error:
        raise DatasetError(f"The sample could not be made in {root}: {_why(error)}.") from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    yield Progress(
        phase="sample", done=made.images, total=made.images, message=f"{made.images} pictures made."
    )
    return made


def _refuse_unless_empty(root: Path) -> None:
    try:
        if any(root.iterdir()):
            raise DatasetError(
                f"{root} holds something already. Choose a folder that is new or empty."
            )
    except FileNotFoundError:
        return
    except OSError as error:
        raise DatasetError(f"{root} cannot be used: {_why(error)}.") from error


def _draw_all(plan: _Plan, root: Path, draft: Path, seed: int) -> Task[MadeSample]:
    given = swap_labels(
        plan.labels, share=SHARE_SWAPPED, apart=plan.apart, random=np.random.default_rng((seed, 1))
    )
    classes = tuple(str(number) for number in np.unique(plan.labels))
    for class_name in classes:
        (draft / class_name).mkdir(parents=True)
    total, planted = len(given), {}
    for at, (true, label) in enumerate(zip(plan.labels.tolist(), given.tolist(), strict=True)):
        if at % max(1, total // REPORTS) == 0:
            yield Progress(phase="sample", done=at, total=total, message="Drawing the pictures.")
        # Named by its place in a shuffled order: a name must not tell the class.
        file = draft / str(label) / f"{at + 1:04}.png"
        plan.draw(at).save(file)
        if true != label:
            planted[content_hash(file)] = str(true)
    (draft / HOME).mkdir()
    (draft / HOME / PLANTED).write_text(json.dumps(planted, indent=1), encoding="ascii")
    with contextlib.suppress(FileNotFoundError):
        root.rmdir()  # Windows moves nothing onto a folder, not even an empty one
    os.replace(draft, root)
    _keep_planted_where_it_is_read(root)
    return MadeSample(root=root, images=total, classes=classes, planted=len(planted))


def _keep_planted_where_it_is_read(root: Path) -> None:
    """On a network share the catalogue lies with the user, and the list of mistakes with it."""
    home = Dataset.open(root).home
    if not (home / PLANTED).exists():
        shutil.copy(root / HOME / PLANTED, home / PLANTED)


def swap_labels(
    labels: np.ndarray, *, share: float, apart: int, random: np.random.Generator
) -> np.ndarray:
    """Labels (N,) with a share of them exchanged in pairs, so that classes keep their sizes.

    The two labels of a pair differ by ``apart`` at least.
    """
    given = labels.copy()
    free = random.permutation(len(labels)).tolist()
    for _ in range(round(len(labels) * share) // 2):
        first = free.pop()
        partners = (at for at in free if abs(int(labels[at]) - int(labels[first])) >= apart)
        second = next(partners, None)
        if second is None:
            break
        free.remove(second)
        given[first], given[second] = labels[second], labels[first]
    return given


def _plan(name: str, seed: int) -> _Plan:
    random = np.random.default_rng((seed, 0))
    if name == "digits":
        return _digits(random)
    if name == "circles":
        return _circles(random, range(1, 6), per_class=100, style=FEW, apart=2, seed=seed)
    return _circles(random, range(45, 51), per_class=60, style=MANY, apart=3, seed=seed)


def _circles(
    random: np.random.Generator,
    counts: range,
    *,
    per_class: int,
    style: CircleStyle,
    apart: int,
    seed: int,
) -> _Plan:
    labels = random.permutation(np.repeat(np.array(counts), per_class))
    # Each picture has a generator of its own, so that one can be drawn again by itself.
    return _Plan(
        labels=labels,
        draw=lambda at: draw_circles(int(labels[at]), style, np.random.default_rng((seed, 2, at))),
        apart=apart,
    )


def _digits(random: np.random.Generator) -> _Plan:
    images, labels = load_digits()
    order = random.permutation(len(labels))
    return _Plan(labels=labels[order], draw=lambda at: draw_digit(images[order[at]]), apart=1)


def _why(error: OSError) -> str:
    if error.errno == errno.ENOSPC:
        return "the disk is full"
    return (error.strerror or str(error)).lower()
