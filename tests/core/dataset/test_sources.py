"""Where a photo came from is known for as long as the photo is."""

import os
import shutil

import pytest

from core.dataset import Dataset
from core.dataset.arrivals import Aside, take_in
from core.dataset.sources import LONGEST_TEXT, arrived, arrived_count, search, sources_of, tally

COLLECTION = "c0ffee"
ABOUT = {
    "via": "wikimedia",
    "query": "muffin with blueberries",
    "page": "https://commons.example/wiki/File:Muffin.jpg",
    "title": "Ein Müffin <b>& more</b>",
    "author": "Zoë O'Hara",
    "licence": "CC BY-SA 4.0",
    "licence_url": "https://creativecommons.example/by-sa/4.0",
    "at": 1234.5,
}


@pytest.fixture
def collected(make_set, stage) -> tuple[Dataset, int]:
    """A data set with a photo that has a source, and the photo."""
    dataset = make_set({"cat": 2, "muffin": 0})
    taken = take_in(dataset, stage(dataset, "muffin", **ABOUT), collection=COLLECTION)
    return dataset, taken.ids[0]


def test_all_that_is_known_of_a_photo_is_kept(make_set, stage):
    dataset = make_set({"muffin": 1})
    (arrival,) = stage(dataset, "muffin", **ABOUT)

    taken = take_in(dataset, [arrival], collection=COLLECTION)
    found = sources_of(Dataset.open(dataset.root), [*taken.ids, 1])

    assert found.keys() == set(taken.ids)  # photo 1 was simply there
    (source,) = found.values()
    assert source.collection == COLLECTION
    assert {field: getattr(source, field) for field in ABOUT} == ABOUT
    assert source.url == arrival.source.url


def relabel(dataset, one):
    dataset.relabel([one], "cat")


def undo_and_redo(dataset, one):
    dataset.undo()
    dataset.redo()


def remove_and_restore(dataset, one):
    dataset.remove([one])
    dataset.restore([one])


def remove(dataset, one):
    dataset.remove([one])


def undo(dataset, one):
    dataset.undo()


def rename_by_hand(dataset, one):
    path = dataset.path_of(dataset.get([one])[one])
    path.rename(path.with_name("renamed.jpg"))


def move_by_hand(dataset, one):
    path = dataset.path_of(dataset.get([one])[one])
    (dataset.root / "new").mkdir()
    path.rename(dataset.root / "new" / path.name)


def rewrite(dataset, one):
    path = dataset.path_of(dataset.get([one])[one])
    path.write_text("turned upright by another program")


def take_away_and_bring_back(dataset, one):
    path = dataset.path_of(dataset.get([one])[one])
    elsewhere = dataset.root.parent / "elsewhere"
    shutil.move(path, elsewhere)
    for _ in dataset.reconcile():
        pass
    shutil.copy(elsewhere, dataset.root / "cat" / "back.jpg")


@pytest.mark.parametrize(
    "change",
    [
        relabel,
        undo_and_redo,
        remove_and_restore,
        remove,
        undo,
        rename_by_hand,
        move_by_hand,
        rewrite,
        take_away_and_bring_back,
    ],
)
def test_a_source_follows_its_photo(change, collected, run, tree, catalogued):
    dataset, one = collected
    before = sources_of(dataset, [one])

    change(dataset, one)
    run(dataset.reconcile())

    assert sources_of(dataset, [one]) == before and before[one].title == ABOUT["title"]
    assert catalogued(dataset) == tree(dataset.root).keys()
    (rows,) = dataset.connection().execute("SELECT count(*) FROM file").fetchone()
    assert rows == 3


def test_photos_set_aside_keep_their_source_when_restored(make_set, stage):
    dataset = make_set({"cat": 1})
    small = Aside(kind="too_small", reason="Its shortest side is 30 pixels.")
    taken = take_in(dataset, stage(dataset, "cat", aside=small, **ABOUT), collection=COLLECTION)
    before = tally(dataset)

    dataset.restore(taken.ids)

    assert before == []
    assert [(one.via, one.photos) for one in tally(dataset)] == [("wikimedia", 1)]


# Search


