"""Home and the app's frame in Chromium."""

import os
import re
import signal
import urllib.error
import urllib.request
from pathlib import Path

import psutil
import pytest

from core import jobs
from core.dataset.recent import recent

SIDEBAR = "stSidebar"


@pytest.fixture
def pets(photo_set) -> Path:
    return photo_set({"cat": 5, "dog": 4}, name="pets")


def fetch(address: str, *, host: str | None = None) -> tuple[int, dict[str, str]]:
    request = urllib.request.Request(address, headers={"Host": host} if host else {})
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, dict(answer.headers)
    except urllib.error.HTTPError as error:
        return error.code, dict(error.headers)


def a_picture(page) -> str:
    return page.get_by_alt_text("A photo of cat").first.evaluate("image => image.src")


def test_a_folder_is_found_by_clicking_and_opened(app, page, pets, tmp_path, settled):
    page.goto(app.url)
    page.get_by_role("tab", name="A folder").click()
    field = page.get_by_label("Folder", exact=True)
    field.fill(str(tmp_path))
    field.press("Enter")

    page.get_by_role("button", name=re.compile("^pets.*9 photos in 2 folders")).click()
    page.get_by_text("pets holds 9 photos in 2 folders.").wait_for()
    page.get_by_role("button", name="Open", exact=True).click()

    page.get_by_role("heading", name="pets").wait_for()
    page.get_by_text("9 photos in 2 classes").wait_for()
    assert f"set={recent()[0].token}" in page.url


def test_thumbnails_are_drawn(app, page, pets):
    page.goto(app.address(pets))

    pictures = page.get_by_alt_text(re.compile("A photo of"))
    pictures.first.wait_for()

    page.wait_for_function(
        "() => [...document.querySelectorAll('img[alt^=\"A photo of\"]')]"
        ".every(image => image.complete && image.naturalWidth > 0)"
    )
    assert pictures.count() == 9


def test_the_data_set_stays_in_the_address_through_pages_back_and_reload(app, page, pets):
    page.goto(app.address(pets))
    sidebar = page.get_by_test_id(SIDEBAR)
    sidebar.get_by_role("link", name="Check").click()
    page.get_by_role("heading", name="Check").wait_for()
    assert "/check?set=" in page.url

    page.go_back()
    page.get_by_role("heading", name="pets").wait_for()
    page.get_by_role("button", name="Go to Check").click()
    page.get_by_role("heading", name="Check").wait_for()
    page.reload()

    page.get_by_role("heading", name="Check").wait_for()
    sidebar.get_by_text("9 photos · 2 classes").wait_for()
    assert f"set={recent()[0].token}" in page.url


def test_a_deep_link_on_a_fresh_tab_passes_through_the_router(app, page, pets):
    page.goto(app.address(pets, "check"))

    page.get_by_role("heading", name="Check").wait_for()
    page.get_by_test_id(SIDEBAR).get_by_role("link", name="Home").wait_for()


def test_undo_takes_back_a_removal_and_says_so(app, page, pets):
    (pets / "cat" / "broken.jpg").write_text("x")
    page.goto(app.address(pets, "check"))
    page.get_by_role("button", name="Check the photos").click()
    page.get_by_role("button", name="Move to removed").click()
    page.get_by_test_id(SIDEBAR).get_by_text("1 removed").wait_for()
    assert not (pets / "cat" / "broken.jpg").exists()

    page.get_by_test_id(SIDEBAR).get_by_role("button", name="Undo").click()

    page.get_by_test_id(SIDEBAR).get_by_text("1 removed").wait_for(state="detached")
    page.get_by_role("button", name="Move to removed").wait_for()
    assert (pets / "cat" / "broken.jpg").exists()


def test_pictures_carry_headers_that_keep_them_ours(app, page, pets):
    page.goto(app.address(pets))

    status, headers = fetch(a_picture(page))

    assert status == 200
    assert headers["content-type"] == "image/webp"
    assert "immutable" in headers["cache-control"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cross-origin-resource-policy"] == "same-origin"


def test_pictures_are_refused_to_other_hosts_unknown_sets_and_odd_addresses(app, page, pets):
    page.goto(app.address(pets))
    good = a_picture(page)
    token, content = re.search(r"pictures/(\w+)/thumb/(\w+)\.webp", good).groups()

    assert fetch(good, host="evil.example")[0] == 404
    assert fetch(good.replace(token, "0" * 16))[0] == 404
    assert fetch(good.replace(content, "0" * 32))[0] == 404
    assert fetch(good.replace(content, "..%2f..%2fsecret"))[0] in (400, 404)
    assert fetch(good.replace("localhost", "127.0.0.1"))[0] == 200


def test_a_narrow_screen_shows_home_without_scrolling_sideways(app, new_page, pets):
    page = new_page(viewport={"width": 420, "height": 900})
    page.goto(app.address(pets))
    page.get_by_role("button", name="Go to Check").wait_for()

    assert page.evaluate("document.documentElement.scrollWidth") <= 420


def test_on_a_narrow_screen_a_link_in_the_sidebar_closes_it(app, new_page, pets):
    page = new_page(viewport={"width": 420, "height": 900})
    page.goto(app.address(pets))
    page.get_by_test_id("stExpandSidebarButton").click()

    page.get_by_test_id(SIDEBAR).get_by_role("link", name="Check").click()

    page.get_by_role("heading", name="Check").wait_for()
    page.get_by_test_id("stExpandSidebarButton").wait_for()


def test_quit_ends_the_workers_and_the_server(own_app, page, pets):
    home = pets / ".winnow"
    flag = pets.parent / "never"
    page.goto(own_app.address(pets))
    page.get_by_role("heading", name="pets").wait_for()
    job = jobs.start(home, "check", "tests.core.jobs.targets:until", {"flag": str(flag)})

    page.get_by_role("button", name="Quit", exact=True).click()
    page.get_by_text("Work is still going on").wait_for()
    page.get_by_role("button", name="Quit Winnow").click()

    page.get_by_role("heading", name="Winnow has ended").wait_for()
    assert own_app.wait_until_it_ends() in (0, -signal.SIGTERM)
    assert jobs.status(home, job.id).state == "stopped"


def test_work_goes_on_when_the_server_is_killed_and_shows_when_it_is_back(own_app, page, pets):
    home = pets / ".winnow"
    flag = pets.parent / "flag"
    page.goto(own_app.address(pets, "check"))
    page.get_by_role("heading", name="Check").wait_for()
    job = jobs.start(home, "check", "tests.core.jobs.targets:until", {"flag": str(flag)})

    own_app.restart()
    page.goto(own_app.address(pets, "check"))

    page.get_by_role("button", name="Stop").wait_for()
    page.get_by_text("Waiting").wait_for()
    flag.touch()
    page.get_by_role("button", name="Check the photos").wait_for()
    assert jobs.status(home, job.id).state == "done"


@pytest.mark.skipif(not hasattr(psutil.Process, "memory_maps"), reason="needs memory maps")
def test_the_server_never_loads_what_is_heavy(own_app, page, pets):
    for name in ("", "check", "train", "results", "review"):
        page.goto(own_app.address(pets, name))
        page.get_by_test_id("stMain").get_by_role("heading").first.wait_for()

    mapped = {os.path.basename(entry.path) for entry in own_app.process().memory_maps()}

    assert not [name for name in mapped if re.search(r"libtorch|_C\.cpython.*torch|sklearn", name)]
    assert psutil.Process(own_app.process().pid).memory_info().rss < 1_000_000_000
