"""What arrives ends where it should, and everything else is said."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.collect.collecting import Wanted, collect
from core.collect.engines.url_list import Listed
from core.collect.kept import collections, state
from core.collect.web.limits import Limits
from core.dataset import Dataset
from core.dataset.arrivals import set_aside
from core.dataset.fetched import refused
from core.dataset.near_hashes import load_near_hashes
from core.dataset.sources import sources_of
from core.dataset.verdicts import load_verdicts
from core.errors import CollectError, DatasetError
from core.images.look import look
from tests.search_server import Item, SearchServer

pytestmark = pytest.mark.timeout(120)
ROOT = Path(__file__).resolve().parents[3]

A_PAGE = "The site sent a page instead of a picture."
PRIVATE = "The address leads to a private network, which Winnow does not ask."


def bad_items(path):
    """Results that are no photos, each with the reason its rejection has."""
    return [
        (Item.page(), A_PAGE),
        (Item.broken(path), "This picture is cut short: its end is missing."),
        (Item.redirect("http://10.1.2.3/photo.jpg"), PRIVATE),
        (Item.large(), "The file is larger than 30 MB."),
        (Item.refused(403), "The site refused (403)."),
        (Item.refused(404), "The file is no longer there (404)."),
        (Item(name="empty.jpg"), "The site sent an empty file."),
    ]


def detailed(path, size):
    """A picture with about as much detail as a photo, the same at any size."""
    grain = np.random.default_rng(7).integers(0, 256, (24, 32, 3), dtype=np.uint8)
    Image.fromarray(grain).resize(size, Image.Resampling.BICUBIC).save(path, quality=80)
    return path


def reasons(dataset, collection="c0ffee"):
    return {
        row.url.rpartition("/")[2].partition("?")[0]: row.reason
        for row in refused(dataset, collection)
    }


def test_real_photos_of_two_classes_come_through_a_real_result_page(
    test_data, empty, search_for, on_disk, monkeypatch
):
    chihuahuas, muffins = (
        sorted((test_data / "chihuahua_muffin" / name).iterdir())[:30]
        for name in ("chihuahua", "muffin")
    )
    bad = bad_items(muffins[20])
    good = [Item.photo(path) for path in muffins[:12]]
    template = test_data / "search_pages" / "bing_images_real.html"
    with SearchServer(template=template) as server:
        monkeypatch.setenv("WINNOW_ALLOW_LOOPBACK", "1")
        monkeypatch.setenv("WINNOW_SEARCH_BASE_BING", server.url)
        server.offer(
            "muffin",
            [
                *good[:6],
                *(item for item, _ in bad),
                *good[6:],
                Item.photo(muffins[0], name="once-more.jpg"),
                Item.slow(muffins[13], seconds=1),
                Item.busy(muffins[14], seconds=1),
                Item.failing(muffins[15]),
            ],
        )
        server.offer("chihuahua", [Item.photo(path) for path in chihuahuas[:20]])

        done = search_for(empty, 15, "muffin", "chihuahua")

    assert len(on_disk(empty)) == 30
    assert empty.counts() == {"muffin": 15, "chihuahua": 15}
    assert reasons(empty) == {item.name: reason for item, reason in bad}
    (aside,) = set_aside(empty)
    assert (aside.kind, aside.class_name) == ("duplicate", "muffin")
    assert aside.reason.startswith("The same file as muffin/muffin_00")
    muffin, _ = done.searches
    assert (muffin.kept, muffin.rejected, muffin.duplicates, muffin.done) == (15, 7, 1, True)
    assert done.problems == ()
    for row in empty.rows():
        source = sources_of(empty, [row.id])[row.id]
        assert (source.via, source.query) == ("bing", row.class_name)
        assert source.url.startswith(f"{server.url}/pictures/")
        assert source.page.startswith(f"{server.url}/shown-on/")


def test_every_rejection_has_its_reason_and_others_come_instead(
    played, empty, items, photos, search_for, on_disk
):
    bad = bad_items(photos(1, first=99)[0])
    played.offer("cat", [*(item for item, _ in bad), *items(6)])

    done = search_for(empty, 5, "cat")

    assert on_disk(empty) == [f"cat/cat_000{number}.jpg" for number in range(1, 6)]
    assert reasons(empty) == {item.name: reason for item, reason in bad}
    assert (done.total("kept"), done.total("rejected")) == (5, 7)
    assert not list((empty.root / ".winnow" / "arriving").rglob("*.*"))


def test_one_run_is_one_step_that_can_be_undone_and_redone(
    played, empty, items, search_for, on_disk
):
    played.offer("cat", items(12))
    played.offer("dog", items(12, first=20))

    search_for(empty, 10, "cat", "dog")

    (step,) = empty.history()
    assert step.kind == "collect" and step.words.startswith("Collected 20 photos")
    empty.undo()
    assert on_disk(empty) == []
    empty.redo()
    assert empty.counts() == {"cat": 10, "dog": 10}


def test_copies_of_photos_of_any_class_are_set_aside_and_can_be_restored(
    played, photo_set, items, search_for, tmp_path, run_to_end
):
    dataset = Dataset.open(photo_set({"dog": 1}))
    original = detailed(dataset.root / "dog" / "mine.png", (320, 240))
    again = detailed(tmp_path / "again.jpg", (200, 150))
    run_to_end(dataset.reconcile())
    exact = Item(name="exact.png", body=original.read_bytes())
    played.offer("cat", [exact, Item.photo(again), *items(2)])

    done = search_for(dataset, 10, "cat")

    aside = {one.kind: one for one in set_aside(dataset)}
    assert aside["duplicate"].reason == "The same file as dog/mine.png."
    assert aside["near_duplicate"].reason == "Nearly the same picture as dog/mine.png."
    assert aside["duplicate"].resembles == dataset.find("dog/mine.png").id
    (search,) = done.searches
    assert (search.kept, search.duplicates, search.near, search.aside) == (2, 1, 1, 2)
    dataset.restore([aside["near_duplicate"].id])
    assert dataset.counts()["cat"] == 3


def test_copies_that_arrive_together_name_one_another(played, empty, search_for, tmp_path):
    path = detailed(tmp_path / "large.jpg", (320, 240))
    small = detailed(tmp_path / "small.jpg", (160, 120))
    played.offer("cat", [Item.photo(path), Item.slow(path, seconds=0.3)])
    played.offer("kitten", [Item.slow(small, seconds=0.3)])

    search_for(empty, 5, "cat", "kitten")

    assert sorted(one.reason for one in set_aside(empty)) == [
        "Nearly the same picture as cat/cat_0001.jpg.",
        "The same file as cat/cat_0001.jpg.",
    ]


def test_copies_of_what_another_command_brings_meanwhile_are_set_aside(
    played, empty, items, on_disk
):
    played.offer("cat", items(4))
    played.offer("dog", [replace(one, seconds=2.0) for one in items(4)])
    searches = [
        collect(
            Dataset.open(empty.root),
            [Wanted(class_name=name, query=name, engine="bing", most=4)],
            collection=name,
        )
        for name in ("cat", "dog")
    ]
    left = dict(zip(("cat", "dog"), searches, strict=True))

    while left:
        for name in list(left):
            if next(left[name], None) is None:
                del left[name]

    assert [name.partition("/")[0] for name in on_disk(empty)] == ["cat"] * 4
    assert {one.kind for one in set_aside(empty, "dog")} == {"duplicate"}
    assert [(one.kept, one.duplicates) for one in state(empty, "dog")] == [(0, 4)]


@pytest.mark.parametrize("words", ["long " * 500, "broken \udcff"])
def test_odd_search_words_are_counted_like_others(played, empty, items, run_to_end, words):
    played.search_answer = lambda query, first: (
        played.result_page("cat", first) if query != "cat" else None
    )
    played.offer("cat", items(2))
    wanted = [Wanted(class_name="cat", query=words, engine="bing", most=2)]

    done = run_to_end(collect(empty, wanted, collection="c0ffee"))

    assert (done.total("found"), done.total("kept")) == (2, 2)


def test_what_a_person_removed_does_not_come_back_from_another_address(
    played, empty, photos, search_for
):
    (path,) = photos(1)
    played.offer("cat", [Item.photo(path)])
    search_for(empty, 1, "cat")
    empty.remove([row.id for row in empty.rows()])
    played.offer("cats", [Item.photo(path, name="elsewhere.jpg")])

    search_for(empty, 1, "cats", collection="second")

    assert empty.rows() == []
    (aside,) = set_aside(empty, "second")
    assert aside.reason == "The same file as cat/cat_0001.jpg, which is among the removed ones."


def test_photos_too_small_are_set_aside_unless_all_are_wanted(
    played, empty, items, search_for, photos
):
    played.offer("cat", items(2, size=(60, 90)))

    search_for(empty, 2, "cat", min_side=64)
    assert empty.counts().get("cat", 0) == 0
    assert {one.kind for one in set_aside(empty)} == {"too_small"}
    assert "at least 64" in set_aside(empty)[0].reason

    played.offer("dog", items(2, first=5, size=(20, 30)))
    search_for(empty, 2, "dog", collection="second", min_side=0)
    assert empty.counts()["dog"] == 2


def test_names_are_ours_and_end_as_the_format_does(
    played, empty, photos, tmp_path, search_for, on_disk
):
    drawing = tmp_path / "drawing.png"
    Image.open(photos(1)[0]).save(drawing)
    hostile = "..%2f..%2fevil\u202egpj.exe"
    played.offer(
        "Grizzly bear",
        [
            replace(
                Item.photo(drawing), name=hostile, content_type="text/plain", title="<b>*x*</b>\n"
            )
        ],
    )

    search_for(empty, 1, "Grizzly bear")

    assert on_disk(empty) == ["Grizzly bear/grizzly_bear_0001.png"]
    (source,) = sources_of(empty, [row.id for row in empty.rows()]).values()
    assert "<b>" not in source.title


def test_numbers_go_on_after_those_that_are_there(played, empty, items, search_for, on_disk):
    (empty.root / "cat").mkdir()
    Image.new("RGB", (9, 9)).save(empty.root / "cat" / "cat_0041.jpg")
    for _ in empty.reconcile():
        pass
    played.offer("cat", items(1))

    search_for(empty, 1, "cat")

    assert on_disk(empty) == ["cat/cat_0041.jpg", "cat/cat_0042.jpg"]


def test_what_was_looked_at_on_arrival_is_checked_and_hashed(played, empty, items, search_for):
    played.offer("cat", items(3))

    search_for(empty, 3, "cat")

    rows = empty.rows()
    assert {load_verdicts(empty)[row.id].kind for row in rows} == {"good"}
    hashes = load_near_hashes(empty)
    assert all(hashes[row.content] == look(empty.path_of(row)).near for row in rows)


def test_a_list_brings_photos_to_the_classes_it_names_or_to_none(
    played, empty, items, run_to_end, on_disk
):
    urls = played.offer("unused", [*items(3), Item.page()])
    classes = ("cat", "dog", None, "cat")
    listed = [
        Listed(url=u, class_name=c, line=n)
        for n, (u, c) in enumerate(zip(urls, classes, strict=True))
    ]

    done = run_to_end(collect(empty, [], listed=listed, collection="c0ffee", list_name="links.csv"))

    assert on_disk(empty) == ["cat/cat_0001.jpg", "dog/dog_0001.jpg", "unsorted/photo_0001.jpg"]
    assert [(s.class_name, s.asked, s.kept, s.rejected) for s in done.searches] == [
        ("cat", 2, 1, 1),
        ("dog", 1, 1, 0),
        (None, 1, 1, 0),
    ]
    assert {s.via for s in sources_of(empty, [r.id for r in empty.rows()]).values()} == {"list"}
    assert done.searches[0].query == "links.csv"


def test_one_site_is_asked_eight_at_a_time_and_no_more(played, empty, items, search_for):
    played.delay = 0.05
    played.offer("cat", items(40, size=(80, 80)))

    search_for(empty, 40, "cat")

    assert played.most_at_once == 8
    assert empty.counts() == {"cat": 40}


def test_an_address_found_by_two_searches_is_fetched_once_for_a_class(
    played, empty, items, run_to_end
):
    pictures = items(3)
    urls = played.offer("cat", pictures)
    played.offer(
        "kitten", [replace(item, url=url) for item, url in zip(pictures, urls, strict=True)]
    )
    wanted = [Wanted(class_name="cat", query=q, engine="bing", most=3) for q in ("cat", "kitten")]

    run_to_end(collect(empty, wanted, collection="c0ffee"))

    assert set(played.pictures_asked().values()) == {1}
    assert empty.counts() == {"cat": 3}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"engine": "altavista"}, "altavista"),
        ({"query": "  "}, "words to search for"),
        ({"most": 0}, "from 1 to"),
    ],
)
def test_what_makes_no_sense_is_refused_before_anything_is_asked(played, empty, changes, words):
    wanted = replace(Wanted(class_name="cat", query="cat", engine="bing", most=5), **changes)

    with pytest.raises(CollectError, match=words):
        next(collect(empty, [wanted], collection="c0ffee"))

    assert played.asked == []


def test_a_class_name_that_cannot_be_a_folder_is_refused_before_anything_is_asked(played, empty):
    wanted = [
        Wanted(class_name=name, query="cat", engine="bing", most=5) for name in ("Cat", "cat")
    ]

    with pytest.raises(DatasetError, match="already"):
        next(collect(empty, wanted, collection="c0ffee"))
    with pytest.raises(DatasetError, match="slashes"):
        next(collect(empty, [replace(wanted[0], class_name="a/cat")], collection="c0ffee"))

    assert played.asked == []


def test_the_limit_for_all_files_ends_the_collection_with_a_sentence(
    played, empty, items, search_for
):
    played.offer("cat", items(30))

    done = search_for(empty, 30, "cat", limits=Limits(total_bytes=30_000))

    assert 0 < done.total("kept") < 30
    assert done.problems == ("The limit of 30 KB for all files was reached.",)


def test_collections_are_remembered_newest_first(played, empty, items, search_for):
    played.offer("cat", items(2))

    search_for(empty, 1, "cat", collection="first")
    search_for(empty, 1, "cat", collection="second")

    assert collections(empty) == ["second", "first"]
    assert state(empty, "first")[0].kept == state(empty, "second")[0].kept == 1
    assert state(empty, "never") == []


def test_what_pages_poll_loads_nothing_of_the_web():
    program = (
        "import json, sys\nimport core.collect.kept\n"
        "print(json.dumps(sorted({name.split('.')[0] for name in sys.modules})))"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True
    )

    assert ended.returncode == 0, ended.stderr
    assert (
        set(json.loads(ended.stdout)) & {"requests", "urllib3", "icrawler", "bs4", "lxml"} == set()
    )
