"""The Duplicates page, clicked through without a browser."""

import shutil

import pytest
from PIL import Image

from core.clean.copies import copies
from core.clean.duplicates import find_duplicates
from core.dataset import Dataset
from tests.core.images.test_aligning import scene
from tests.core.networks.test_alike import keep_features, seed_and_distance
from tests.trained_sets import finish


def words(page):
    told = [*page.title, *page.markdown, *page.caption, *page.info, *page.warning, *page.success]
    return "\n".join(element.value for element in told)


def numbers(page):
    return {metric.label: metric.value for metric in page.metric}


def made(root, files):
    for file, seed in files.items():
        (root / file).parent.mkdir(parents=True, exist_ok=True)
        scene(seed).save(root / file)
    dataset = Dataset.open(root)
    finish(dataset.reconcile())
    return dataset


@pytest.fixture
def dataset(tmp_path):
    """Photos of which one stands in two classes and two were changed."""
    root = tmp_path / "photos"
    files = {f"{('cat', 'dog')[seed % 2]}/{seed}_.png": seed for seed in range(12)}
    found = made(root, files)
    shutil.copy(root / "cat/2_.png", root / "dog/2_too.png")
    scene(4).resize((150, 110)).save(root / "cat/4_half.png")
    scene(5).transpose(Image.Transpose.FLIP_LEFT_RIGHT).save(root / "dog/5_flip.png")
    finish(found.reconcile())
    keep_features(found, seed_and_distance)
    return found


@pytest.fixture
def compared(dataset):
    finish(find_duplicates(dataset))
    return dataset


def test_before_the_search_there_is_one_button_and_a_sentence(dataset, open_page):
    page = open_page("duplicates", dataset.root)

    assert page.button(key="find").label == "Find duplicates"
    assert numbers(page) == {}


def test_an_empty_set_is_told_so(tmp_path, open_page):
    dataset = Dataset.create(tmp_path / "empty", ["cat"])

    assert "no photos in this data set yet" in words(open_page("duplicates", dataset.root))


def test_copies_across_classes_are_shown_first(compared, open_page):
    page = open_page("duplicates", compared.root)

    assert numbers(page) == {
        "Photos with copies": "3", "Files too many": "3", "In two classes": "1", "Scenes": "0",
    }  # fmt: skip
    assert "one of the labels is wrong" in words(page)
    html = "".join(str(one.proto.body) for one in page.get("html"))
    assert "2_.png" in html and "2_too.png" in html and "4_half.png" not in html


def test_the_others_of_one_group_are_removed_and_undo_brings_them_back(compared, open_page):
    page = open_page("duplicates", compared.root)
    (group,) = [one for one in copies(compared) if one.across]
    assert [row.path for row in group.files] == ["cat/2_.png", "dog/2_too.png"]

    key = f"keep_{compared.token}_{group.key}"
    page.segmented_control(key=f"{key}_which_1").set_value(2).run()
    page.button(key=key).click().run()

    assert sorted(row.path for row in compared.removed_rows()) == ["cat/2_.png"]
    assert numbers(page)["In two classes"] == "0"

    page.button(key="undo").click().run()

    assert numbers(page)["In two classes"] == "1"


def test_keeping_the_best_of_all_is_reviewed_first_and_is_one_step(compared, open_page):
    page = open_page("duplicates", compared.root)
    page.segmented_control(key=f"duplicates_view_{compared.token}").set_value("copies").run()

    page.button(key="keep_all").click().run()

    assert compared.removed_count() == 0
    assert "2 files" in words(page)

    page.button(key="keep_all_confirmed").click().run()

    removed = {row.path for row in compared.removed_rows()}
    assert "cat/4_half.png" in removed and len(removed) == 2
    assert not {"cat/2_.png", "dog/2_too.png"} & removed
    assert len(compared.history()) == 1

    compared.undo()

    assert compared.removed_count() == 0


def test_photos_that_came_since_are_told_of(compared, open_page):
    scene(77).save(compared.root / "cat" / "77_.png")

    page = open_page("duplicates", compared.root)

    assert "1 photo came since" in words(page)
    assert page.button(key="find").label == "Compare the new photos too"


def test_what_crosses_a_given_split_is_listed_and_mended_on_the_training_side(tmp_path, open_page):
    root = tmp_path / "split"
    files = {f"{part}/{name}/{seed}_.png": seed for seed, (part, name) in enumerate(
        [("train", "cat"), ("train", "dog"), ("valid", "cat"), ("valid", "dog")] * 3
    )}  # fmt: skip
    dataset = made(root, files)
    scene(0).resize((200, 146)).save(root / "valid/cat/0_half.png")
    finish(dataset.reconcile())
    keep_features(dataset, seed_and_distance)
    finish(find_duplicates(dataset))

    page = open_page("duplicates", root)

    assert "stand on both sides" in words(page)
    page.segmented_control(key=f"duplicates_view_{dataset.token}").set_value("leaks").run()
    assert "1 pair of look-alike photos cross" in words(page)
    page.button(key="mend_leaks").click().run()
    assert [row.path for row in dataset.removed_rows()] == ["train/cat/0_.png"]
    assert "No photo is in this data set twice" in words(page)
