"""What a collection lacks, and what to ask for next."""

from core.collect.kept import LIST, ClassState
from core.collect.shortfalls import searches_for_more, shortfalls


def state(class_name, engine="bing", *, asked=50, kept=0, problem=None) -> ClassState:
    return ClassState(
        class_name=class_name,
        engine=engine,
        query="" if engine == LIST else f"a {class_name}",
        asked=asked,
        kept=kept,
        problem=problem,
        done=True,
    )


def search(class_name, engine, most) -> dict[str, object]:
    return {
        "class_name": class_name,
        "query": f"a {class_name}",
        "engine": engine,
        "most": most,
    }


def test_a_search_that_brought_what_was_asked_for_lacks_nothing():
    assert shortfalls([state("cat", kept=50), state("dog", kept=50, problem="Slow.")]) == []


def test_classes_that_lack_photos_for_one_reason_are_told_of_together():
    found = shortfalls(
        [
            state("cat", problem="Blocked."),
            state("dog", kept=20, problem="Blocked."),
            state("owl", kept=3, problem="No more."),
        ]
    )

    assert [[one.class_name for one in short.searches] for short in found] == [
        ["cat", "dog"],
        ["owl"],
    ]
    assert found[0].missing == (50, 30)


def test_what_another_engine_made_up_for_is_no_shortfall():
    bing, other = state("cat", kept=10, problem="No more."), state("cat", "wikimedia", asked=40)

    assert shortfalls([bing, ClassState(**{**vars(other), "kept": 40})]) == []
    (short,) = shortfalls([bing, ClassState(**{**vars(other), "kept": 5, "problem": "Slow."})])
    assert (short.engine, short.problem, short.missing) == ("wikimedia", "Slow.", (35,))


def test_engines_that_were_tried_are_not_offered_again():
    (short,) = shortfalls(
        [state("cat", problem="Blocked."), state("cat", "wikimedia", problem="Slow.")]
    )

    assert short.next_best == ("openverse", "google")
    assert short.with_engine("openverse") == [search("cat", "openverse", 50)]
    assert short.again() == [search("cat", "wikimedia", 50)]


def test_a_list_of_links_has_no_words_to_search_for():
    (short,) = shortfalls([state("cat", LIST, problem="The disk is full.")])

    assert short.next_best == ()


def test_more_is_asked_of_the_search_that_works():
    states = [
        state("cat", kept=10, problem="No more."),
        state("cat", "wikimedia", asked=40, kept=40),
        state("dog", kept=50),
        state("owl", LIST, kept=7),
    ]

    assert searches_for_more(states, 20) == [
        search("cat", "wikimedia", 60),
        search("dog", "bing", 70),
    ]
