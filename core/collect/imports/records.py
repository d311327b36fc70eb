"""What is kept about an import beside its photos: a setting of the data set, small and readable."""

import json
from dataclasses import asdict, dataclass, fields

from core.dataset import Dataset


@dataclass(frozen=True, kw_only=True)
class Record:
    """How an import went, or how far it is."""

    title: str  # of the archive or folder
    via: str  # "upload", "folder" or "camera"
    photos: int  # to be brought in, those that were left out included
    told: tuple[str, ...] = ()  # what a person should know about how they were sorted
    left_out: tuple[str, ...] = ()  # files that could not be brought in, in sentences
    step: int | None = None  # the undo step that the next batch joins
    near: tuple[tuple[int, int], ...] = ()  # photos that show the same as another, and which
    done: bool = False  # all have arrived
    is_compared: bool = False  # "near" is known


def load_record(dataset: Dataset, collection: str) -> Record | None:
    """What is known of an import; None where it never began, or is none."""
    kept = dataset.setting(_key(collection))
    if kept is None:
        return None
    values = json.loads(kept)
    known = {field.name for field in fields(Record)}
    values = {name: value for name, value in values.items() if name in known}
    for name in ("told", "left_out"):
        values[name] = tuple(values.get(name, ()))
    values["near"] = tuple((first, other) for first, other in values.get("near", ()))
    return Record(**values)


def save_record(dataset: Dataset, collection: str, record: Record) -> None:
    """Keep what is known of an import."""
    dataset.set_setting(_key(collection), json.dumps(asdict(record)))


def _key(collection: str) -> str:
    return f"import:{collection}"
