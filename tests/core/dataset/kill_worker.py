"""A process that makes short-lived workers and ends them with SIGKILL, for ``test_kill``.

It imports Winnow once; each worker is a fork, ready in milliseconds. Each line of standard input
is one round, as JSON: a list of workers, all run at once. The answer is one line: what ended each.
"""

import errno
import json
import os
import random
import signal
import sys
import time
import traceback
from pathlib import Path

from core.dataset import Dataset, GalleryEdit, checkpoints, history, moving
from core.dataset.arrivals import Arrival, Aside, staging, take_in
from core.dataset.classes import (
    add_class,
    delete_class,
    merge_classes,
    order_classes,
    rename_class,
    split_off,
)
from core.dataset.emptying import empty_removed
from core.dataset.fetched import Fetched
from core.dataset.sources import Source
from core.errors import DatasetError
from core.images.identity import content_hash


def main() -> None:
    for line in sys.stdin:
        workers = json.loads(line)
        children = [(fork(worker), worker) for worker in workers]
        for child, worker in children:
            if worker.get("killed_after") is not None:
                time.sleep(worker["killed_after"])
                os.kill(child, signal.SIGKILL)
        sys.stdout.write(json.dumps([ended(child) for child, _ in children]) + "\n")
        sys.stdout.flush()


def fork(worker: dict) -> int:
    child = os.fork()
    if child == 0:
        try:
            work(worker)
            os._exit(0)
        except BaseException:
            traceback.print_exc()
            os._exit(1)
    return child


def ended(child: int) -> int:
    return -os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def work(worker: dict) -> None:
    root = Path(os.fsdecode(bytes.fromhex(worker["root"])))
    if worker.get("other_device"):
        pretend_classes_are_devices()
    checkpoints.hook = killer(worker.get("kill_at"), worker.get("log"))
    dataset = Dataset.open(root)
    if worker.get("op") == "collect":
        collect(dataset, worker.get("collection", COLLECTION), worker.get("joining"))
        return
    if "op" in worker:
        do(dataset, worker["op"], worker["ids"])
        return
    one_step = random_class_act if worker.get("classes") else random_step
    dice = random.Random(worker["seed"])
    for number in range(worker["steps"]):
        try:
            one_step(dataset, dice, f"{worker['seed']}", number + 1)
        except DatasetError as error:
            if not any(words in str(error) for words in EXPECTED):
                raise


def killer(kill_at: int | None, log: str | None):
    """A hook that ends the process at the ``kill_at``-th point it reaches."""
    reached = 0

    def hook(point: str) -> None:
        nonlocal reached
        reached += 1
        if reached == kill_at:
            if log:
                with open(log, "a") as file:
                    file.write(point + "\n")
            os.kill(os.getpid(), signal.SIGKILL)

    return hook


# What the other worker may have brought about in the meantime.
EXPECTED = ("Nothing left", "There is no class", "There is a class called", "two classes")


def do(dataset: Dataset, op: str, ids: list[int]) -> None:
    if op in CLASS_ACTS:
        CLASS_ACTS[op](dataset, ids)
    elif op == "relabel":
        dataset.relabel(ids, "dog")
    elif op == "new":
        dataset.relabel(ids, "bird", new=True)
    elif op == "empty":
        finish(empty_removed(dataset, ids))
    elif op == "back":
        finish(history.undo_back_to(dataset, 0))
    elif op in ("remove", "restore"):
        getattr(dataset, op)(ids)
    else:
        getattr(dataset, op)()


def finish(task) -> None:
    for _ in task:
        pass


COLLECTION = "c0ffee"
ASIDE = Aside(kind="duplicate", reason="The same photo is there already.")


def collect(dataset: Dataset, collection: str, joining: int | None) -> None:
    """Take in what is staged: files are named ``CLASS-NUMBER``, with ``-aside`` where set aside."""
    arrivals = []
    for staged in sorted(staging(dataset, collection).iterdir()):
        class_name, _, rest = staged.name.partition("-")
        arrivals.append(
            Arrival(
                staged=staged,
                name=f"{staged.name}.jpg",
                class_name=class_name,
                content=content_hash(staged),
                source=Source(via="bing", url=f"http://x/{staged.name}", at=1.0),
                aside=ASIDE if rest.endswith("aside") else None,
            )
        )
    fetched = [
        Fetched(
            class_name=one.class_name,
            url=one.source.url,
            outcome="duplicate" if one.aside else "kept",
            collection=collection,
        )
        for one in arrivals
    ]
    take_in(dataset, arrivals, collection=collection, step=joining, fetched=fetched)


def random_step(dataset: Dataset, dice: random.Random, client: str, number: int) -> None:
    rows = dataset.rows()
    removed = [row.id for row in dataset.removed_rows()]
    some = dice.sample(rows, min(len(rows), dice.randint(1, 4)))
    ids = [row.id for row in some]
    choice = dice.random()
    if choice < 0.35:
        dataset.relabel(ids, dice.choice(dataset.classes()))
    elif choice < 0.5:
        dataset.remove(ids)
    elif choice < 0.6 and removed:
        dataset.restore(dice.sample(removed, min(len(removed), 3)))
    elif choice < 0.8:
        dataset.undo()
    elif choice < 0.9:
        dataset.redo()
    else:
        edit = GalleryEdit(
            number=number,
            op="relabel",
            ids=tuple(ids),
            class_name=dice.choice(dataset.classes()),
            shown_in={row.id: row.class_name for row in some},
        )
        dataset.apply_edits(client, [edit])


CLASS_ACTS = {
    "add_class": lambda dataset, ids: add_class(dataset, "kitten"),
    "rename_class": lambda dataset, ids: rename_class(dataset, "cat", "kitten"),
    "merge_class": lambda dataset, ids: merge_classes(dataset, ["cat"], "dog"),
    "split_class": lambda dataset, ids: split_off(dataset, ids, "kitten"),
    "delete_class": lambda dataset, ids: delete_class(dataset, "cat"),
    "order_classes": lambda dataset, ids: order_classes(dataset, ["dog"]),
}


def random_class_act(dataset: Dataset, dice: random.Random, client: str, number: int) -> None:
    names = dataset.classes()
    choice = dice.random()
    if choice < 0.25 or len(names) < 2:
        random_step(dataset, dice, client, number)
    elif choice < 0.5:
        rename_class(dataset, dice.choice(names), f"class {dice.randint(1, 9)}")
    elif choice < 0.6:
        merge_classes(dataset, [dice.choice(names)], dice.choice(names[:-1]))
    elif choice < 0.7:
        ids = [row.id for row in dice.sample(dataset.rows(), 3)]
        split_off(dataset, ids, f"class {dice.randint(1, 9)}")
    elif choice < 0.75:
        delete_class(dataset, dice.choice(names))
    elif choice < 0.8:
        order_classes(dataset, dice.sample(names, 2))
    elif choice < 0.95:
        dataset.undo()
    else:
        dataset.redo()


def pretend_classes_are_devices() -> None:
    """Have each folder stand for a file system of its own."""
    replace = os.replace

    def within_a_device(source, target) -> None:
        if Path(source).parent != Path(target).parent:
            raise OSError(errno.EXDEV, "Invalid cross-device link")
        replace(source, target)

    os.replace = within_a_device
    moving.device_of = lambda path: hash(str(path.parent))


if __name__ == "__main__":
    main()
