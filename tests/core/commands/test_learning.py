import json
import subprocess
import sys

import pytest
from PIL import Image

from core.__main__ import main
from core.dataset import Dataset
from core.review import heat_map
from core.runs import latest_run
from tests.trained_sets import finish, make_features


@pytest.fixture
def ready(photo_set):
    """Thirty cats and dogs with features, of which every tenth looks like the other."""
    root = photo_set({"cat": 30, "dog": 30})
    dataset = Dataset.open(root)
    finish(dataset.reconcile())
    make_features(dataset, mistaken_every=10)
    return root


def answer(capsys):
    """The JSON object that a command ended with."""
    return json.loads(capsys.readouterr().out.splitlines()[-1])


def test_train_says_how_wrong_the_model_is_on_photos_it_had_not_seen(ready, capsys):
    assert main(["train", str(ready), "--json"]) == 0

    found = answer(capsys)
    assert found["error_rate"] == pytest.approx(0.1)
    assert (found["wrong"], found["judged"], found["images"]) == (6, 60, 60)
    assert found["classes"] == ["cat", "dog"]
    assert set(found["seconds"]) == {"embed", "alike", "fit", "judge"}
    assert found["run"] == latest_run(Dataset.open(ready).home).id


def test_train_prints_a_sentence_for_people(ready, capsys):
    assert main(["train", str(ready)]) == 0

    assert "Wrong on 6 of 60 photos it had not seen (10.0%)" in capsys.readouterr().out


def test_a_set_that_cannot_be_trained_is_one_sentence(photo_set, capsys):
    assert main(["train", str(photo_set({"cat": 3})), "--json"]) == 1

    said = capsys.readouterr()
    assert said.out == ""
    assert "at least two classes" in said.err.splitlines()[-1]


def test_deep_training_is_held_against_quick_on_the_same_photos(ready, capsys):
    deep = [
        "--mode",
        "deep",
        "--epochs",
        "1",
        "--size",
        "32",
        "--augment",
        "none",
        "--freeze-to",
        "8",
        "--batch-norm",
    ]

    assert main(["train", str(ready), *deep, "--json"]) == 0

    found = answer(capsys)
    assert found["judged"] == 12  # a fifth
    settings = latest_run(Dataset.open(ready).home).settings["deep"]
    assert (settings["batch_norm"], settings["freeze_to"]) == (True, 8)
    assert found["kept"] in ("quick", "deep", "blend")
    assert found["quick_error_rate"] == found["answers"]["quick"]["error_rate"]
    assert found["error_rate"] == found["answers"]["deep"]["error_rate"] == found["wrong"] / 12
    kept = found["answers"][found["kept"]]
    assert kept["wrong"] == min(
        found["answers"][name]["wrong"] for name in ("quick", "deep", "blend")
    )
    assert {"quick", "copies", "cache", "train", "judge"} <= set(found["seconds"])


@pytest.mark.parametrize(
    ("option", "sentence"),
    [
        (["--augment", "upside"], "There are side, above, count, crop, none"),
        (["--lr", "-1"], "above 0"),
        (["--epochs", "0"], "number of epochs"),
        (["--size", "4"], "image size"),
        (["--backbone", "alexnet"], "There is no network"),
    ],
)
def test_deep_training_says_what_it_cannot_do(ready, capsys, option, sentence):
    assert main(["train", str(ready), "--mode", "deep", *option]) == 1

    assert sentence in capsys.readouterr().err


def test_options_without_meaning_in_quick_training_are_refused(ready, capsys):
    assert main(["train", str(ready), "--epochs", "3", "--all-folds"]) == 1

    assert "no use for --epochs, --all-folds" in capsys.readouterr().err


def test_a_seed_is_welcome_and_changes_nothing(ready, capsys):
    main(["train", str(ready), "--json"])
    first = answer(capsys)

    assert main(["train", str(ready), "--seed", "7", "--json"]) == 0

    assert answer(capsys)["loss"] == first["loss"]


