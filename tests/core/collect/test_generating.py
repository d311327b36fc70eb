from dataclasses import asdict, replace

import pytest

from core.collect.circle_sets import CircleChoices
from core.collect.generating import generate, generate_job
from core.dataset import Dataset
from core.dataset.sources import sources_of, tally
from core.errors import DatasetError
from tests.trained_sets import finish

CHOICES = CircleChoices(fewest=2, most=4, per_class=6, side=96)


@pytest.fixture
def dataset(tmp_path):
    return Dataset.create(tmp_path / "circles")


def contents(dataset):
    return {row.path: row.content for row in dataset.rows()}


def test_each_count_gets_a_class_and_as_many_pictures_as_asked_for(dataset):
    brought = finish(generate(dataset, CHOICES, collection="c1"))

    assert dataset.counts() == {"2": 6, "3": 6, "4": 6}
    assert brought.photos == 18
    assert len(set(contents(dataset).values())) == 18


def test_the_same_choices_make_the_same_files_anywhere(dataset, tmp_path):
    finish(generate(dataset, CHOICES, collection="c1"))
    other = Dataset.create(tmp_path / "other")

    finish(generate(other, CHOICES, collection="c2"))

    assert contents(other) == contents(dataset)


def test_it_is_one_step_to_undo_and_every_picture_knows_its_choices(dataset):
    finish(generate(dataset, CHOICES, collection="c1"))

    [count] = tally(dataset)
    assert (count.via, count.query, count.photos) == ("generator", CHOICES.words, 18)
    row = dataset.rows()[0]
    assert sources_of(dataset, [row.id])[row.id].collection == "c1"
    dataset.undo()
    assert sum(dataset.counts().values()) == 0


def test_stopped_halfway_it_goes_on_without_drawing_anything_twice(dataset, monkeypatch):
    monkeypatch.setattr("core.collect.bringing.MOST_AT_ONCE", 5)
    monkeypatch.setattr("core.collect.bringing.REPORT_SECONDS", 0)
    task = generate(dataset, CHOICES, collection="c1")
    while sum(dataset.counts().values()) < 10:
        next(task)
    task.close()

    brought = finish(generate(dataset, CHOICES, collection="c1"))

    assert brought.already_there == 10
    assert dataset.counts() == {"2": 6, "3": 6, "4": 6}
    assert len(dataset.history()) == 1
    assert not list((dataset.root / ".winnow").glob("arriving/*"))


def test_asked_for_more_it_adds_only_those(dataset):
    finish(generate(dataset, CHOICES, collection="c1"))
    before = contents(dataset)

    finish(generate(dataset, replace(CHOICES, per_class=8), collection="c2"))

    assert dataset.counts() == {"2": 8, "3": 8, "4": 8}
    assert before.items() < contents(dataset).items()


def test_what_was_undone_is_drawn_again_when_asked_for_again(dataset):
    finish(generate(dataset, CHOICES, collection="c1"))
    dataset.undo()

    finish(generate(dataset, CHOICES, collection="c2"))

    assert dataset.counts() == {"2": 6, "3": 6, "4": 6}


def test_what_does_not_fit_is_refused_before_anything_is_written(dataset):
    with pytest.raises(DatasetError, match="do not fit"):
        finish(generate(dataset, replace(CHOICES, fewest=50, most=90), collection="c1"))

    assert dataset.classes() == []


def test_the_job_takes_the_choices_as_they_are_kept_in_its_record(dataset):
    result = finish(generate_job(str(dataset.root), "c1", asdict(CHOICES)))

    assert result == {"collection": "c1", "photos": 18, "already_there": 0}