@pytest.mark.parametrize(
    "words",
    [
        "blueberries",
        "MUFFIN wikimedia",
        "mÜFFIN",
        "mu\u0308ffin",
        "zoë o'hara",
        "by-sa 4.0",
        "<b>& file:muffin.jpg",
        "muffin/muffin_",
        "pictures.example",
    ],
)
def test_photos_are_found_by_any_words_of_their_source_or_path(words, collected):
    dataset, one = collected

    assert search(dataset, words) == [one]


@pytest.mark.parametrize(
    "words", ["", "   ", "%", "_lueberries", "blueberries bing", "'; DROP", "*"]
)
def test_words_that_are_not_there_find_nothing(words, collected):
    dataset, _ = collected

    assert search(dataset, words) == []


def test_photos_without_a_source_are_found_by_their_path(collected):
    dataset, _ = collected

    assert search(dataset, "cat/1.JPG") == [
        row.id for row in dataset.rows() if row.path == "cat/1.jpg"
    ]


def test_a_search_finds_the_newest_first_and_present_ones_alone(make_set, stage):
    dataset = make_set({"cat": 1})
    taken = take_in(dataset, stage(dataset, "cat", 4, query="tabby"), collection=COLLECTION)
    first, second, third, fourth = taken.ids
    dataset.remove([second])

    assert search(dataset, "tabby") == [fourth, third, first]
    assert search(dataset, "tabby", limit=2) == [fourth, third]


@pytest.mark.skipif(os.name == "nt", reason="Windows names are text")
def test_a_search_passes_over_names_that_are_not_text(collected, run):
    dataset, one = collected
    (dataset.root / os.fsdecode(b"cat/\xff\xfe.jpg")).write_text("not a name")
    run(dataset.refresh())

    assert search(dataset, "blueberries") == [one]
    assert len(search(dataset, "cat/")) == 3


def test_hostile_texts_are_kept_as_they_are_and_halves_of_characters_replaced(make_set, stage):
    dataset = make_set({"cat": 1})
    about = {
        "title": "<script>alert(1)</script>\n\x00\u202e`$x$` 🐕",
        "author": "half \ud83d of one",
        "query": os.fsdecode(b"not utf-8 \xff.zip"),
        "licence": "x" * 50_000,
    }

    taken = take_in(dataset, stage(dataset, "cat", **about), collection=COLLECTION)

    (source,) = sources_of(dataset, taken.ids).values()
    assert source.title == about["title"]
    assert (source.author, source.query) == ("half ? of one", "not utf-8 ?.zip")
    assert source.licence == "x" * LONGEST_TEXT


# Counts and lists


def test_photos_are_counted_by_the_way_they_came(make_set, stage):
    dataset = make_set({"cat": 3})
    arrivals = stage(dataset, "cat", 3, via="upload", query="cats.zip")
    arrivals += stage(dataset, "cat", 2, via="bing", query="cat")
    arrivals += stage(dataset, "dog", 4, via="bing", query="dog")
    taken = take_in(dataset, arrivals, collection=COLLECTION)

    dataset.remove(taken.ids[:1])

    assert [(one.via, one.query, one.photos) for one in tally(dataset)] == [
        ("bing", "dog", 4),
        ("bing", "cat", 2),
        ("upload", "cats.zip", 2),
    ]


def test_what_arrived_is_listed_newest_first_by_its_class_of_now(make_set, stage):
    dataset = make_set({"cat": 1, "dog": 0})
    taken = take_in(dataset, stage(dataset, "cat", 3), collection=COLLECTION)
    loose = take_in(dataset, stage(dataset, None), collection=COLLECTION, step=taken.step)
    take_in(dataset, stage(dataset, "cat", collection="beef"), collection="beef")
    first, second, third = taken.ids
    dataset.relabel([second], "dog")
    dataset.remove([first])

    def listed(**choice):
        return [row.id for row in arrived(dataset, COLLECTION, **choice)]

    assert listed() == [*loose.ids, third, second]
    assert arrived_count(dataset, COLLECTION) == 3
    assert listed(limit=1) == [*loose.ids]
    assert listed(class_name="cat") == [third]
    assert listed(class_name="dog") == [second]
    assert listed(class_name=None) == [*loose.ids]
    assert listed(class_name="owl") == []
