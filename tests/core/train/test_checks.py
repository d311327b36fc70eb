import pytest

from core.dataset import Dataset
from core.errors import TrainingError
from core.train.quick import before_training
from tests.trained_sets import finish


def said(root):
    dataset = Dataset.open(root)
    finish(dataset.reconcile())
    return before_training(dataset)


def test_two_even_classes_need_no_words(photo_set):
    assert said(photo_set({"cat": 20, "dog": 24})) == []


def test_an_empty_folder_is_explained(tmp_path):
    with pytest.raises(TrainingError, match="No photos in classes"):
        said(tmp_path)


def test_photos_without_a_class_are_nothing_to_train_on(photo_set):
    with pytest.raises(TrainingError, match="Put photos into a folder for each class"):
        said(photo_set({"unsorted": 3}))


def test_one_class_is_explained(photo_set):
    with pytest.raises(TrainingError, match="in one class, “cat”.*at least two classes"):
        said(photo_set({"cat": 5, "dog": 0, "unsorted": 4}))


def test_classes_of_one_photo_each_leave_none_to_judge(photo_set):
    with pytest.raises(TrainingError, match="Every class has a single photo"):
        said(photo_set({"cat": 1, "dog": 1, "cow": 1}))


def test_copies_of_one_picture_are_nothing_to_tell_apart(tmp_path, save_image):
    for name in ("cat/1.png", "cat/2.png", "dog/1.png"):
        save_image(tmp_path / name, seed=7)

    with pytest.raises(TrainingError, match="All 3 photos are copies of the same picture"):
        said(tmp_path)


def test_three_photos_in_all_can_be_trained_with_a_word_on_each_class(photo_set):
    sentences = said(photo_set({"cat": 2, "dog": 1}))

    assert sentences == [
        "The class “dog” has a single photo: the model trains on it, but cannot be judged on it. "
        "Add more photos.",
        "The class “cat” has fewer than 20 different photos: what the model says there is rough.",
    ]


def test_an_empty_class_is_left_out_and_named(photo_set):
    assert said(photo_set({"cat": 20, "cow": 0, "dog": 20})) == [
        "The class “cow” has no photos and is left out."
    ]


def test_many_empty_classes_make_one_sentence(photo_set):
    empty = {f"empty {number}": 0 for number in range(8)}

    (sentence,) = said(photo_set({"cat": 20, "dog": 20, **empty}))

    assert sentence.endswith("“empty 4” and 3 more have no photos and are left out.")


def test_very_uneven_classes_are_named_with_their_counts(photo_set):
    (sentence,) = said(photo_set({"cat": 240, "dog": 24}))

    assert "240 photos in “cat”, 24 in “dog”" in sentence


def test_a_picture_in_two_classes_is_named(photo_set, save_image):
    root = photo_set({"cat": 20, "dog": 20})
    save_image(root / "dog" / "copy.png", seed=0)

    (sentence,) = said(root)

    assert "One picture stands in more than one class (such as cat/0000.png)" in sentence
