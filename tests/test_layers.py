"""The direction in which parts of Winnow may import one another, and what stays out of memory."""

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
# The ground, each on those to its left; then the steps, each on the whole ground and no step.
GROUND = ("errors", "user_folders", "jobs", "images", "dataset", "networks", "runs")
STEPS = ("collect", "clean", "label", "train", "review", "ship")
COMMAND_LINE = ("commands", "__main__")  # joins the steps, as pages do
SCREEN = {"app", "ui", "pages", "streamlit", "launcher", "start"}
HEAVY = ("torch", "torchvision", "timm", "sklearn")


def test_the_library_knows_nothing_of_the_screen():
    for file, module in imports_below("core"):
        assert module.split(".")[0] not in SCREEN, f"{file} imports {module}"


def test_a_step_imports_the_ground_and_never_another_step():
    for file, module in imports_below("core"):
        here, there = part_of(file), part_of_module(module)
        if here in STEPS and there:
            assert there == here or there in GROUND, f"{file} imports {module}"


def test_the_ground_imports_in_one_direction():
    for file, module in imports_below("core"):
        here, there = part_of(file), part_of_module(module)
        if here in GROUND and there:
            assert there in GROUND, f"{file} imports {module}"
            assert GROUND.index(there) <= GROUND.index(here), f"{file} imports {module}"


def test_every_part_of_the_library_has_its_place_in_that_order():
    parts = {part_of(file.relative_to(ROOT)) for file in (ROOT / "core").rglob("*.py")}

    assert parts - {"__init__"} <= {*GROUND, *STEPS, *COMMAND_LINE}


def test_what_pages_share_imports_no_page():
    for file, module in imports_below("ui"):
        assert module.split(".")[0] not in {"pages", "app"}, f"{file} imports {module}"


def test_pages_do_not_import_one_another():
    for file, module in imports_below("pages"):
        assert module.split(".")[0] not in {"pages", "app"}, f"{file} imports {module}"


@pytest.mark.parametrize("part", ["app", "ui", "pages"])
def test_the_server_s_parts_name_no_heavy_library(part):
    files = imports_below(part) if part != "app" else imports_of(ROOT / "app.py")

    for file, module in files:
        assert module.split(".")[0] not in HEAVY, f"{file} imports {module}"


def test_a_server_that_has_imported_every_page_holds_no_heavy_library():
    modules = sorted(
        ".".join(file.relative_to(ROOT).with_suffix("").parts)
        for folder in ("ui", "pages")
        for file in (ROOT / folder).rglob("*.py")
        if file.name != "__init__.py"
    )
    assert {"ui.main", "pages.home", "pages.review"} <= set(modules)

    loaded = loaded_after(["app", *import_names_of(modules)])

    assert loaded & set(HEAVY) == set()
    assert "streamlit" in loaded


@pytest.mark.parametrize("module", ["core.train.quick", "core.networks.engine", "core.__main__"])
def test_the_quick_path_holds_no_heavy_library(module):
    assert loaded_after([module]) & set(HEAVY) == set()


def import_names_of(modules):
    """What these modules import anywhere, in functions too: pages are run, not imported."""
    names = set()
    for module in modules:
        for _, name in imports_of(ROOT / Path(*module.split(".")).with_suffix(".py")):
            if name.split(".")[0] in {"core", "ui"}:
                names.add(name)
    return sorted(names)


def loaded_after(modules):
    """Top-level names in memory once a fresh Python has imported these modules."""
    program = (
        "import importlib, json, sys\n"
        f"for name in {list(modules)!r}:\n"
        "    importlib.import_module(name)\n"
        "print(json.dumps(sorted({name.split('.')[0] for name in sys.modules})))"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=120
    )
    assert ended.returncode == 0, ended.stderr
    return set(json.loads(ended.stdout.splitlines()[-1]))


def imports_below(folder):
    for file in sorted((ROOT / folder).rglob("*.py")):
        yield from imports_of(file)


def imports_of(file):
    """The modules a file imports, at the top and inside functions; not those for types alone."""
    for node in walk_what_runs(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield file.relative_to(ROOT), alias.name
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file} imports relatively"
            for alias in node.names:
                name = f"{node.module}.{alias.name}"
                yield file.relative_to(ROOT), name if is_module(name) else node.module


def walk_what_runs(node):
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
            continue
        yield child
        yield from walk_what_runs(child)


def is_module(name):
    path = ROOT / Path(*name.split("."))
    return path.with_suffix(".py").is_file() or (path / "__init__.py").is_file()


def part_of(file):
    """The part of core a file belongs to: "train" for core/train/quick.py."""
    parts = file.relative_to(ROOT).parts if file.is_absolute() else file.parts
    return Path(parts[1]).stem


def part_of_module(module):
    names = module.split(".")
    return names[1] if names[0] == "core" and len(names) > 1 else None
