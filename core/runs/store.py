"""Runs on disk: settings as JSON, weights as safetensors, predictions as parquet; no pickle.

A run is written into a folder of a passing name and renamed, so it is there whole or not at all.
A folder that was damaged later is passed over in lists and named when it is asked for.
"""

import json
import os
import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from core.errors import RunError
from core.runs.run import Predictions, Run

if TYPE_CHECKING:
    import pyarrow

RUN_FILE, CURVE_FILE = "run.json", "metrics.jsonl"
MODEL_FILE, PREDICTIONS_FILE = "model.safetensors", "predictions.parquet"
FORMAT = 1  # grows when a run of an older Winnow could no longer be read
_ID = re.compile(r"\d{8}-\d{6}-\d{6}")


def save_run(
    home: Path,
    run: Run,
    predictions: Predictions,
    tensors: Mapping[str, np.ndarray],
    curve: Sequence[Mapping[str, Any]],
    *,
    networks: Mapping[int, Path] | None = None,
) -> None:
    """Write a run; it shows in lists once all of it is there.

    Args:
        home: Of the data set.
        run: Its settings and figures.
        predictions: What it says of every photo.
        tensors: Its heads, see ``load_tensors``.
        curve: Rows of its charts.
        networks: Of deep runs: the file of the fine-tuned network that judged a fold; copied.

    Raises:
        RunError: If it cannot be written, for example because the disk is full.
    """
    target = _folder(home, run.id)
    scratch = target.with_name(f".{run.id}-{os.getpid()}")
    try:
        scratch.mkdir(parents=True)
        _write_run(scratch / RUN_FILE, run)
        lines = (json.dumps(row, default=_plain) + "\n" for row in curve)
        (scratch / CURVE_FILE).write_text("".join(lines), encoding="ascii")
        _write_tensors(scratch / MODEL_FILE, tensors, run)
        _write_predictions(scratch / PREDICTIONS_FILE, predictions)
        for fold, file in (networks or {}).items():
            shutil.copyfile(file, scratch / network_name(fold))
        scratch.rename(target)
    except OSError as error:
        shutil.rmtree(scratch, ignore_errors=True)
        raise RunError(
            f"The finished training could not be kept in {target.parent}: "
            f"{error.strerror or error}. Make room or check the folder, then train again."
        ) from error


def network_name(fold: int) -> str:
    """What the file of the fine-tuned network is called that did not see a fold."""
    return f"network-{fold}.safetensors"


def network_files(home: Path, run_id: str) -> dict[int, Path]:
    """The fine-tuned networks of a deep run by the fold that each did not see."""
    found = {}
    for file in _existing(home, run_id).glob(network_name(0).replace("0", "*")):
        number = file.stem.removeprefix("network-")
        if number.isdecimal():
            found[int(number)] = file
    return dict(sorted(found.items()))


def load_run(home: Path, run_id: str) -> Run:
    """A run's settings and figures.

    Raises:
        RunError: If there is no such run, or its folder is damaged.
    """
    folder = _existing(home, run_id)
    try:
        return _read_run(folder)
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise _damaged(folder, RUN_FILE) from error


def load_predictions(home: Path, run_id: str) -> Predictions:
    """What a run said of every photo; see ``load_run`` for what is raised."""
    folder = _existing(home, run_id)
    import pyarrow
    import pyarrow.parquet

    try:
        # One thread: on a small table pyarrow's pool costs more than it saves.
        table = pyarrow.parquet.read_table(folder / PREDICTIONS_FILE, use_threads=False)
        return _predictions(table)
    except (OSError, ValueError, KeyError, pyarrow.ArrowException) as error:
        raise _damaged(folder, PREDICTIONS_FILE) from error


def load_tensors(home: Path, run_id: str) -> dict[str, np.ndarray]:
    """A run's heads, by name; see ``load_run`` for what is raised.

    "weight" (K, D) and "bias" (K,) of the head from all photos, "fold_weight" (F, K, D) and
    "fold_bias" (F, K) of those that left a fold out; all apply to raw features. Where the data set
    brought its own split, the first stands at the end of the others again, once for each part held
    out.
    """
    folder = _existing(home, run_id)
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    try:
        return dict(load_file(folder / MODEL_FILE))
    except (OSError, ValueError, SafetensorError) as error:
        raise _damaged(folder, MODEL_FILE) from error


def load_curve(home: Path, run_id: str) -> list[dict[str, Any]]:
    """The rows of a run's charts, as they were reported live; see ``load_run``."""
    folder = _existing(home, run_id)
    try:
        text = (folder / CURVE_FILE).read_text(encoding="ascii")
        return [json.loads(line) for line in text.splitlines()]
    except (OSError, ValueError) as error:
        raise _damaged(folder, CURVE_FILE) from error


def list_runs(home: Path) -> list[Run]:
    """Runs that can be read, newest first."""
    return [run for folder in run_folders(home / "runs") if (run := run_in(folder))]


def latest_run(home: Path) -> Run | None:
    """The newest run that can be read."""
    return next((run for folder in run_folders(home / "runs") if (run := run_in(folder))), None)


