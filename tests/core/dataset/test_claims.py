import subprocess
import sys
from pathlib import Path

import pytest

from core.dataset.claims import claimed
from core.errors import DatasetError

ROOT = Path(__file__).resolve().parents[3]
FILL = """
import sys
from pathlib import Path
from core.dataset import Dataset
from core.dataset.claims import claimed

with claimed(Dataset.open(Path(sys.argv[1])), "dead") as folder:
    (folder / "1.part").write_text("half a photo")
    print("filled", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def other_process():
    """Claims the collection "dead" of a data set and puts a file into its folder."""
    started = []

    def start(root: Path) -> subprocess.Popen:
        process = subprocess.Popen(
            [sys.executable, "-c", FILL, str(root)],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        assert process.stdout.readline() == "filled\n"
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def left_in(root: Path) -> set[str]:
    arriving = root / ".winnow" / "arriving"
    return {path.relative_to(arriving).as_posix() for path in arriving.rglob("*")}


def test_what_a_killed_process_left_is_cleared_by_the_next_collection(make_set, other_process):
    dataset = make_set({"cat": 1})
    process = other_process(dataset.root)
    process.kill()
    process.wait()
    assert "dead/1.part" in left_in(dataset.root)

    with claimed(dataset, "c0ffee"):
        assert left_in(dataset.root) == {"c0ffee", "c0ffee.lock"}

    assert left_in(dataset.root) == set()


def test_what_a_living_process_is_filling_stays(make_set, other_process):
    dataset = make_set({"cat": 1})
    process = other_process(dataset.root)

    with claimed(dataset, "c0ffee"):
        assert "dead/1.part" in left_in(dataset.root)

    assert left_in(dataset.root) == {"dead", "dead/1.part", "dead.lock"}
    process.communicate()  # it ends by itself
    assert left_in(dataset.root) == set()


def test_one_collection_is_not_worked_on_twice_at_once(make_set, other_process):
    dataset = make_set({"cat": 1})
    other_process(dataset.root)

    with pytest.raises(DatasetError, match="the same collection"), claimed(dataset, "dead"):
        pass

    assert "dead/1.part" in left_in(dataset.root)


def test_own_leftovers_are_gone_before_and_after(make_set, other_process):
    dataset = make_set({"cat": 1})
    process = other_process(dataset.root)
    process.kill()
    process.wait()

    with pytest.raises(ZeroDivisionError), claimed(dataset, "dead") as folder:
        assert list(folder.iterdir()) == []
        (folder / "2.part").write_text("half a photo")
        raise ZeroDivisionError

    assert left_in(dataset.root) == set()
