import json

from core.dataset.planted import found, planted


def test_mistakes_mended_are_counted(make_set):
    dataset = make_set({"cat": 3, "dog": 1})
    first, second, _ = dataset.rows(class_name="cat")
    mistakes = {first.content: "dog", second.content: "dog"}
    (dataset.home / "planted.json").write_text(json.dumps(mistakes))

    assert planted(dataset) == mistakes
    assert found(dataset) == (0, 2)
    dataset.relabel([first.id], "dog")
    assert found(dataset) == (1, 2)
    dataset.undo()
    assert found(dataset) == (0, 2)


def test_a_data_set_that_is_no_sample_has_none(make_set):
    dataset = make_set({"cat": 1})

    assert planted(dataset) is None
    assert found(dataset) == (0, 0)
    (dataset.home / "planted.json").write_text("[]")
    assert planted(dataset) is None


def test_a_record_nested_too_deep_is_none(make_set):
    dataset = make_set({"cat": 1})
    (dataset.home / "planted.json").write_text("[" * 200_000)

    assert planted(dataset) is None
