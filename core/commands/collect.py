"""The command that brings photos in from the web: ``collect``."""

import argparse
import re
import secrets
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.commands.shared import add_dataset_command, finish, say
from core.dataset import Dataset
from core.dataset.names import check_class_name, photos
from core.errors import CollectError

if TYPE_CHECKING:
    from core.collect.engines.url_list import UrlList

MOST = 50
LARGEST_LIST = 50_000_000  # bytes; some 500,000 addresses


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Register the command."""
    parser = add_dataset_command(
        commands,
        "collect",
        collect,
        about="fetch photos for a class, from a search engine or a list of links",
    )
    parser.add_argument(
        "--class", dest="class_name", required=True, metavar="C", help="made if there is none"
    )
    way = parser.add_mutually_exclusive_group(required=True)
    way.add_argument("--query", metavar="Q", help="words to search for")
    way.add_argument(
        "--urls", metavar="FILE", help="a list of links: one a line, or a table with classes"
    )
    parser.add_argument("--engine", metavar="E", default="bing", help="bing if not given")
    parser.add_argument(
        "--max", type=_count, default=MOST, metavar="N", help=f"photos to keep; {MOST} if not given"
    )
    parser.add_argument(
        "--min-side",
        type=_side,
        default=64,
        metavar="PX",
        help="set aside photos with a shorter side; 64 if not given, 0 keeps all",
    )


def collect(arguments: argparse.Namespace) -> dict[str, Any]:
    """Collect photos for a class into a data set, which is made if there is none."""
    from core.collect.collecting import Collected, Wanted, require_sense
    from core.collect.collecting import collect as collecting
    from core.dataset.arrivals import set_aside
    from core.dataset.fetched import refused

    # What the user can mend is said before a folder is made for it.
    read = _read(arguments) if arguments.urls is not None else None
    listed = read.rows if read is not None else ()
    unusable = read.unusable if read is not None else ()
    wanted = [_wanted(arguments, Wanted)] if read is None else []
    if not unusable:
        require_sense(wanted, listed)
    check_class_name(arguments.class_name, [])
    dataset = _opened(arguments.dataset)
    collection = secrets.token_hex(8)
    done = Collected(collection=collection, searches=(), seconds=0.0)
    if wanted or listed:
        done = finish(
            collecting(
                dataset,
                wanted,
                listed=listed,
                collection=collection,
                list_name=Path(arguments.urls).name if read is not None else "",
                min_side=arguments.min_side,
            )
        )
    rejected = refused(dataset, collection, limit=1_000_000)
    aside = set_aside(dataset, collection)
    kept = done.total("kept")
    small = sum(one.kind == "too_small" for one in aside)
    duplicates = len(aside) - small
    for row in rejected:
        say(arguments, f"{_one_line(row.url)}: {row.reason}")
    for one in aside:
        say(arguments, f"Set aside: {_one_line(one.file)}: {one.reason}")
    say(
        arguments,
        f"{photos(kept)} collected for {arguments.class_name}. Refused: "
        f"{len(rejected) + len(unusable)}, set aside as duplicates: {duplicates}, as too small: "
        f"{small} ({done.seconds:.1f} seconds).",
    )
    if known := done.total("known"):
        say(arguments, f"Passed over, being asked for before: {known}.")
    for problem in done.problems:
        say(arguments, problem)
    return {
        "asked": done.total("asked") + len(unusable),
        "downloaded": kept,
        "rejected": [
            *({"url": row.url, "reason": row.reason} for row in rejected),
            *({"url": one.written, "reason": one.reason} for one in unusable),
        ],
        "duplicates": duplicates,
        "too_small": small,
        "set_aside": [{"file": one.file, "kind": one.kind, "reason": one.reason} for one in aside],
        "known_before": known,
        "seconds": round(done.seconds, 3),
        "collection": collection,
        **({"problem": " ".join(done.problems)} if done.problems else {}),
    }


def _wanted(arguments: argparse.Namespace, wanted: type[Any]) -> Any:  # noqa: ANN401
    return wanted(
        class_name=arguments.class_name,
        query=arguments.query,
        engine=arguments.engine,
        most=arguments.max,
    )


def _opened(root: Path) -> Dataset:
    """The data set, up to date; made where there is no folder yet."""
    if not root.expanduser().exists():
        return Dataset.create(root)
    dataset = Dataset.open(root)
    finish(dataset.reconcile())
    return dataset


def _read(arguments: argparse.Namespace) -> "UrlList":
    """The list; addresses without a class of their own go to the one named.

    Raises:
        CollectError: If there is no such file, or nothing like an address in it.
    """
    from dataclasses import replace

    from core.collect.engines.url_list import read_list, text_of

    path = Path(arguments.urls).expanduser()
    try:
        with open(path, "rb") as file:
            data = file.read(LARGEST_LIST + 1)
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        raise CollectError(
            f"The list {path} cannot be read ({why}). Check its name and place."
        ) from error
    if len(data) > LARGEST_LIST:
        raise CollectError(f"The list {path} is too large. Split it into several.")
    read = read_list(text_of(data), name=path.name)
    for problem in read.problems:
        say(arguments, problem)
    if not read.rows and not any(one.is_address for one in read.unusable):
        raise CollectError(f"There is no web address in {path}. Put one on each line.")
    rows = (replace(row, class_name=row.class_name or arguments.class_name) for row in read.rows)
    return replace(read, rows=tuple(rows))


def _count(text: str) -> int:
    # A number of many digits is never converted: Python refuses it with words of its own.
    if not re.fullmatch("[0-9]{1,6}", text) or not 1 <= int(text) <= 100_000:
        raise argparse.ArgumentTypeError(f"{text!r} is no number from 1 to 100,000")
    return int(text)


def _side(text: str) -> int:
    if not re.fullmatch("[0-9]{1,5}", text):
        raise argparse.ArgumentTypeError(f"{text!r} is no number of pixels")
    return int(text)


def _one_line(name: str) -> str:
    return name.replace("\n", "\\n")
