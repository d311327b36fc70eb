"""What quick training reaches on real photos, with the same settings for every set."""

import pytest

from core.dataset import Dataset
from core.runs import load_predictions
from core.train.quick import train_quick
from tests.trained_sets import finish


@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    ("name", "backbone", "most"),
    [
        ("chihuahua_muffin", "lite0", 0.005),
        ("bears", "lite0", 0.043),
        ("cats_dogs", "lite0", 0.07),
        ("cats_kittens", "lite0", 0.145),
        ("imagenette", "lite0", 0.028),
        ("imagenette", "lite2", 0.017),
    ],
)
def test_few_photos_are_wrong_out_of_fold_and_a_second_run_says_the_same(
    copied, name, backbone, most
):
    dataset = Dataset.open(copied(name))
    finish(dataset.reconcile())

    run = finish(train_quick(dataset, backbone=backbone))
    again = finish(train_quick(dataset, backbone=backbone))

    assert run.error_rate <= most
    assert run.judged == run.images == len(dataset.rows())
    first, second = (load_predictions(dataset.home, one.id) for one in (run, again))
    assert (first.probs == second.probs).all()
