"""The Runs page, and how the other pages follow the run in use, without a browser."""

import json

import pytest

from core import jobs, runs
from core.dataset import Dataset
from core.runs.in_use import run_in_use, use
from core.runs.notes import Note, note_of, write_note
from core.train.quick import train_quick
from tests.made_runs import deep_run
from tests.trained_sets import finish, train_on_made_features
from ui import navigation


@pytest.fixture
def root(photo_set):
    """Two classes of 30, four photos of each look like the other class; no run yet in use."""
    folder = photo_set({"cat": 30, "dog": 30})
    train_on_made_features(folder, mistaken_every=8)
    return folder


def words(page):
    elements = [*page.markdown, *page.subheader, *page.caption, *page.info, *page.warning]
    return "\n".join(element.value for element in elements)


def card(page, run):
    return page.menu_button(key=f"runs_do_{run.id}")


def pick(page, *several):
    for run in several:
        page.checkbox(key=f"runs_pick_{run.id}").check().run()
    return page


def test_without_a_run_the_page_says_what_it_is_for_and_leads_to_train(open_page, photo_set):
    page = open_page("runs", photo_set({"cat": 2, "dog": 2}))

    assert "No training yet" in page.info[0].value
    assert page.button(key="runs_to_train").label == "Go to Train"
    assert not page.exception


def test_every_run_says_its_network_kind_error_and_time(open_page, root):
    dataset = Dataset.open(root)
    quick = runs.latest_run(dataset.home)
    deep_run(dataset, quick, kept="blend", mended=1)

    page = open_page("runs", root)

    said = words(page)
    assert "Wrong on 8 of 60 photos it had not seen, 13.3 %." in said
    assert "EfficientNet\\-Lite0 · quick" in said
    assert "deep · kept\\: the mean of both · 1 min 36 s" in said.replace("\u2060", "")
    assert page.checkbox[0].key != f"runs_pick_{quick.id}"  # the newest comes first
    assert "In use" in said
    assert not page.exception


def test_two_runs_are_laid_over_one_another_with_the_settings_that_differ(open_page, root):
    dataset = Dataset.open(root)
    quick = runs.latest_run(dataset.home)
    first = deep_run(dataset, quick, epochs=6)
    second = deep_run(dataset, quick, epochs=12, after=120)

    page = pick(open_page("runs", root), first, second)

    assert "2 runs over one another" in words(page)
    table = page.dataframe[0].value
    assert table.iloc[:, 0].tolist() == ["Epochs"]
    assert table.iloc[0, 1:].tolist() == ["6", "12"]
    chart = page.get("vega_lite_chart")
    assert len(chart) == 1
    assert not page.exception
    page.button(key="runs_compare").click().run()
    assert page.title[0].value == "Compare"
    assert page.selectbox(key="compare_before").value == first.id
    assert page.selectbox(key="compare_after").value == second.id


def test_quick_and_deep_runs_stand_in_one_chart(open_page, root):
    dataset = Dataset.open(root)
    quick = runs.latest_run(dataset.home)
    deep = deep_run(dataset, quick)

    page = pick(open_page("runs", root), quick, deep)

    assert "Quick: all photos, each held out once" in words(page)
    assert page.dataframe[0].value.iloc[:, 0].tolist() == ["Training"]
    assert not page.exception


def test_using_another_run_changes_what_results_shows(open_page, root):
    dataset = Dataset.open(root)
    quick = runs.latest_run(dataset.home)
    deep_run(dataset, quick)
    page = open_page("runs", root)

    card(page, quick).set_value("use").run()

    assert run_in_use(dataset) == quick
    assert "Wrong on 8 of 60 photos" in words(open_page("results", root))
    assert "use" not in card(page, quick).options


def test_a_run_is_named_and_noted(open_page, root):
    dataset = Dataset.open(root)
    run = runs.latest_run(dataset.home)
    page = open_page("runs", root)

    card(page, run).set_value("note").run()
    page.text_input(key=f"runs_name_{run.id}").set_value("First <b>try</b>")
    page.text_area(key=f"runs_note_{run.id}").set_value("A *note*").run()
    page.button(key="runs_note_save").click().run()

    assert note_of(dataset.home, run) == Note(name="First <b>try</b>", text="A *note*")
    page = open_page("runs", root)
    assert "First \\<b\\>try\\<\\/b\\>" in page.checkbox[0].label
    assert "A \\*note\\*" in words(page)


