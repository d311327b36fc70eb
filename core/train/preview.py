"""Looking at photos as training will see them, without PyTorch in the program that looks.

A process of its own imports PyTorch once (two seconds), then makes a picture in some milliseconds.
It is started when first asked, and ends with this program or after some minutes without a question.
The pixels go the way they go in training: ``to_batch_item``, then ``augment``.
"""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal, TypedDict

from core.errors import ImageError, TrainingError
from core.images.helper_pool import Failed, HelperPool
from core.images.helpers import Message
from core.images.looking import CRASHES, TAKES_TOO_LONG
from core.train.augment_choices import AugmentChoices

PROCESS = "core.train.preview_process"
SECONDS_PER_PICTURE = 20.0

Channel = Literal["red", "green", "blue"]
CHANNELS: tuple[Channel, ...] = ("red", "green", "blue")
Pixel = tuple[int, int, int]  # red, green, blue, each 0 to 255


class Asked(TypedDict):
    """How ``picture`` is to show a photo."""

    size: int
    seed: int
    choices: AugmentChoices | None
    channel: Channel | None


@dataclass(frozen=True, kw_only=True)
class Pixels:
    """A photo in numbers, and a few of them."""

    width: int  # of the photo itself, upright, in pixels
    height: int
    size: int  # side of the square that the network sees
    left: int  # where in that square the few begin
    top: int
    few: tuple[tuple[Pixel, ...], ...]  # rows of them


def picture(
    file: Path,
    content: str,
    *,
    size: int,
    seed: int = 0,
    choices: AugmentChoices | None = None,
    channel: Channel | None = None,
) -> bytes:
    """A photo as the network sees it, as WebP.

    Args:
        file: The photo.
        content: What it is remembered by between two calls.
        size: Side of the square, in pixels.
        seed: Decides how the photo is changed.
        choices: How far it is changed; None: not at all.
        channel: Only this of the three, in grey; None: all, in colour.

    Raises:
        ImageError: If the file cannot be used as a picture.
        TrainingError: If the process cannot be started.
    """
    answer = _ask(
        {
            "ask": "picture",
            "file": str(file),
            "content": content,
            "size": size,
            "seed": seed,
            "choices": None if choices is None else choices.to_json(),
            "channel": None if channel is None else CHANNELS.index(channel),
        }
    )
    return base64.b64decode(answer["picture"])


def pixels(file: Path, content: str, *, size: int) -> Pixels:
    """A photo in numbers, and those of a few pixels of what the network sees, where much goes on.

    Raises:
        ImageError: If the file cannot be used as a picture.
        TrainingError: If the process cannot be started.
    """
    answer = _ask({"ask": "pixels", "file": str(file), "content": content, "size": size})
    return Pixels(
        width=answer["width"],
        height=answer["height"],
        size=size,
        left=answer["left"],
        top=answer["top"],
        few=tuple(tuple(_pixel(one) for one in row) for row in answer["few"]),
    )


def close() -> None:
    """End the process, if there is one; the next question starts another."""
    if _pool.cache_info().currsize:
        _pool().close()
        _pool.cache_clear()


def _ask(request: Message) -> Message:
    try:
        answer = _pool().ask(request, seconds=SECONDS_PER_PICTURE)
    except Failed as failure:
        reason = TAKES_TOO_LONG if failure.late else CRASHES
        raise ImageError(reason, lasting=not failure.late) from failure
    except RuntimeError as error:  # PyTorch is missing or broken
        raise TrainingError(
            "Photos cannot be shown as the network sees them: the program for it does not start. "
            "Install Winnow's requirements again."
        ) from error
    if answer["problem"] is not None:
        raise ImageError(answer["problem"], lasting=answer["lasting"])
    return answer


def _pixel(numbers: Sequence[int]) -> Pixel:
    red, green, blue = numbers
    return red, green, blue


@cache
def _pool() -> HelperPool:
    # One is enough: a picture takes it less long than a browser takes to ask for the next.
    return HelperPool(PROCESS, processes=1)
