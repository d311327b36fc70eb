"""The Collect page, clicked through without a browser; photos come from a server of the test's."""

import json
import time
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from core import jobs
from core.collect import kept
from core.collect.kept import ClassState
from core.collect.keys import kept_key
from core.dataset import Dataset, arrivals, sources
from core.dataset.sources import Source
from core.user_folders import user_data
from tests.search_server import CAPTCHA_PAGE, Item, SearchServer
from ui import open_sets
from ui.collecting import arriving, provenance
from ui.collecting.pictures import link
from ui.collecting.search import words_follow
from ui.collecting.target import name_after

REAL_START = jobs.start
ROOT = Path(__file__).resolve().parents[2]
HOSTILE = '"><img src=x onerror="alert(1)"> ![](https:/example.org/x) :smile: **b**'


def newcomer() -> AppTest:
    page = AppTest.from_file(str(ROOT / "ui/main.py"), default_timeout=60).run()
    return page.switch_page(str(ROOT / "pages/collect.py")).run()


def words(page: AppTest) -> str:
    told = [*page.title, *page.subheader, *page.markdown, *page.caption, *page.info, *page.warning]
    return "\n".join(element.value for element in [*told, *page.error])


def labels(page: AppTest) -> list[str]:
    return [button.label for button in page.button]


def rows(page: AppTest) -> list[tuple[str, str]]:
    """Class and search words of each row of the form."""
    fields = {field.key: field.value for field in page.text_input}
    numbers = page.session_state["collect_rows"]
    return [(fields[f"collect_name_{n}"], fields[f"collect_words_{n}"]) for n in numbers]


def typed(page: AppTest, name: str, query: str | None = None) -> AppTest:
    """Type a class, and perhaps its search words, into the first row, and drop the others."""
    first, *others = page.session_state["collect_rows"]
    for number in others:
        page.button(key=f"collect_away_{number}").click().run()
    page.text_input(key=f"collect_name_{first}").set_value(name).run()
    if query is not None:
        page.text_input(key=f"collect_words_{first}").set_value(query).run()
    return page


def unfolded(page: AppTest, part: str, dataset: Dataset) -> AppTest:
    """Open a folded part, which a run of the test's closes again."""
    page.session_state[f"collect_{part}_{dataset.token}"] = True
    return page.run()