def test_a_deleted_run_comes_back_with_undo_or_from_the_list(open_page, root):
    dataset = Dataset.open(root)
    quick = runs.latest_run(dataset.home)
    deep = deep_run(dataset, quick)
    page = open_page("runs", root)

    card(page, deep).set_value("delete").run()
    assert runs.list_runs(dataset.home) == [quick]
    page.button(key="runs_undo_delete").click().run()
    assert runs.list_runs(dataset.home) == [deep, quick]

    card(page, deep).set_value("delete").run()
    later = open_page("runs", root)
    assert [one.label for one in later.expander if "Deleted" in one.label] == ["Deleted runs (1)"]
    later.button(key=f"runs_restore_{deep.id}").click().run()
    assert runs.list_runs(dataset.home) == [deep, quick]
    assert not later.exception


def test_deleted_runs_go_for_good_only_after_a_question(open_page, root):
    dataset = Dataset.open(root)
    run = runs.latest_run(dataset.home)
    page = open_page("runs", root)
    card(page, run).set_value("delete").run()
    assert "No training yet" in words(page)

    page.button(key="runs_empty").click().run()
    assert (dataset.home / "runs" / "removed" / run.id).is_dir()
    page.button(key="runs_empty_confirm").click().run()

    assert not (dataset.home / "runs" / "removed" / run.id).exists()
    assert not page.exception


def test_continuing_takes_a_deep_run_s_settings_to_train(open_page, root, monkeypatch):
    dataset = Dataset.open(root)
    deep = deep_run(dataset, runs.latest_run(dataset.home), epochs=9)
    gone_to = []
    monkeypatch.setattr(navigation, "go", gone_to.append)  # Train would take them up
    page = open_page("runs", root)

    card(page, deep).set_value("continue").run()

    assert gone_to == ["train"]
    handed = page.session_state["train_settings"]
    assert (handed["epochs"], handed["start_from"]) == (9, deep.id)


def test_a_quick_run_cannot_be_continued(open_page, root):
    run = runs.latest_run(Dataset.open(root).home)
    page = open_page("runs", root)

    assert not any("Continue" in option for option in card(page, run).options)


@pytest.mark.parametrize("mode", ["quick", "deep"])
def test_training_again_takes_the_same_settings(open_page, root, monkeypatch, mode):
    dataset = Dataset.open(root)
    run = runs.latest_run(dataset.home)
    if mode == "deep":
        run = deep_run(dataset, run, epochs=9)
    started = []
    monkeypatch.setattr(jobs, "start", lambda home, *told: started.append(told))
    page = open_page("runs", root)

    card(page, run).set_value("again").run()

    ((kind, target, arguments),) = started
    assert kind == "train"
    if mode == "quick":
        assert arguments == {"root": str(dataset.root), "backbone": "lite0"}
    else:
        assert target == "core.train.deep:train_deep_job"
        assert arguments["settings"]["epochs"] == 9
        assert (arguments["fresh"], arguments["finish"]) == (True, False)
        json.dumps(arguments)


def test_a_damaged_run_is_named_and_can_be_put_aside(open_page, root):
    dataset = Dataset.open(root)
    run = runs.latest_run(dataset.home)
    (dataset.home / "runs" / run.id / "run.json").write_text("{")
    page = open_page("runs", root)
    assert "1 run cannot be read" in words(page)

    page.button(key="runs_delete_damaged").click().run()

    assert "cannot be read" in words(page)  # in the list of deleted ones
    assert (dataset.home / "runs" / "removed" / run.id).is_dir()
    assert not page.exception


def test_many_runs_are_on_several_pages_and_stay_chosen(open_page, root):
    dataset = Dataset.open(root)
    quick = runs.latest_run(dataset.home)
    made = [deep_run(dataset, quick, after=60.0 * number) for number in range(1, 13)]
    page = pick(open_page("runs", root), made[-1])

    page.session_state["runs_page"] = 2
    page.run()
    pick(page, quick)

    assert "2 runs over one another" in words(page)
    assert not page.exception


