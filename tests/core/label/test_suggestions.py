"""What a run's model says of photos that it judged, and of photos it never saw."""

import numpy as np
import pytest

from core import runs
from core.dataset import Dataset
from core.label.grouping import grouped, without_features
from core.label.listing import Wanted, listed, ranked_after
from core.label.suggestions import Suggester
from core.networks.features import FeatureStore
from tests.trained_sets import finish, train_on_made_features


@pytest.fixture
def dataset(photo_set, save_image) -> Dataset:
    """Two trained classes of 12, eight unsorted photos with features, two without."""
    root = photo_set({"cat": 12, "dog": 12})
    train_on_made_features(root)
    for at in range(10):
        save_image(root / "unsorted" / f"{at}.png", seed=900 + at)
    one = Dataset.open(root)
    finish(one.refresh())
    rows = one.rows(class_name=None)[:8]
    features = np.zeros((8, 2, 1280), np.float16)
    features[np.arange(8), :, np.arange(8) % 2] = 3
    FeatureStore(one.home, "lite0").add([row.content for row in rows], features)
    return one


@pytest.fixture
def suggester(dataset) -> Suggester:
    return Suggester(dataset.home, runs.latest_run(dataset.home))


def test_photos_it_judged_keep_what_the_head_said_that_had_not_seen_them(dataset, suggester):
    predictions = runs.load_predictions(dataset.home, suggester.run.id)
    rows = dataset.rows(class_name="cat")

    said = suggester.of(rows)

    at = {file_id: place for place, file_id in enumerate(predictions.file_id.tolist())}
    for place, row in enumerate(rows):
        probs = predictions.probs[at[row.id]]
        assert said.best[place] == probs.argmax()
        assert said.probability[place] == pytest.approx(probs.max())


def test_unsorted_photos_are_judged_by_their_features_and_others_are_not(dataset, suggester):
    said = suggester.of(dataset.rows(class_name=None))

    assert [said.name(at) for at in range(10)] == ["cat", "dog"] * 4 + [None, None]
    assert np.isnan(said.probability[8:]).all()
    assert (said.probability[:8] > 0.5).all()


def test_features_that_came_later_are_used(dataset, suggester):
    rows = dataset.rows(class_name=None)
    suggester.of(rows)
    features = np.zeros((2, 2, 1280), np.float16)
    features[:, :, 1] = 3
    FeatureStore(dataset.home, "lite0").add([row.content for row in rows[8:]], features)

    said = suggester.of(rows)

    assert said.name(8) == said.name(9) == "dog"


def test_lists_follow_the_models_word(dataset, suggester):
    every = dataset.rows(class_name=None)
    of = {row.id: at for at, row in enumerate(every)}
    said = suggester.of(every)

    sure = listed(dataset, Wanted(where="unsorted", order="sure"), suggester.of)
    dogs = listed(dataset, Wanted(where="unsorted", says="dog"), suggester.of)
    likely = listed(dataset, Wanted(where="unsorted", least=0.5), suggester.of)
    mistaken = listed(dataset, Wanted(where="class", class_name="cat", differs=True), suggester.of)

    probabilities = [float(said.probability[of[one]]) for one in sure[:8]]
    assert probabilities == sorted(probabilities, reverse=True)
    assert set(sure[8:]) == {row.id for row in every[8:]}
    assert [of[one] % 2 for one in dogs] == [1] * 4
    assert len(likely) == 8
    wrong = suggester.of(dataset.rows(class_name="cat"))
    assert len(mistaken) == int((wrong.best != 0).sum()) > 0


def test_lists_are_ordered_and_narrowed_without_a_model(dataset):
    names = listed(dataset, Wanted(where="class", class_name="cat"))
    newest = listed(dataset, Wanted(order="newest"))
    large = listed(dataset, Wanted(where="unsorted", order="large"))
    rows = {row.id: row for row in dataset.rows()}

    assert [rows[one].path for one in names] == [f"cat/{at:04}.png" for at in range(12)]
    assert newest == sorted(rows, reverse=True)
    sizes = [rows[one].bytes for one in large]
    assert sizes == sorted(sizes, reverse=True)
    middle = rows[large[5]].bytes
    heavy = listed(dataset, Wanted(where="unsorted", least_bytes=middle))
    light = listed(dataset, Wanted(where="unsorted", most_bytes=middle - 1))
    assert sorted(heavy + light) == sorted(large) and large[5] in heavy
    assert len(listed(dataset, Wanted(words="cat 0003"))) == 1
    assert listed(dataset, Wanted(via="bing")) == []
    assert listed(dataset, Wanted(order="suspect"), among=[names[3], names[1]]) == [
        names[3],
        names[1],
    ]


def test_a_class_called_like_a_star_is_a_class(photo_set):
    root = photo_set({"*": 2, "cat": 3})
    dataset = Dataset.open(root)
    finish(dataset.reconcile())

    assert len(listed(dataset, Wanted(where="class", class_name="*"))) == 2


def test_a_new_order_leaves_the_pages_reached_as_they_are():
    ids = [1, 2, 3, 4, 5, 6]

    assert ranked_after(ids, 2, [6, 5, 1, 3]) == [1, 2, 6, 5, 3, 4]


def test_photos_are_grouped_by_features_and_those_without_are_counted(dataset):
    rows = dataset.rows(class_name=None)
    names = {row.id: at % 2 for at, row in enumerate(rows)}

    groups = grouped(dataset, "lite0", rows)

    assert sorted(one for group in groups for one in group) == [row.id for row in rows[:8]]
    assert all(len({names[one] for one in group}) == 1 for group in groups)
    assert without_features(dataset, "lite0", rows) == 2
