"""Which rows train, which validate, and how they weigh."""

import numpy as np
import pytest
from sklearn.model_selection import KFold

from goodfit import (
    SGD,
    CosineDecay,
    Dense,
    Sequential,
)
from tests.sequential.models import CLASS, QUANTITY, N, X, binary, linear


def weights_of(call, part):
    return call["rows"].labels[call[part], -1]


def test_a_fifth_of_the_rows_validates_drawn_at_random_and_by_class(asked):
    y = np.arange(800) >= 700  # sorted labels, of which Keras' last rows are all of one class
    binary().fit(np.zeros((800, 2)), y, validation_split=0.2)
    (call,) = asked
    assert (len(call["train"]), len(call["validation"])) == (640, 160)
    assert sorted([*call["train"], *call["validation"]]) == list(range(800))
    assert y[call["validation"]].sum() == 20


@pytest.mark.parametrize("n", [7, 50, 800])
@pytest.mark.parametrize("split", [0.07, 0.2, 0.3])
def test_the_last_rows_validate_as_in_keras_on_request(n, split, asked, keras):
    from keras.src.trainers.data_adapters.array_slicing import train_validation_split

    (train,), (validation,) = train_validation_split((np.arange(n),), split)
    linear().fit(np.zeros((n, 1)), np.zeros(n), validation_split=split, split="last")
    np.testing.assert_array_equal(asked[0]["train"], train)
    np.testing.assert_array_equal(asked[0]["validation"], validation)


def test_a_splitter_of_scikit_learn_may_split(asked):
    linear().fit(X, QUANTITY, validation_split=0.2, split=KFold(5))
    assert asked[0]["validation"].tolist() == list(range(40, 50))


def test_own_validation_rows_stand_behind_those_that_train(asked):
    binary().fit(X, CLASS, validation_data=(2 * X[:7], CLASS[:7], np.arange(7)), sample_weight=np.full(N, 3.0))
    (call,) = asked
    assert call["train"].tolist() == list(range(N))
    assert call["validation"].tolist() == list(range(N, N + 7))
    np.testing.assert_array_equal(call["rows"].x[N:], 2 * X[:7])
    np.testing.assert_array_equal(call["rows"].labels[N:-1, 0], CLASS[:7])
    np.testing.assert_allclose(weights_of(call, "validation") / weights_of(call, "train")[0], np.arange(7) / 3)


@pytest.mark.parametrize(
    ("units", "loss", "y"),
    [
        (1, "binary_crossentropy", CLASS),
        (2, "sparse_categorical_crossentropy", CLASS),
        (2, "categorical_crossentropy", np.eye(2)[CLASS]),
    ],
)
def test_class_weights_count_in_training_and_validation(units, loss, y, asked):
    model = Sequential([Dense(units, activation="sigmoid" if units == 1 else "softmax")])
    model.compile(loss=loss)
    sample_weight = np.linspace(1, 2, N)
    model.fit(X, y, validation_split=0.2, class_weight={1: 3}, sample_weight=sample_weight)
    expected = sample_weight * np.where(CLASS, 3, 1)
    for part in ("train", "validation"):
        found = weights_of(asked[0], part)
        np.testing.assert_allclose(
            found / found.sum(), (expected / expected[asked[0][part]].sum())[asked[0][part]], 1e-6
        )


def test_balanced_classes_weigh_the_same_in_training_whatever_validates(asked):
    for last in (0, 1):
        y = np.array([0] * 30 + [1] * 10 + [last] * 10)
        binary().fit(X, y, validation_split=0.2, split="last", class_weight="balanced")
    for call in asked:
        weight = weights_of(call, "train")
        assert weight[:30].sum() == pytest.approx(weight[30:].sum())
    np.testing.assert_array_equal(weights_of(asked[0], "train"), weights_of(asked[1], "train"))


def test_own_validation_rows_may_lack_a_class_that_has_a_weight(asked):
    binary().fit(X, CLASS, class_weight={0: 1, 1: 2}, validation_data=(X[CLASS == 0], CLASS[CLASS == 0]))
    assert len(set(weights_of(asked[0], "validation"))) == 1


@pytest.mark.parametrize("factor", [1e-300, 1e300])
def test_only_the_ratios_of_weights_count_however_large(factor, asked):
    weight = np.linspace(1, 2, N)
    linear().fit(X, QUANTITY, sample_weight=factor * weight)
    found = weights_of(asked[0], "train")
    np.testing.assert_allclose(found / found.sum(), weight / weight.sum(), rtol=1e-6)


def test_schedules_span_the_training(asked):
    """50 rows in batches of 20 are 3 updates an epoch."""
    linear(optimizer=SGD(0.1, schedule=CosineDecay(warmup_steps=6))).fit(X, QUANTITY, epochs=10, batch_size=20)
    assert asked[0]["recipe"].optimizer.schedule.decay_steps == 24
