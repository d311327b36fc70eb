"""What may lie in the repository, and what must."""

import ast
import hashlib
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PICTURES = {".jpg", ".jpeg", ".png", ".gif", ".webp", ".avif", ".heic", ".tif", ".tiff", ".bmp"}
LARGEST_BYTES = 1_500_000


@pytest.fixture(scope="module")
def files():
    """Every file in the repository, as it is in the working tree."""
    try:
        listed = subprocess.run(
            ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, timeout=60
        )
    except FileNotFoundError:
        pytest.skip("only on a computer with git")
    if listed.returncode != 0:
        pytest.skip("only on a checkout made by git")
    named = [ROOT / name for name in os.fsdecode(listed.stdout).split("\0") if name]
    return [path for path in named if path.is_file()]


def test_the_only_pictures_are_screenshots(files):
    pictures = {path.relative_to(ROOT).as_posix() for path in files if is_picture(path)}

    assert {path for path in pictures if not path.startswith("docs/")} == set()


def test_no_file_of_the_test_data_is_committed(files, test_data):
    ours = {hashlib.sha256(path.read_bytes()).digest(): path for path in files}

    for folder, _, names in os.walk(test_data):
        for name in names:
            path = Path(folder, name)
            if path.stat().st_size > 0:  # an empty file is like any other, such as __init__.py
                assert hashlib.sha256(path.read_bytes()).digest() not in ours, path


def test_no_file_is_large(files):
    assert [path for path in files if path.stat().st_size > LARGEST_BYTES] == []


def test_no_file_names_a_place_on_one_person_s_computer(files):
    # Put together, so that this file does not name them itself.
    private = re.compile("|".join(["/" + "root/", "/" + "work/", r"/home/(?!user\b|you\b)\w+/"]))

    for path in files:
        if not is_picture(path):
            found = private.search(path.read_text(encoding="utf-8"))
            assert found is None, f"{path} holds {found}"


def test_models_and_runs_are_never_pickled(files):
    for path in files:
        if path.suffix == ".py" and "tests" not in path.parts:
            source = path.read_text(encoding="utf-8")
            assert not re.search(r"^\s*(import|from) (pickle|joblib|dill)\b", source, re.M), path
            assert not re.search(r"torch\.save\(|allow_pickle=True", source), path


def test_what_core_and_ui_import_is_named_in_the_requirements(files):
    named = {name.lower() for name in requirements("requirements.txt")}
    packages = {"PIL": "pillow", "sklearn": "scikit-learn", "pillow_heif": "pillow-heif"}
    own = {"core", "ui", "pages", "app", "launcher", "start"}
    # Starlette comes with Streamlit, which decides its version.
    with_others = {"starlette"}

    missing = {
        (path.relative_to(ROOT).as_posix(), name)
        for path in files
        if path.suffix == ".py" and path.relative_to(ROOT).parts[0] in {"core", "ui", "pages"}
        for name in top_level_imports(path)
        if name not in own | with_others and packages.get(name, name).lower() not in named
    }

    assert missing == set()


def test_the_constraints_pin_every_requirement_or_the_requirement_pins_itself():
    pinned = set(requirements("constraints.txt"))

    for file in ("requirements.txt", "requirements-dev.txt"):
        for name, bounds in requirements(file).items():
            assert name in pinned or bounds.startswith("=="), name
            assert bounds.startswith("==") or "<" in bounds, f"{name} has no upper bound"


def test_the_screen_is_served_to_this_computer_alone_and_reports_nothing():
    with (ROOT / ".streamlit" / "config.toml").open("rb") as file:
        settings = tomllib.load(file)

    assert settings["server"]["address"] == "127.0.0.1"
    assert set(settings["server"]["allowedHosts"]) == {"localhost", "127.0.0.1"}
    assert settings["browser"]["gatherUsageStats"] is False


def test_the_map_s_documents_exist():
    for name in ("README.md", "CHANGELOG.md", "CONTRIBUTING.md", "LICENSE"):
        assert (ROOT / name).stat().st_size > 500, name


def is_picture(path):
    return path.suffix.lower() in PICTURES


def requirements(name):
    """Requirement names, with underscores as hyphens, and what they ask of versions."""
    found = {}
    for line in (ROOT / name).read_text(encoding="utf-8").splitlines():
        match = re.match(r"([A-Za-z0-9_.-]+?)((?:[=<>~!]=?|;).*)?$", line.split(" ;")[0].strip())
        if line and not line.startswith("#"):
            assert match, line
            found[match[1].lower().replace("_", "-")] = match[2] or ""
    return found


def top_level_imports(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [node.module or ""]
        else:
            continue
        for name in names:
            if (top := name.split(".")[0]) not in sys.stdlib_module_names:
                yield top