class Drawn(HTMLParser):
    """What HTML would become in a browser."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[str] = []
        self.attributes: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.elements.append(tag)
        self.attributes |= {name for name, _ in attrs}


def collected(root: Path, **asked: object) -> jobs.JobStatus:
    """Run a collection as the page starts it, and wait for its end."""
    home = Dataset.open(root).home
    arguments = {"root": str(root), "collection": "abc", "wanted": [], "urls": [], **asked}
    jobs.start(home, "collect", "core.collect.collecting:collect_job", arguments)
    return ended(home)


def ended(home: Path) -> jobs.JobStatus:
    deadline = time.monotonic() + 60
    while (job := jobs.latest(home, "collect")) is None or jobs.alive(job):
        assert time.monotonic() < deadline, "the collection never ended"
        time.sleep(0.05)
    return job


def search(class_name: str, most: int, query: str | None = None) -> dict[str, object]:
    row = {"class_name": class_name, "query": query or class_name, "engine": "bing"}
    return {**row, "most": most}


@pytest.fixture
def bing(monkeypatch):
    with SearchServer() as server:
        monkeypatch.setenv("WINNOW_SEARCH_BASE_BING", server.url)
        monkeypatch.setenv("WINNOW_ALLOW_LOOPBACK", "1")
        yield server


@pytest.fixture
def photos(tmp_path, save_image) -> Callable[[int], list[Path]]:
    """So many different photos, large enough to be kept."""
    return lambda number: [
        save_image(tmp_path / "web" / f"{seed}.jpg", size=(96, 80), seed=seed)
        for seed in range(number)
    ]


@pytest.fixture
def started(monkeypatch) -> list[dict]:
    """What work was started with; none is."""
    asked: list[dict] = []
    monkeypatch.setattr(
        jobs, "start", lambda home, kind, target, arguments: asked.append(arguments)
    )
    return asked


@pytest.fixture
def mixed(bing, photos, tmp_path) -> Path:
    """A data set for which two classes were collected from good and bad results."""
    cat, dog = photos(8)[:4], photos(8)[4:]
    bad = [Item.page(), Item.broken(cat[1]), Item.refused(403)]
    bing.offer("cat", [*bad, *(Item.photo(path) for path in cat)])
    again = Item.photo(dog[0], name="again.jpg")
    bing.offer("dog", [*(Item.photo(path) for path in dog), again])
    root = Dataset.create(tmp_path / "zoo", ["cat", "dog"]).root
    job = collected(root, wanted=[search("cat", 10), search("dog", 10)])
    assert job.state == "done", job.log_tail
    return root


def test_a_newcomer_finds_examples_and_a_form():
    page = newcomer()

    assert page.title[0].value == "Collect"
    assert "chihuahua vs muffin" in labels(page)
    assert "Photos go into **a new data set**." in words(page)
    assert "belong to other people" in words(page)
    assert not page.exception


@pytest.mark.parametrize(
    ("title", "expected"),
    [
        ("chihuahua vs muffin", ["chihuahua", "muffin"]),
        ("cats vs kittens", ["cat", "kitten"]),
        ("black, grizzly and teddy bears", ["black", "grizzly", "teddy"]),
        ("impressionist vs modernist paintings", ["impressionist", "modernist"]),
    ],
)
def test_an_example_fills_the_form(title, expected):
    page = newcomer()

    page.button[labels(page).index(title)].click().run()

    assert [name for name, _ in rows(page)] == expected
    assert all(query for _, query in rows(page))
    assert page.button(key="collect").label == f"Collect {50 * len(expected)} photos"


def test_search_words_follow_the_class_until_they_are_edited():
    page = typed(newcomer(), "cat")
    assert rows(page) == [("cat", "cat")]

    typed(page, "kitten")
    assert rows(page) == [("kitten", "kitten")]

    typed(page, "kitten", "young cat")
    typed(page, "cats")
    assert rows(page) == [("cats", "young cat")]


def test_rows_are_added_and_removed_but_one_stays():
    page = newcomer()

    page.button(key="collect_add").click().run()
    assert len(rows(page)) == 3

    typed(page, "cat")
    assert rows(page) == [("cat", "cat")]
    assert page.button(key=f"collect_away_{page.session_state['collect_rows'][0]}").disabled


def test_the_form_is_still_there_after_a_look_at_another_page():
    page = typed(newcomer(), "cat", "old cat")

    page.switch_page(str(ROOT / "pages/home.py")).run()
    page.switch_page(str(ROOT / "pages/collect.py")).run()

    assert rows(page) == [("cat", "old cat")]


def test_without_a_class_the_button_says_what_is_missing(started):
    page = newcomer()

    page.button(key="collect").click().run()

    assert "Type a class first" in words(page)
    assert started == []


@pytest.mark.parametrize("name", ["a/b", "..", "con", "x" * 200])
def test_a_name_that_cannot_be_a_folder_is_refused_before_anything_is_made(started, name, tmp_path):
    page = newcomer()
    page.text_input(key="collect_set_parent").set_value(str(tmp_path)).run()

    typed(page, name).button(key="collect").click().run()

    assert page.error
    assert started == []
    assert list(tmp_path.iterdir()) == []


def test_a_new_data_set_is_named_after_its_classes_and_opened(started, tmp_path):
    page = newcomer()
    page.text_input(key="collect_set_parent").set_value(str(tmp_path)).run()
    page.button[labels(page).index("chihuahua vs muffin")].click().run()

    page.button(key="collect").click().run()

    root = tmp_path / "chihuahua-muffin"
    assert sorted(path.name for path in root.iterdir() if path.name[0] != ".") == [
        "chihuahua",
        "muffin",
    ]
    assert page.query_params["set"]
    assert "Photos go into **chihuahua\\-muffin**." in words(page)
    (asked,) = started
    assert asked["root"] == str(root)
    assert asked["wanted"] == [
        {"class_name": "chihuahua", "query": "chihuahua dog", "engine": "bing", "most": 50},
        {"class_name": "muffin", "query": "muffin", "engine": "bing", "most": 50},
    ]


def test_a_second_set_of_the_same_classes_gets_another_name(started, tmp_path):
    (tmp_path / "cat").mkdir()
    (tmp_path / "cat" / "mine.txt").write_text("mine")
    page = newcomer()
    page.text_input(key="collect_set_parent").set_value(str(tmp_path)).run()

    typed(page, "cat").button(key="collect").click().run()

    assert started[0]["root"] == str(tmp_path / "cat-2")


def test_a_name_of_one_s_own_may_not_lead_elsewhere(started, tmp_path):
    page = newcomer()
    page.text_input(key="collect_set_parent").set_value(str(tmp_path)).run()
    page.text_input(key="collect_set_name").set_value("../elsewhere").run()

    typed(page, "cat").button(key="collect").click().run()

    assert "Choose another name" in words(page)
    assert not (tmp_path.parent / "elsewhere").exists()
    assert started == []


@pytest.mark.parametrize("typed_place", ["~nobody-there", "~", "", "below/home"])
def test_any_place_may_be_typed(started, typed_place, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    page = newcomer()
    page.text_input(key="collect_set_parent").set_value(typed_place).run()

    typed(page, "cat").button(key="collect").click().run()

    assert Path(started[0]["root"]).is_relative_to(tmp_path)
    assert not page.exception


def test_names_of_data_sets_hold_only_what_every_system_takes():
    assert name_after(["black bear", "teddy/bear"]) == "black-bear-teddy-bear"
    assert name_after(["..", "///"]) == "my-photos"
    assert name_after([]) == "my-photos"
    assert len(name_after(["x" * 300])) <= 60


def test_photos_can_go_into_a_new_data_set_although_one_is_open(started, open_page, photo_set):
    page = open_page("collect", photo_set({"cat": 2, "dog": 2}, name="zoo"))
    assert "Photos go into **zoo**." in words(page)

    page.button(key="collect_into_new").click().run()
    assert "Photos go into **a new data set**." in words(page)

    page.button(key="collect_into_open").click().run()
    assert "Photos go into **zoo**." in words(page)


def test_filters_and_the_least_side_are_handed_on(started, open_page, photo_set):
    page = open_page("collect", photo_set({"cat": 1}))
    typed(page, "dog")
    page.selectbox(key="collect_filter_type_bing").set_value("photo").run()
    page.selectbox(key="collect_min_side").set_value(224).run()

    page.button(key="collect").click().run()

    assert "Only: Photo" in words(page)
    assert started[0]["filters"] == {"type": "photo"}
    assert started[0]["min_side"] == 224


def test_flickr_asks_for_a_key_which_is_kept_with_the_user(started, open_page, photo_set):
    root = photo_set({"cat": 1})
    page = typed(open_page("collect", root), "dog")
    number = page.session_state["collect_rows"][0]
    assert "Flickr key" not in [field.label for field in page.text_input]
    page.selectbox(key=f"collect_engine_{number}").set_value("flickr").run()

    page.button(key="collect").click().run()
    assert "asks for a key" in words(page)
    assert started == []

    page.text_input(key="collect_key_flickr").set_value("secret-key").run()
    page.button(key="collect").click().run()

    assert kept_key("flickr") == "secret-key"
    assert started[0]["key_name"] == "flickr"
    assert "secret-key" not in json.dumps(started[0])
    everything = [path.read_bytes() for path in root.rglob("*") if path.is_file()]
    assert not any(b"secret-key" in content for content in everything)
    assert (user_data() / "keys.json").is_file()
    page.button(key="collect_forget_flickr").click().run()
    assert kept_key("flickr") is None


def test_pasted_links_are_counted_by_class_and_bad_lines_are_named(started, open_page, photo_set):
    page = open_page("collect", photo_set({"cat": 1}))
    page.segmented_control(key="collect_way").set_value("links").run()

    page.text_area(key="collect_links").set_value(
        "https://example.org/a.jpg, dog\nhttps://example.org/b.jpg\nfile:///etc/passwd\n"
    ).run()
    page.text_input(key="collect_links_class").set_value("cat").run()

    assert "**2 links**" in words(page)
    assert "passwd" in words(page)
    page.button(key="collect_fetch").click().run()
    urls = [(row["url"], row["class_name"]) for row in started[0]["urls"]]
    assert urls == [("https://example.org/a.jpg", "dog"), ("https://example.org/b.jpg", "cat")]


def test_a_file_with_links_is_read_too(started, open_page, photo_set):
    page = open_page("collect", photo_set({"cat": 1}))
    page.segmented_control(key="collect_way").set_value("links").run()

    page.file_uploader[0].upload("links.csv", b"url,label\nhttps://example.org/a.png,dog\n").run()
    page.button(key="collect_fetch").click().run()

    assert [row["class_name"] for row in started[0]["urls"]] == ["dog"]
    assert started[0]["list_name"] == "links.csv"


def test_what_came_is_said_with_every_reason_for_what_did_not(mixed, open_page):
    page = open_page("collect", mixed)

    assert "8 photos came" in words(page)
    assert "1 photo set aside" in words(page)
    assert "3 addresses gave no photo" in words(page)
    for reason in ("sent a page instead of a picture", "cut short", r"refused \(403\)"):
        assert reason in words(page)
    assert page.button(key="collect_next").label == "Go to Train"
    assert not page.exception


def test_too_few_results_are_said_with_other_ways_to_go_on(mixed, open_page, started):
    page = open_page("collect", mixed)
    assert "no more pictures for these words" in words(page)
    assert {"Try Wikimedia Commons", "Paste links", "Upload"} <= set(labels(page))
    # Bing has no more: asking it again would not help. The refused addresses may be asked again.
    assert not [button.key for button in page.button if button.key.startswith("collect_again")]

    page.button(key="collect_try_0_wikimedia").click().run()

    (asked,) = started
    assert asked["collection"] == "abc"
    assert asked["wanted"] == [
        {"class_name": "cat", "query": "cat", "engine": "wikimedia", "most": 6}
    ]
    page.button(key="collect_uploads_0").click().run()
    assert page.segmented_control(key="collect_way").value == "uploads"


def test_more_is_asked_for_on_top_of_what_came(mixed, open_page, started):
    page = open_page("collect", mixed)

    page.number_input(key="collect_more").set_value(5).run()
    page.button(key="collect_get_more").click().run()

    asked = {row["class_name"]: row["most"] for row in started[0]["wanted"]}
    assert asked == {"cat": 9, "dog": 9}


def test_getting_more_fetches_nothing_again(mixed, bing, photos, open_page):
    before = bing.pictures_asked()
    bing.offer("dog", [Item.photo(path) for path in photos(12)[4:]])
    page = open_page("collect", mixed)

    page.number_input(key="collect_more").set_value(5).run()
    page.button(key="collect_get_more").click().run()
    ended(Dataset.open(mixed).home)
    page.run()

    assert "refused" in words(page)
    known = [path for path, times in bing.pictures_asked().items() if times > 1]
    assert all("refused" in path for path in known), known
    assert sum(before.values()) < sum(bing.pictures_asked().values())


def test_an_engine_that_asks_for_a_captcha_is_no_silent_success(bing, open_page, tmp_path):
    bing.search_answer = lambda query, first: (200, CAPTCHA_PAGE)
    root = Dataset.create(tmp_path / "zoo", ["cat", "dog"]).root
    assert collected(root, wanted=[search("cat", 5), search("dog", 5)]).state == "done"

    page = open_page("collect", root)

    assert "No photo came" in words(page)
    (warning,) = page.warning  # once for both classes
    assert warning.value.startswith("**cat**, **dog**: Bing asks whether a person is searching")
    assert labels(page).count("Try Wikimedia Commons") == 1
    assert "Get them" not in labels(page)


def test_without_a_network_the_ways_that_need_none_are_offered(bing, open_page, tmp_path):
    bing.close()
    root = Dataset.create(tmp_path / "zoo", ["cat", "dog"]).root
    assert collected(root, wanted=[search("cat", 5), search("dog", 5)]).state == "done"
    dataset = Dataset.open(root)
    away = {"ending": "network", "problem": "Bing cannot be reached."}
    states = [replace(state, **away) for state in kept.load_searches(dataset, "abc")]
    kept.save_searches(dataset, "abc", states)

    page = open_page("collect", root)

    assert "Bing cannot be reached" in words(page)
    keys = [button.key for button in page.button]
    ways = ("collect_again_0", "collect_uploads_0", "collect_folders_0", "collect_generators_0")
    assert set(ways) <= set(keys)
    assert "collect_try_0_wikimedia" not in keys
    page.button(key="collect_generators_0").click().run()
    assert "Draw 500 pictures" in labels(page)
    assert "Where photos came from" not in [one.label for one in page.expander]  # there are none


def test_a_search_in_vain_makes_room_for_the_next_one():
    one = ClassState(class_name="cat", engine="bing", query="cat", asked=5, done=True)
    assert [state.engine for state in arriving.worth_a_row([one])] == ["bing"]

    another = replace(one, engine="openverse", found=3)

    assert [state.engine for state in arriving.worth_a_row([one, another])] == ["openverse"]
    assert len(arriving.worth_a_row([replace(one, found=1), another])) == 2
    assert len(arriving.worth_a_row([replace(one, class_name="dog"), another])) == 2


def test_a_row_that_a_slow_browser_still_tells_of_does_no_harm():
    page = newcomer()
    gone = page.session_state["collect_rows"][0]
    page.button[labels(page).index("cats vs kittens")].click().run()
    assert f"collect_name_{gone}" not in page.session_state

    words_follow(gone)  # as when the browser sends the old row with the next press

    assert [name for name, _ in rows(page.run())] == ["cat", "kitten"]


def test_the_bar_says_what_the_rows_say(tmp_path, monkeypatch):
    dataset = Dataset.create(tmp_path / "zoo", ["cat", "dog"])
    states = [
        ClassState(class_name="cat", engine="bing", query="cat", asked=50, kept=20),
        ClassState(class_name="dog", engine="bing", query="dog", asked=50, kept=23),
    ]
    monkeypatch.setattr(kept, "state", lambda *_: states)
    lagging = jobs.JobStatus(
        id="1", kind="collect", state="running", message="Fetching cat: 0 of 50", done=0, total=100
    )

    told = arriving.as_rows_say(dataset, "abc", lagging)

    assert (told.done, told.total) == (43, 100)
    before = replace(lagging, message="Looking at the photos already there", done=3, total=4)
    assert arriving.as_rows_say(dataset, "abc", before) == before


def test_an_earlier_collection_can_be_looked_at_and_asked_for_more(
    mixed, bing, photos, open_page, started
):
    dataset = Dataset.open(mixed)
    urls = bing.offer("owl", [Item.photo(path) for path in photos(12)[8:]])
    monkey = [{"url": url, "class_name": "owl"} for url in urls]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(jobs, "start", REAL_START)
        assert collected(mixed, collection="def", urls=monkey).state == "done"
    page = unfolded(open_page("collect", mixed), "earlier", dataset)

    (listed,) = page.selectbox(key="collect_earlier_chosen").options
    assert listed == "cat, dog · 8 photos"
    assert "sent a page instead of a picture" in words(page)
    page.number_input(key="collect_earlier_more").set_value(5).run()
    page.button(key="collect_earlier_get_more").click().run()

    assert started[0]["collection"] == "abc"
    assert {row["class_name"]: row["most"] for row in started[0]["wanted"]} == {"cat": 9, "dog": 9}


def test_photos_without_a_class_lead_on_to_label(bing, photos, open_page, tmp_path):
    urls = bing.offer("", [Item.photo(path) for path in photos(3)])
    root = Dataset.create(tmp_path / "zoo").root
    assert collected(root, urls=[{"url": url} for url in urls]).state == "done"

    page = open_page("collect", root)

    assert page.button(key="collect_next").label == "Label the photos"
    assert "at least two classes are needed" in words(page)


def test_links_that_were_handed_over_are_taken_off_the_form(started, open_page, photo_set):
    page = open_page("collect", photo_set({"cat": 1}))
    page.segmented_control(key="collect_way").set_value("links").run()
    page.text_area(key="collect_links").set_value("https://example.org/a.jpg, dog").run()

    page.button(key="collect_fetch").click().run()

    assert len(started) == 1
    assert page.text_area(key="collect_links").value == ""


def test_what_was_set_aside_can_be_kept_and_that_undone(mixed, open_page):
    dataset = Dataset.open(mixed)
    (aside,) = arrivals.set_aside(dataset)
    page = unfolded(open_page("collect", mixed), "aside", dataset)
    assert "The same file as" in words(page)

    page.button(key=f"collect_keep_one_{aside.id}").click().run()
    assert aside.id in dataset.get([aside.id])

    unfolded(page, "aside", dataset).button(key="collect_unkeep").click().run()
    assert [one.id for one in arrivals.set_aside(dataset)] == [aside.id]
    page = unfolded(page, "aside", dataset)
    page.button(key=f"collect_keep_one_{aside.id}").click().run()
    assert arrivals.set_aside(dataset) == []
    assert "Nothing is set aside any more" in words(unfolded(page, "aside", dataset))
    assert not page.exception


def test_photos_are_found_by_where_they_came_from(mixed, open_page):
    dataset = Dataset.open(mixed)
    page = unfolded(open_page("collect", mixed), "from", dataset)

    page.text_input(key="collect_find").set_value("bing dog").run()

    assert "**4 photos**" in words(page)
    page.text_input(key="collect_find").set_value("no such words").run()
    assert "No photo holds all of these words" in words(page)


def test_hostile_words_of_a_site_are_shown_as_text(mixed, open_page):
    dataset = Dataset.open(mixed)
    hostile = dict.fromkeys(("query", "title", "author", "licence"), HOSTILE)
    with dataset.writing() as connection:
        for row in dataset.rows():
            source = Source(via="bing", url=HOSTILE, page="javascript:alert(1)", at=1.0, **hostile)
            sources.save_source(connection, row.id, source)
    page = unfolded(open_page("collect", mixed), "from", dataset)

    page.text_input(key="collect_find").set_value("onerror smile").run()

    drawn = "".join(element.proto.body for element in page.get("html"))
    assert Drawn(drawn).elements.count("img") == 8
    assert "a" not in Drawn(drawn).elements
    assert not any(name.startswith("on") for name in Drawn(drawn).attributes)
    assert "onerror" in drawn  # as text
    assert not page.exception


@pytest.mark.parametrize("url", ["javascript:alert(1)", "data:text/html,x", "//x", "http://[", ""])
def test_only_addresses_of_sites_become_links(url):
    assert "<a" not in link(url)


def test_a_link_cannot_leave_its_attribute():
    drawn = link('https://example.org/"onmouseover="alert(1)')

    assert Drawn(drawn).attributes == {"href", "target", "rel", "style"}
    assert 'rel="noopener noreferrer"' in drawn


def test_a_photo_s_source_is_told_in_sentences():
    source = Source(
        via="wikimedia",
        query="chihuahua dog",
        url="https://example.org/a.jpg",
        page="https://example.org/a",
        title="A\ndog",
        author="Jane",
        licence="CC BY 4.0",
        at=0.0,
    )

    said = "\n".join(provenance.lines(source))

    assert "Found with Wikimedia Commons, searching for “chihuahua dog”" in said
    assert "By Jane · Licence: CC BY 4.0" in said
    assert "Title: A\\ndog" in said
    assert "https://example.org/a.jpg" in said


def test_sources_follow_photos_into_the_gallery(mixed):
    dataset = Dataset.open(mixed)
    known = sources.sources_of(dataset, [row.id for row in dataset.rows()])

    assert len(known) == 8
    assert {source.via for source in known.values()} == {"bing"}
    assert all(source.url and source.page and source.at for source in known.values())


def test_a_data_set_that_cannot_be_written_offers_a_copy_instead_of_ways_in(open_page, photo_set):
    root = photo_set({"cat": 1}, name="zoo")
    open_sets.at(root).read_only = True

    page = open_page("collect", root)

    assert "cannot be changed" in words(page)
    assert "Work on a copy" in labels(page)
    assert not any(button.key == "collect" for button in page.button)
    page.button(key="collect_into_new").click().run()
    assert any(button.key == "collect" for button in page.button)


def test_a_collection_that_was_undone_says_so(mixed, open_page):
    Dataset.open(mixed).undo()

    page = open_page("collect", mixed)

    assert "What came was taken away again" in words(page)
    assert not page.exception