def test_results_of_a_deep_run_are_about_the_photos_it_judged(open_page, root):
    dataset = Dataset.open(root)
    quick = runs.latest_run(dataset.home)
    deep = deep_run(dataset, quick, kept="blend", mended=1)
    score = deep.answers["blend"]

    page = open_page("results", root)

    said = words(page)
    assert f"Wrong on {score['wrong']} of {score['judged']} photos it had not seen" in said
    assert "one of 5 parts of the data set" in said
    shown = {metric.label: metric.value for metric in page.metric}
    assert shown["Photos judged"] == str(score["judged"])
    assert page.dataframe[0].value["Photos"].sum() == score["judged"]
    assert not page.exception


def test_cells_of_a_deep_run_list_only_photos_it_judged(open_page, root):
    dataset = Dataset.open(root)
    deep = deep_run(dataset, runs.latest_run(dataset.home), mended=0)
    predictions = runs.load_predictions(dataset.home, deep.id)
    own = (predictions.fold == 0) & (predictions.given == 0)
    right = int((own & (predictions.predicted == 0)).sum())
    page = open_page("results", root)

    page.session_state["results_cell"] = (0, 0)
    page.run()

    assert f"{right} photos labelled **cat**" in words(page)


def test_review_says_who_judged_the_photos_and_whose_heat_maps_these_are(open_page, root):
    dataset = Dataset.open(root)
    deep = deep_run(dataset, runs.latest_run(dataset.home))
    judged = deep.answers["blend"]["judged"]

    page = open_page("review", root)

    assert f"Deep training judged {judged} photos; the other {60 - judged} are" in words(page)
    assert "Heat maps show what quick training goes by" in words(page)
    assert not page.exception


def test_home_tells_of_the_run_in_use(open_page, root):
    dataset = Dataset.open(root)
    quick = runs.latest_run(dataset.home)
    deep_run(dataset, quick, mended=1)
    use(dataset, quick.id)

    assert "wrong on 8 of 60" in words(open_page("home", root)).replace("\\", "")


def test_a_deep_run_that_did_not_beat_quick_is_shown_and_not_used(open_page, root):
    dataset = Dataset.open(root)
    quick = runs.latest_run(dataset.home)
    deep = deep_run(dataset, quick, kept="quick", mended=0, broken=2)
    assert run_in_use(dataset) == quick

    page = pick(open_page("runs", root), deep)

    assert "did not beat quick training" in words(page)
    card(page, deep).set_value("use").run()
    assert run_in_use(dataset) == deep
    assert not open_page("results", root).exception


def test_compare_takes_the_run_in_use_and_only_photos_both_judged(open_page, root):
    dataset = Dataset.open(root)
    quick = runs.latest_run(dataset.home)
    deep = deep_run(dataset, quick, kept="blend", mended=1, after=0.001)
    finish(train_quick(dataset))
    use(dataset, deep.id)
    write_note(dataset.home, deep.id, Note(name="Deeper"))

    page = open_page("compare", root)

    judged = deep.answers["blend"]["judged"]
    assert page.selectbox(key="compare_after").value == deep.id
    assert page.selectbox(key="compare_before").value == quick.id
    assert any("Deeper, deep" in option for option in page.selectbox(key="compare_after").options)
    assert f"| {judged} photos, held against" in words(page)
    assert "judged by quick training only" in words(page).replace("\\", "")
    assert not page.exception


def test_label_and_other_pages_work_with_a_deep_run(open_page, root):
    dataset = Dataset.open(root)
    deep_run(dataset, runs.latest_run(dataset.home))

    for name in ("label", "train", "check", "history"):
        assert not open_page(name, root).exception, name


def test_opening_label_learns_nothing_while_an_older_run_is_in_use(open_page, root):
    dataset = Dataset.open(root)
    old = runs.latest_run(dataset.home)
    dataset.relabel([dataset.find("cat/0001.png").id], "dog")
    finish(train_quick(dataset))
    use(dataset, old.id)
    forget = dataset.connection()  # the step is long ago
    forget.execute("UPDATE step SET time = time - 60")

    page = open_page("label", root)

    assert not page.exception
    assert jobs.latest(dataset.home, "live") is None
    assert run_in_use(dataset) == old
