"""No address is asked for twice, and every one that gave no photo says why."""

from core.dataset.arrivals import Aside, take_in
from core.dataset.fetched import Fetched, known, note_fetched, outcomes, refused

COLLECTION = "c0ffee"


def came(url: str, outcome: str, class_name: str | None = "cat", **more) -> Fetched:
    return Fetched(
        url=url, outcome=outcome, class_name=class_name, **{"collection": COLLECTION, **more}
    )


def test_addresses_asked_for_are_known_for_their_class_alone(make_set):
    dataset = make_set({"cat": 1})

    note_fetched(dataset, [came("a", "kept"), came("b", "rejected"), came("c", "kept", None)])

    assert known(dataset, "cat", ["a", "b", "c", "d"]) == {"a", "b"}
    assert known(dataset, None, ["a", "b", "c", "d"]) == {"c"}
    assert known(dataset, "dog", ["a", "b", "c", "d"]) == set()


def test_an_address_that_failed_for_now_may_be_asked_again_until_it_is_settled(make_set):
    dataset = make_set({"cat": 1})

    note_fetched(dataset, [came("a", "rejected", again=True, reason="The site was busy.")])
    before = known(dataset, "cat", ["a"])
    note_fetched(dataset, [came("a", "kept")])

    assert before == set() and known(dataset, "cat", ["a"]) == {"a"}
    assert outcomes(dataset, COLLECTION) == {"cat": {"kept": 1}}


def test_more_addresses_than_one_query_takes_are_looked_up(make_set):
    dataset = make_set({"cat": 1})
    urls = [f"http://pictures.example/{number}" for number in range(2_500)]

    note_fetched(dataset, [came(url, "kept") for url in urls[::2]])

    assert known(dataset, "cat", urls) == set(urls[::2])


def test_outcomes_are_counted_by_class_and_collection(make_set):
    dataset = make_set({"cat": 1})

    note_fetched(
        dataset,
        [
            came("a", "kept"),
            came("b", "kept"),
            came("c", "duplicate"),
            came("d", "too_small", None),
            came("e", "kept", collection="beef"),
        ],
    )

    assert outcomes(dataset, COLLECTION) == {
        "cat": {"kept": 2, "duplicate": 1},
        None: {"too_small": 1},
    }


def test_what_was_refused_is_listed_with_its_reasons(make_set):
    dataset = make_set({"cat": 1})
    refusal = came("b", "rejected", reason="The site refused (403).", via="bing", again=True)

    note_fetched(dataset, [came("a", "kept"), refusal, came("c", "duplicate")])
    note_fetched(dataset, [came(f"x{number}", "rejected", None) for number in range(3)])

    every = refused(dataset, COLLECTION)
    assert every[-1] == refusal and len(every) == 4
    assert len(refused(dataset, COLLECTION, limit=2)) == 2


def test_addresses_with_broken_characters_are_kept_and_known(make_set):
    dataset = make_set({"cat": 1})
    urls = ["http://x/\ud83d", "http://x/\x00'\"; DROP TABLE file", "http://x/犬🐕", "http://x/?"]

    note_fetched(dataset, [came(url, "rejected", reason="Half \ud83d.") for url in urls[:3]])

    assert known(dataset, "cat", urls[1:3]) == set(urls[1:3])
    assert urls[0] in known(dataset, "cat", [urls[0]])
    assert dataset.counts() == {"cat": 1}


def test_addresses_are_noted_with_the_photos_they_gave(make_set, stage):
    dataset = make_set({"cat": 1})
    copy = Aside(kind="duplicate", reason="The same photo is there already.")
    arrivals = stage(dataset, "cat") + stage(dataset, "cat", aside=copy)
    fetched = [came(arrivals[0].source.url, "kept"), came(arrivals[1].source.url, "duplicate")]
    fetched += [came("http://x/broken", "rejected", reason="This is not an image.")]

    taken = take_in(dataset, arrivals, collection=COLLECTION, fetched=fetched)

    rows = dataset.connection().execute("SELECT url, file FROM fetched").fetchall()
    assert dict(rows) == {
        arrivals[0].source.url: taken.ids[0],
        arrivals[1].source.url: taken.ids[1],
        "http://x/broken": None,
    }


def test_addresses_are_noted_where_no_photo_arrived(make_set):
    dataset = make_set({"cat": 1})

    take_in(dataset, [], collection=COLLECTION, fetched=[came("a", "rejected")])

    assert known(dataset, "cat", ["a"]) == {"a"}


def test_what_was_collected_and_removed_is_not_fetched_again(make_set, stage):
    dataset = make_set({"cat": 1})
    arrivals = stage(dataset, "cat")
    url = arrivals[0].source.url
    taken = take_in(dataset, arrivals, collection=COLLECTION, fetched=[came(url, "kept")])

    dataset.remove(taken.ids)

    assert known(dataset, "cat", [url]) == {url}


def test_what_one_collection_kept_is_not_taken_from_it_by_another_at_work_too(make_set):
    dataset = make_set({"cat": 1})

    note_fetched(dataset, [came("a", "kept"), came("b", "duplicate")])
    note_fetched(
        dataset, [came(url, "duplicate", collection="beef", reason="There.") for url in "ab"]
    )

    assert outcomes(dataset, COLLECTION) == {"cat": {"kept": 1}}
    assert outcomes(dataset, "beef") == {"cat": {"duplicate": 1}}
    note_fetched(dataset, [came("b", "kept", collection="beef")])
    assert outcomes(dataset, "beef") == {"cat": {"kept": 1}}
