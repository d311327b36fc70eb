"""A process that shows photos as training sees them, for ``core.train.preview``.

    {"ask": "picture", "seconds": 20.0, "file": "/a.jpg", "content": "...", "size": 224,
     "seed": 3, "choices": {"flip": true, ...} or null, "channel": 0 or null}  ->
    {"problem": null, "picture": "base64 of a WebP"}

    {"ask": "pixels", "seconds": 20.0, "file": "/a.jpg", "content": "...", "size": 224}  ->
    {"problem": null, "width": 640, "height": 480, "left": 96, "top": 60, "few": [[[r, g, b], ...]]}

A file that keeps the decoder longer than ``seconds`` ends the process, as does one that crashes it.
So does the end of the program that asks, or a long time without a question.
"""

import base64
import faulthandler
import io
import json
import os
import threading
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import IO, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from core.errors import ImageError, TrainingError
from core.images.decode import as_image_error, decode, eight_bit, flattened, upright
from core.images.helpers import Message, serve
from core.networks.preprocessing import to_batch_item
from core.train.augment import augment
from core.train.augment_choices import choices_of

MOST_KEPT = 48  # photos, of about 150 KB each
FEW = 6  # pixels across and down that are told in numbers
QUALITY = 85  # of a WebP
IDLE_SECONDS = 240.0


class Seen(NamedTuple):
    """A photo as the network takes it."""

    width: int  # of the photo itself
    height: int
    square: NDArray[np.uint8]  # (S,S,3)


class Photos:
    """Photos that were decoded, the last ones kept."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[str, int], Seen] = OrderedDict()

    def seen(self, file: Path, content: str, size: int) -> Seen:
        """A photo as the network takes it.

        Raises:
            ImageError: If the file cannot be used as a picture.
        """
        key = (content, size)
        if key not in self._kept:
            self._kept[key] = _decoded(file, size)
        self._kept.move_to_end(key)
        while len(self._kept) > MOST_KEPT:
            self._kept.popitem(last=False)
        return self._kept[key]


def _decoded(file: Path, size: int) -> Seen:
    """As ``open_rgb`` with this size gives it to training, and how large the photo is."""
    decoded = decode(file, shortest=size)
    with as_image_error(file):
        image = flattened(upright(eight_bit(decoded.image), decoded.orientation))
        return Seen(decoded.width, decoded.height, to_batch_item(image, size))


def answer_all(requests: IO[bytes], send: Callable[[Message], None]) -> None:
    """Answer until there is nothing more to answer."""
    photos = Photos()
    idle = _idle_clock()
    for line in requests:
        idle.cancel()
        request = json.loads(line)
        # The clock is a thread in C: it also ends a decoder that never lets Python run.
        faulthandler.dump_traceback_later(request["seconds"], exit=True, file=2)
        try:
            answer = {"problem": None, **_answer(request, photos)}
        except ImageError as error:
            answer = {"problem": str(error), "lasting": error.lasting}
        except TrainingError as error:
            answer = {"problem": str(error), "lasting": True}
        faulthandler.cancel_dump_traceback_later()
        send(answer)
        idle = _idle_clock()
    idle.cancel()


def _answer(request: Message, photos: Photos) -> Message:
    seen = photos.seen(Path(request["file"]), request["content"], request["size"])
    if request["ask"] == "pixels":
        left, top = _busiest(seen.square)
        few = seen.square[top : top + FEW, left : left + FEW]
        return {
            "width": seen.width,
            "height": seen.height,
            "left": left,
            "top": top,
            "few": few.tolist(),
        }
    square = seen.square
    if request["choices"] is not None:
        planes = torch.from_numpy(square.copy()).permute(2, 0, 1)[None]
        changed = augment(planes, [request["seed"]], choices_of(request["choices"]))
        square = changed[0].permute(1, 2, 0).numpy()
    if request["channel"] is not None:
        square = square[..., request["channel"]]
    held = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(square)).save(held, "WEBP", quality=QUALITY, method=1)
    return {"picture": base64.b64encode(held.getvalue()).decode()}


def _busiest(square: NDArray[np.uint8]) -> tuple[int, int]:
    """Left and top of the few pixels that differ most and are most colourful, not at the edge."""
    per_side = square.shape[0] // FEW
    whole = square[: per_side * FEW, : per_side * FEW].astype(np.float32)
    blocks = whole.reshape(per_side, FEW, per_side, FEW, 3)
    colour = (blocks.max(axis=4) - blocks.min(axis=4)).mean(axis=(1, 3))
    spread = blocks.std(axis=(1, 3)).sum(axis=2) + 2 * colour  # (per_side, per_side)
    margin = per_side // 4
    inner = spread[margin : per_side - margin, margin : per_side - margin]
    row, column = np.unravel_index(int(inner.argmax()), inner.shape)
    return (int(column) + margin) * FEW, (int(row) + margin) * FEW


def _idle_clock() -> threading.Timer:
    """Ends this process once nobody has asked anything for long: PyTorch takes much memory."""
    clock = threading.Timer(IDLE_SECONDS, os._exit, (0,))
    clock.daemon = True
    clock.start()
    return clock


if __name__ == "__main__":
    torch.set_num_threads(1)
    serve(answer_all)