def delete_run(home: Path, run_id: str) -> None:
    """Delete a run for good; one that is gone already is none the worse."""
    shutil.rmtree(_folder(home, run_id), ignore_errors=True)


def run_folder(home: Path, run_id: str) -> Path:
    """Where a run is kept.

    Raises:
        RunError: If there is no such run.
    """
    return _existing(home, run_id)


def run_folders(parent: Path) -> list[Path]:
    """The folders in ``parent`` that are named as runs are, damaged ones too, newest first."""
    try:
        names = os.listdir(parent)
    except OSError:
        return []
    return [parent / name for name in sorted(names, reverse=True) if _ID.fullmatch(name)]


def run_in(folder: Path) -> Run | None:
    """The run kept in a folder; None if not all of it is there and readable."""
    try:
        run = _read_run(folder)
    except (OSError, ValueError, TypeError, KeyError):
        return None
    whole = all((folder / name).is_file() for name in (MODEL_FILE, PREDICTIONS_FILE, CURVE_FILE))
    return run if whole else None


def _folder(home: Path, run_id: str) -> Path:
    if not _ID.fullmatch(run_id):
        raise RunError(f"There is no run {run_id!r}.")
    return home / "runs" / run_id


def _existing(home: Path, run_id: str) -> Path:
    folder = _folder(home, run_id)
    if not folder.is_dir():
        raise RunError(f"There is no run {run_id} any more. Choose another one, or train again.")
    return folder


def _damaged(folder: Path, name: str) -> RunError:
    return RunError(
        f"The run {folder.name} is damaged: {folder / name} cannot be read. "
        "Delete its folder and train again."
    )


def _write_run(path: Path, run: Run) -> None:
    # Plain ASCII keeps class names reversible that are not valid UTF-8.
    kept = {"format": FORMAT, **asdict(run)}
    path.write_text(json.dumps(kept, indent=1, default=_plain), encoding="ascii")


def _read_run(folder: Path) -> Run:
    kept = json.loads((folder / RUN_FILE).read_text(encoding="ascii"))
    if kept["format"] != FORMAT or kept["id"] != folder.name:
        raise ValueError("not a run of this format")
    # Runs of an older Winnow say nothing of what came later; what is needed has no default.
    known = {field.name: kept[field.name] for field in fields(Run) if field.name in kept}
    known["classes"] = tuple(known["classes"])
    known["warnings"] = tuple(known["warnings"])
    if known.get("judged_folds") is not None:
        known["judged_folds"] = tuple(known["judged_folds"])
    return Run(**known)


def _write_tensors(path: Path, tensors: Mapping[str, np.ndarray], run: Run) -> None:
    from safetensors.numpy import save_file

    whole = {name: np.ascontiguousarray(tensor) for name, tensor in tensors.items()}
    save_file(whole, path, metadata={"backbone": run.backbone, "classes": json.dumps(run.classes)})


def _write_predictions(path: Path, predictions: Predictions) -> None:
    import pyarrow
    import pyarrow.parquet

    probs = np.ascontiguousarray(predictions.probs, dtype=np.float32)
    columns = {
        "file_id": _column(predictions.file_id.astype(np.int64), pyarrow.int64()),
        "content": _texts(predictions.content),
        "given": _column(predictions.given.astype(np.int16), pyarrow.int16()),
        "fold": _column(predictions.fold.astype(np.int8), pyarrow.int8()),
        "probs": pyarrow.FixedSizeListArray.from_arrays(
            _column(probs.ravel(), pyarrow.float32()), probs.shape[1]
        ),
    }
    table = pyarrow.Table.from_arrays(list(columns.values()), names=list(columns))
    pyarrow.parquet.write_table(table, path)


def _column(values: np.ndarray, kind: "pyarrow.DataType") -> "pyarrow.Array":
    # From buffers, because pyarrow.array() imports pandas: a third of a second of each retraining.
    import pyarrow

    buffers = [None, pyarrow.py_buffer(np.ascontiguousarray(values))]
    return pyarrow.Array.from_buffers(kind, len(values), buffers)


def _texts(values: Sequence[str]) -> "pyarrow.Array":
    import pyarrow

    encoded = [value.encode() for value in values]
    ends = np.cumsum([0, *map(len, encoded)], dtype=np.int32)
    buffers = [None, pyarrow.py_buffer(ends), pyarrow.py_buffer(b"".join(encoded))]
    return pyarrow.Array.from_buffers(pyarrow.string(), len(values), buffers)


def _predictions(table: "pyarrow.Table") -> Predictions:
    columns = {name: table[name].combine_chunks() for name in table.column_names}
    width = columns["probs"].type.list_size
    return Predictions(
        file_id=columns["file_id"].to_numpy(),
        content=tuple(columns["content"].to_pylist()),
        given=columns["given"].to_numpy(),
        fold=columns["fold"].to_numpy(),
        probs=columns["probs"].flatten().to_numpy().reshape(-1, width),
    )


def _plain(value: object) -> object:
    if isinstance(value, np.generic | np.ndarray):
        return value.tolist()
    raise TypeError(f"{type(value).__name__} cannot be kept in a run")
