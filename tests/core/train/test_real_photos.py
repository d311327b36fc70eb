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


@pytest.mark.timeout(900)
def test_a_larger_network_does_well_on_a_third_of_the_photos(copied):
    root = copied("imagenette")
    for name in [one for one in root.iterdir() if one.is_dir()]:
        for photo in sorted(name.iterdir())[30:]:
            photo.unlink()
    dataset = Dataset.open(root)
    finish(dataset.reconcile())

    run = finish(train_quick(dataset, backbone="lite2"))

    assert run.judged == 300
    assert run.error_rate <= 0.03


@pytest.mark.timeout(900)
def test_photos_held_out_by_a_given_split_are_judged_about_as_well(copied, tmp_path):
    root = copied("bears")
    for name in ("black", "grizzly", "teddy"):
        for number, file in enumerate(sorted((root / name).iterdir())):
            folder = tmp_path / "split" / ("train" if number < 120 else "valid") / name
            folder.mkdir(parents=True, exist_ok=True)
            file.rename(folder / file.name)
    dataset = Dataset.open(tmp_path / "split")
    finish(dataset.reconcile())

    run = finish(train_quick(dataset))

    assert run.split is not None
    assert (run.images, run.split["parts"]["valid"]["photos"]) == (360, 120)
    assert run.error_rate <= 0.07
    assert run.split["parts"]["train"]["error_rate"] <= 0.05
