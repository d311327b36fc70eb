import numpy as np
import pytest

from core.errors import TrainingError
from core.train import head
from core.train.head import even_part, fit_heads, fit_once, one_thread_per_product


def finish(task):
    steps = []
    while True:
        try:
            steps.append(next(task))
        except StopIteration as end:
            return end.value, [step for step in steps if step is not None]


def clusters(count, *, classes=3, dimensions=40, apart=0.5, seed=0):
    """Overlapping clouds, as features of photos that are not always told apart."""
    random = np.random.default_rng(seed)
    centres = random.normal(0, apart, (classes, dimensions))
    labels = np.arange(count) % classes
    features = centres[labels] + random.normal(0, 1, (count, dimensions)) + 3
    fold = (np.arange(count) // classes % 5).astype(np.int8)
    return features.astype(np.float32), labels.astype(np.int16), fold


def fit(features, labels, fold, folds=5):
    return finish(
        fit_heads(
            lambda start, stop: features[start:stop],
            labels,
            fold,
            dimensions=features.shape[1],
            folds=folds,
        )
    )


def reference(features, labels, l2):
    from sklearn.linear_model import LogisticRegression

    # For two classes it penalises the difference of their weights, which counts half as much.
    strength = 2 / l2 if labels.max() == 1 else 1 / l2
    model = LogisticRegression(C=strength, tol=1e-7, max_iter=10_000)
    with one_thread_per_product():
        return model.fit(features.astype(np.float64), labels)


@pytest.mark.parametrize(
    ("count", "classes", "dimensions"), [(240, 3, 40), (100, 2, 300), (60, 6, 1280), (3000, 4, 20)]
)
def test_heads_agree_with_scikit_learn(count, classes, dimensions):
    features, labels, fold = clusters(count, classes=classes, dimensions=dimensions)

    heads, _ = fit(features, labels, fold)

    wanted = np.empty((count, classes))
    for held in range(5):
        model = reference(features[fold != held], labels[fold != held], heads.l2)
        wanted[fold == held] = model.predict_proba(features[fold == held])
    assert np.abs(heads.probs - wanted).max() < 1e-3
    everything = reference(features, labels, heads.l2).predict_proba(features)
    logits = features @ heads.weight.T + heads.bias
    probs = np.exp(logits - logits.max(axis=1, keepdims=True))
    assert np.abs(probs / probs.sum(axis=1, keepdims=True) - everything).max() < 1e-3


def test_the_fold_heads_say_on_raw_features_what_the_probabilities_say():
    features, labels, fold = clusters(150)

    heads, _ = fit(features, labels, fold)

    logits = np.einsum("nd,nkd->nk", features, heads.fold_weight[fold]) + heads.fold_bias[fold]
    probs = np.exp(logits - logits.max(axis=1, keepdims=True))
    assert np.allclose(probs / probs.sum(axis=1, keepdims=True), heads.probs, atol=1e-4)


def test_fitting_twice_gives_the_same_to_the_last_bit():
    features, labels, fold = clusters(5000)  # enough rows for several blocks

    first, _ = fit(features, labels, fold)
    second, _ = fit(features, labels, fold)

    assert np.array_equal(first.probs, second.probs)
    assert np.array_equal(first.fold_weight, second.fold_weight)


def test_the_strength_with_the_smallest_held_out_loss_is_taken():
    features, labels, fold = clusters(240)

    heads, _ = fit(features, labels, fold)

    best = min(heads.path, key=lambda tried: tried[1])
    assert heads.l2 == pytest.approx(best[0])
    assert 2 < len(heads.path) < len(head.STRENGTHS)  # it stopped once the loss had risen


def test_a_head_has_not_seen_the_photos_it_judges():
    # Labels without any system: whoever has seen them can know them, nobody can guess them.
    random = np.random.default_rng(1)
    features = random.normal(0, 1, (400, 600)).astype(np.float32)
    labels = random.integers(0, 2, 400).astype(np.int16)
    fold = (np.arange(400) % 5).astype(np.int8)

    heads, _ = fit(features, labels, fold)

    assert 0.4 < (heads.probs.argmax(axis=1) == labels).mean() < 0.6


def test_rows_of_no_fold_are_trained_on_by_every_head():
    features, labels, fold = clusters(90)
    alone = np.full((1, 40), 60.0, dtype=np.float32)
    features = np.concatenate([features, alone])
    labels, fold = np.append(labels, np.int16(3)), np.append(fold, np.int8(-1))

    heads, _ = fit(features, labels, fold)

    assert ((alone @ heads.fold_weight.transpose(0, 2, 1))[:, 0] + heads.fold_bias).argmax(
        axis=1
    ).tolist() == [3] * 5
    assert heads.probs[-1].argmax() == 3


def test_steps_show_losses_falling_and_the_way_behind():
    features, labels, fold = clusters(240)

    _, steps = fit(features, labels, fold)

    assert [step.step for step in steps] == list(range(1, len(steps) + 1))
    assert steps[0].train_loss == pytest.approx(np.log(3), abs=1e-4)
    assert steps[-1].train_loss < steps[0].train_loss
    assert steps[-1].valid_loss < steps[0].valid_loss
    shares = [step.share for step in steps]
    assert shares == sorted(shares)
    assert 0 <= shares[0] <= shares[-1] <= 1


def test_large_sets_choose_their_strength_on_an_even_part(monkeypatch):
    features, labels, fold = clusters(3000)
    whole, _ = fit(features, labels, fold)
    monkeypatch.setattr(head, "ROWS_TO_CHOOSE_ON", 600)
    monkeypatch.setattr(head, "NUMBERS_AT_ONCE", 4000)  # on two folds, and settle head by head

    part, _ = fit(features, labels, fold)

    assert part.l2 == pytest.approx(whole.l2, rel=0.1) or part.l2 == pytest.approx(
        whole.l2 * 10**0.5, rel=0.1
    )
    assert np.abs(part.probs.argmax(axis=1) != whole.probs.argmax(axis=1)).mean() < 0.02


def test_an_even_part_keeps_rare_classes():
    labels = np.repeat([0, 1], [9000, 30])
    fold = np.arange(9030) % 5

    part = even_part(labels, fold, 900)

    assert 850 < len(part) < 1000
    assert (labels[part] == 1).sum() == 30
    assert np.bincount(fold[part]).min() > 150


def test_rows_that_are_all_the_same_are_a_sentence():
    features = np.full((30, 1280), 0.3, dtype=np.float32)
    labels = (np.arange(30) % 2).astype(np.int16)

    with pytest.raises(TrainingError, match="look exactly the same"):
        fit(features, labels, (np.arange(30) % 5).astype(np.int8))


def test_two_rows_are_enough_to_fit():
    features = np.array([[0.0, 1.0], [1.0, 0.0], [0.1, 1.1]], dtype=np.float32)
    labels, fold = np.array([0, 1, 0], dtype=np.int16), np.array([0, -1, 1], dtype=np.int8)

    heads, _ = fit(features, labels, fold)

    assert np.allclose(heads.probs.sum(axis=1), 1, atol=1e-5)


def test_a_single_strength_gives_a_point_of_the_learning_curve():
    features, labels, fold = clusters(300, apart=2.0)

    step = fit_once(features, labels, fold, folds=5, strength=0.03)

    assert step.error_rate < 0.05
    assert step.train_loss < np.log(3)