def test_an_unknown_network_is_one_sentence(ready, capsys):
    assert main(["train", str(ready), "--backbone", "lite9"]) == 1

    assert "lite9" in capsys.readouterr().err


def test_issues_lists_doubted_labels_worst_first(ready, capsys):
    main(["train", str(ready)])
    capsys.readouterr()

    assert main(["issues", str(ready), "--json"]) == 0

    found = answer(capsys)["issues"]
    assert {issue["file"] for issue in found} == {
        f"{name}/{number:04}.png" for name in ("cat", "dog") for number in (0, 10, 20)
    }
    assert all(issue["kind"] == "wrong class" for issue in found)
    assert all(issue["given"] != issue["suggested"] for issue in found)
    qualities = [issue["label_quality"] for issue in found]
    assert qualities == sorted(qualities)


def test_issues_lists_every_judged_photo_when_asked(ready, capsys):
    main(["train", str(ready)])
    capsys.readouterr()

    assert main(["issues", str(ready), "--all", "--json"]) == 0

    assert len(answer(capsys)["issues"]) == 60


def test_issues_before_any_training_is_one_sentence(ready, capsys):
    assert main(["issues", str(ready)]) == 1

    assert "has not been trained yet" in capsys.readouterr().err


@pytest.fixture
def drawn(monkeypatch, tmp_path):
    """Heat maps drawn without a network; which were asked for."""
    asked = []

    def draw(dataset, run_id, file_id, class_index):
        asked.append((file_id, class_index))
        Image.new("RGB", (8, 6), "orange").save(tmp_path / "heat.webp")
        return tmp_path / "heat.webp"

    monkeypatch.setattr(heat_map, "heat_map_file", draw)
    return asked


def test_heatmap_draws_what_spoke_for_the_models_answer(ready, drawn, tmp_path, capsys):
    main(["train", str(ready)])
    capsys.readouterr()
    out = tmp_path / "map.png"

    assert main(["heatmap", str(ready), "cat/0010.png", "--out", str(out), "--json"]) == 0

    found = answer(capsys)
    assert found == {"file": "cat/0010.png", "given": "cat", "predicted": "dog", "out": str(out)}
    assert drawn == [(Dataset.open(ready).find("cat/0010.png").id, 1)]
    with Image.open(out) as image:
        assert (image.format, image.size) == ("PNG", (8, 6))


def test_a_photo_that_was_not_trained_on_has_no_heat_map(
    ready, drawn, tmp_path, capsys, save_image
):
    main(["train", str(ready)])
    save_image(ready / "unsorted" / "new.png", seed=99)

    assert main(["heatmap", str(ready), "unsorted/new.png", "--out", str(tmp_path / "o.png")]) == 1

    assert "was not part of the last training" in capsys.readouterr().err


def test_a_place_that_cannot_be_written_is_one_sentence(ready, drawn, tmp_path, capsys):
    main(["train", str(ready)])

    out = tmp_path / "no folder" / "map.png"

    assert main(["heatmap", str(ready), "cat/0010.png", "--out", str(out)]) == 1
    assert "cannot be written" in capsys.readouterr().err


@pytest.mark.parametrize("out", ["cat/0010.png", ".winnow/catalog.sqlite"])
def test_a_heat_map_replaces_nothing_in_the_data_set(ready, drawn, capsys, out):
    main(["train", str(ready)])
    kind_of_file = (ready / out).read_bytes()[:4]

    assert main(["heatmap", str(ready), "cat/0010.png", "--out", str(ready / out)]) == 1

    assert "lies in the data set" in capsys.readouterr().err
    assert drawn == []
    assert (ready / out).read_bytes()[:4] == kind_of_file


def test_a_reader_that_has_seen_enough_ends_a_command_without_a_traceback(ready):
    main(["train", str(ready)])
    words = [sys.executable, "-m", "core", "issues", str(ready), "--all", "--json"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        process.stdout.close()
        said = process.stderr.read().decode()

    assert process.wait() == 0
    assert "Traceback" not in said and "BrokenPipe" not in said
