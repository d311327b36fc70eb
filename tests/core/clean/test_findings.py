import csv

import pytest
from PIL import Image, ImageFilter

from core.clean.findings import BY_NAME, FINDINGS, keep_threshold, rankings, threshold_of
from core.clean.odd_ones import compare
from core.clean.scores import load_scores, measured, said_fine, say_fine
from core.clean.sweep import check
from core.dataset import Dataset
from tests.conftest import make_photo
from tests.trained_sets import finish


def swept(root):
    dataset = Dataset.open(root)
    finish(dataset.reconcile())
    finish(check(dataset))
    return dataset


@pytest.fixture
def mixed(photo_set):
    """Six photos in two classes, and one that is grey, tiny and long."""
    root = photo_set({"cat": 3, "dog": 3})
    make_photo(size=(120, 34), seed=50).convert("L").save(root / "cat" / "grey.png")
    return root


def test_photos_are_ranked_by_each_finding_worst_first(mixed):
    dataset = swept(mixed)

    found = rankings(dataset)

    assert set(found) == {finding.name for finding in FINDINGS} - {"odd_one"}
    grey = dataset.find("cat/grey.png").id
    for name in ("grey", "odd_shape"):
        assert found[name].ids[0] == grey
        assert found[name].found(BY_NAME[name].threshold) == 1
        assert list(found[name].scores) == sorted(found[name].scores)


def test_the_line_parts_found_from_kept_and_the_nearest_stand_first(mixed):
    ranking = rankings(swept(mixed))["dark"]
    line = float(ranking.scores[3])

    assert ranking.found(line) == 3
    assert ranking.just_below(line, 2) == [2, 1]
    assert ranking.just_above(line, 2) == [3, 4]
    assert ranking.just_above(line, 99) == [3, 4, 5, 6]
    assert ranking.found(0) == 0 and ranking.just_below(0, 5) == []


def test_a_grey_set_has_no_grey_photos_among_coloured_ones(photo_set):
    root = photo_set({"cat": 3})
    for path in (root / "cat").iterdir():
        with Image.open(path) as picture:
            grey = picture.convert("L")
        grey.save(path)

    assert rankings(swept(root))["grey"].found(BY_NAME["grey"].threshold) == 0


def test_what_looks_fine_is_not_named_again_until_that_is_taken_back(mixed):
    dataset = swept(mixed)
    grey = dataset.find("cat/grey.png")

    say_fine(dataset, [grey.content], "grey")

    again = rankings(Dataset.open(mixed))
    assert grey.id not in again["grey"].ids and again["grey"].fine == 1
    assert grey.id in again["odd_shape"].ids
    say_fine(dataset, [grey.content], "grey", fine=False)
    assert said_fine(dataset, "grey") == set()
    assert grey.id in rankings(dataset)["grey"].ids


def test_a_photo_is_measured_once_and_anew_by_another_method(mixed, monkeypatch):
    dataset = swept(mixed)
    say_fine(dataset, [dataset.rows()[0].content], "dark")
    with dataset.writing() as connection:
        connection.execute("UPDATE quality SET value=0.123 WHERE measure='bright'")

    finish(check(dataset))
    assert set(load_scores(dataset, "bright").values()) == {0.123}

    monkeypatch.setattr("core.clean.scores.METHOD", "another")
    finish(check(dataset))
    assert 0.123 not in load_scores(dataset, "bright").values()
    assert len(measured(dataset)) == 7
    assert len(said_fine(dataset, "dark")) == 1


def test_photos_checked_before_there_were_measures_are_measured(mixed):
    dataset = swept(mixed)
    with dataset.writing() as connection:
        connection.execute("DELETE FROM quality")

    finish(check(dataset))

    assert len(measured(dataset)) == 7


def test_removed_photos_are_in_no_ranking(mixed):
    dataset = swept(mixed)
    grey = dataset.find("cat/grey.png").id

    dataset.remove([grey])

    assert all(grey not in ranking.ids for ranking in rankings(dataset).values())


def test_where_the_line_was_left_is_remembered(mixed):
    dataset = swept(mixed)
    finding = BY_NAME["dark"]
    assert threshold_of(dataset, finding) == finding.threshold

    keep_threshold(dataset, finding, 0.61)

    assert threshold_of(Dataset.open(mixed), finding) == 0.61


def test_one_size_in_a_set_of_another_is_odd(photo_set, save_image):
    root = photo_set({"cat": 9})
    save_image(root / "cat" / "huge.png", size=(900, 700), seed=70)

    ranking = rankings(swept(root))["odd_size"]

    assert ranking.found(BY_NAME["odd_size"].threshold) == 1
    assert ranking.scores[-1] == 1.0


def test_without_features_nothing_is_compared(mixed):
    assert finish(compare(swept(mixed))) == 0


@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    ("name", "most"), [("cats_kittens", 3), ("chihuahua_muffin", 3), ("stamps", 0), ("bears", 0)]
)
def test_hardly_any_real_photo_is_called_blurry_and_nearly_all_blurred_ones_are(
    copied, name, most, tmp_path
):
    root = copied(name)
    ranking = rankings(swept(root))["blurry"]
    assert ranking.found(BY_NAME["blurry"].threshold) <= most

    soft = tmp_path / "soft" / "all"
    soft.mkdir(parents=True)
    paths = [path for path in sorted(root.rglob("*")) if path.suffix in (".jpg", ".png")][::8]
    for number, path in enumerate(paths):
        with Image.open(path) as picture:
            blurred = picture.convert("RGBA")
        white = Image.new("RGBA", blurred.size, "white")
        blurred = Image.alpha_composite(white, blurred).convert("RGB")
        radius = min(blurred.size) / 50  # 6 pixels of 400 by 300
        blurred = blurred.filter(ImageFilter.GaussianBlur(radius))
        blurred.save(soft / f"{number}.png")
    found = rankings(swept(tmp_path / "soft"))["blurry"]
    assert found.found(BY_NAME["blurry"].threshold) >= 0.9 * len(paths)


@pytest.mark.parametrize("name", ["cats_dogs"])
def test_cards_and_drawings_are_near_the_top_of_a_ranking_without_a_network(copied, name):
    root = copied(name)
    with open(root / "known_problems.csv", encoding="utf-8", newline="") as file:
        junk = {row["file"] for row in csv.DictReader(file) if row["verdict"] == "junk"}
    dataset = swept(root)
    by_id = {row.id: row.path for row in dataset.rows()}

    top = {
        name: {by_id[id] for id in ranking.ids[:40]} for name, ranking in rankings(dataset).items()
    }

    assert len(top["empty"] & junk) >= 14
    assert len(top["few_colours"] & junk) >= 14
