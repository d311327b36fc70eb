"""How well Check's rankings find photos that do not belong, where somebody listed them.

    python benchmarks/findings.py FOLDER...

Each folder is a data set with a ``known_problems.csv`` (columns ``file`` and ``verdict``); it is
copied first and never written to. Printed for each ranking: how many photos it names where its line
lies by itself, and how many of the listed ``junk`` are among its first 40.
"""

import argparse
import csv
import shutil
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from core.clean.findings import rankings
from core.clean.odd_ones import odd_ones_job
from core.clean.sweep import check
from core.commands.shared import finish
from core.dataset import Dataset

FIRST = 40


def main() -> None:
    """Print a line for each ranking of each data set."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folders", type=Path, nargs="+")
    for folder in parser.parse_args().folders:
        with tempfile.TemporaryDirectory() as scratch:
            root = Path(scratch) / folder.name
            shutil.copytree(folder, root, ignore=shutil.ignore_patterns(".winnow"))
            judge(root, junk_of(folder))


def junk_of(folder: Path) -> set[str]:
    """The files that show no such thing as their class."""
    listed = folder / "known_problems.csv"
    if not listed.exists():
        return set()
    with open(listed, encoding="utf-8", newline="") as file:
        return {row["file"] for row in csv.DictReader(file) if row["verdict"] == "junk"}


def judge(root: Path, junk: set[str]) -> None:
    """Check a data set, compare its photos, and print what each ranking made of it."""
    dataset = Dataset.open(root)
    finish(dataset.reconcile())
    finish(check(dataset))
    finish(odd_ones_job(str(root)))
    paths = {row.id: row.path for row in dataset.rows()}
    print(f"{root.name}: {len(paths)} photos, {len(junk)} listed as junk")
    seen: set[str] = set()
    for ranking in rankings(dataset).values():
        first = {paths[int(file_id)] for file_id in ranking.ids[:FIRST]}
        named = ranking.found(ranking.finding.threshold)
        seen |= first & junk
        print(
            f"  {ranking.finding.title:18} names {named:4}; "
            f"junk among its first {FIRST}: {len(first & junk)}"
        )
    print(f"  any of them: {len(seen)}; in none: {', '.join(sorted(junk - seen)) or 'none'}")


if __name__ == "__main__":
    main()
