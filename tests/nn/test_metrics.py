"""Metrics: scikit-learn with row weights, ties, several classes; closed forms where scikit-learn has none."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.special import softmax
from sklearn import metrics as peer

from goodfit.errors import ConfigError
from goodfit.nn.metrics import ALIASES, METRICS, get_metric, get_metrics

RNG = np.random.default_rng(0)
N = 60
EVEN, UNEVEN = np.ones(N), RNG.uniform(0, 3, N).round(1)
UNEVEN[:5] = 0.0
WEIGHTS = pytest.mark.parametrize("weights", [EVEN, UNEVEN], ids=["even", "weighted"])

BITS = RNG.integers(0, 2, N)
SCORES = np.clip(RNG.normal(0.4 + 0.2 * BITS, 0.3), 0.01, 0.99).round(1)  # rounded: many ties, and some at 0.5
CLASSES = RNG.integers(0, 3, N)
PROBABILITIES = softmax((RNG.normal(size=(N, 3)) + np.eye(3)[CLASSES]).round(1), axis=1)
VALUES = RNG.normal(5, 3, (N, 2))
ESTIMATES = VALUES + RNG.normal(size=(N, 2))

pytestmark = pytest.mark.usefixtures("float64")


def measured(name, y, prediction, weights):
    arrays = [jnp.asarray(a, jnp.int32 if a.dtype == np.int64 else jnp.float64) for a in (y, prediction, weights)]
    return float(jax.jit(METRICS[name].function)(*arrays))


BINARY = {
    "accuracy": lambda y, p, s: peer.accuracy_score(y, p > 0.5, sample_weight=s),
    "balanced_accuracy": lambda y, p, s: peer.balanced_accuracy_score(y, p > 0.5, sample_weight=s),
    "auc": lambda y, p, s: peer.roc_auc_score(y, p, sample_weight=s),
    "precision": lambda y, p, s: peer.precision_score(y, p > 0.5, sample_weight=s),
    "recall": lambda y, p, s: peer.recall_score(y, p > 0.5, sample_weight=s),
    "f1": lambda y, p, s: peer.f1_score(y, p > 0.5, sample_weight=s),
    "specificity": lambda y, p, s: peer.recall_score(y, p > 0.5, sample_weight=s, pos_label=0),
    "average_precision": lambda y, p, s: peer.average_precision_score(y, p, sample_weight=s),
    "log_loss": lambda y, p, s: peer.log_loss(y, p, sample_weight=s),
}


@WEIGHTS
@pytest.mark.parametrize("name", BINARY)
def test_two_classes_as_in_scikit_learn(name, weights):
    expected = BINARY[name](BITS, SCORES, weights)
    assert measured(name, BITS[:, None].astype(float), SCORES[:, None], weights) == pytest.approx(expected, rel=1e-12)


@WEIGHTS
@pytest.mark.parametrize("name", BINARY)
def test_two_classes_count_the_same_with_one_output_or_two(name, weights):
    one = measured(name, BITS[:, None].astype(float), SCORES[:, None], weights)
    two = measured(name, BITS, np.stack([1 - SCORES, SCORES], axis=1), weights)
    assert two == pytest.approx(one, rel=1e-12)


def macro_specificity(y, labels, weights):
    """Mean of TN / (TN + FP) of each class against the rest."""
    found = peer.multilabel_confusion_matrix(y, labels, sample_weight=weights)
    return (found[:, 0, 0] / found[:, 0].sum(axis=1)).mean()


SEVERAL = {
    "precision": lambda y, p, s: peer.precision_score(y, p.argmax(1), sample_weight=s, average="macro"),
    "recall": lambda y, p, s: peer.recall_score(y, p.argmax(1), sample_weight=s, average="macro"),
    "f1": lambda y, p, s: peer.f1_score(y, p.argmax(1), sample_weight=s, average="macro"),
    "specificity": lambda y, p, s: macro_specificity(y, p.argmax(1), s),
    "average_precision": lambda y, p, s: peer.average_precision_score(np.eye(3)[y], p, sample_weight=s),
    "accuracy": lambda y, p, s: peer.accuracy_score(y, p.argmax(1), sample_weight=s),
    "balanced_accuracy": lambda y, p, s: peer.balanced_accuracy_score(y, p.argmax(1), sample_weight=s),
    "auc": lambda y, p, s: peer.roc_auc_score(y, p, sample_weight=s, multi_class="ovr", average="macro"),
    "log_loss": lambda y, p, s: peer.log_loss(y, p, sample_weight=s),
}


@WEIGHTS
@pytest.mark.parametrize("targets", [CLASSES, np.eye(3)[CLASSES]], ids=["numbers", "one-hot"])
@pytest.mark.parametrize("name", SEVERAL)
def test_several_classes_as_in_scikit_learn(name, targets, weights):
    expected = SEVERAL[name](CLASSES, PROBABILITIES, weights)
    assert measured(name, targets, PROBABILITIES, weights) == pytest.approx(expected, rel=1e-12)


REGRESSION = {
    "mse": peer.mean_squared_error,
    "rmse": lambda y, f, sample_weight: math.sqrt(peer.mean_squared_error(y, f, sample_weight=sample_weight)),
    "mae": peer.mean_absolute_error,
    "median_absolute_error": peer.median_absolute_error,
    "mape": peer.mean_absolute_percentage_error,
    "r2": peer.r2_score,
}


@WEIGHTS
@pytest.mark.parametrize("outputs", [1, 2])
@pytest.mark.parametrize("name", REGRESSION)
def test_values_as_in_scikit_learn(name, outputs, weights):
    y, f = np.abs(VALUES[:, :outputs]) + 0.1, ESTIMATES[:, :outputs]
    assert measured(name, y, f, weights) == pytest.approx(REGRESSION[name](y, f, sample_weight=weights), rel=1e-12)


def test_every_metric_stands_against_scikit_learn():
    assert {**BINARY, **SEVERAL, **REGRESSION}.keys() == METRICS.keys()


@pytest.mark.parametrize("name", METRICS)
def test_a_row_of_weight_two_is_the_row_twice_and_of_weight_zero_is_absent(name):
    y, f = (np.abs(VALUES), ESTIMATES) if METRICS[name].targets == "values" else (CLASSES, PROBABILITIES)
    times = RNG.integers(0, 3, N)
    repeated = np.repeat(np.arange(N), times)
    expected = measured(name, y[repeated], f[repeated], np.ones(len(repeated)))
    assert measured(name, y, f, times.astype(float)) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(
    ("positive", "negative", "expected"),
    [([0.9, 0.8], [0.1, 0.2], 1.0), ([0.1], [0.2], 0.0), ([0.5], [0.5, 0.5], 0.5), ([0.5, 0.9], [0.5, 0.1], 0.875)],
)
def test_auc_is_the_share_of_pairs_that_are_in_order(positive, negative, expected):
    y = np.array([1.0] * len(positive) + [0.0] * len(negative))[:, None]
    assert measured("auc", y, np.array([*positive, *negative])[:, None], np.ones(len(y))) == expected


def test_a_percentage_error_has_a_meaning_only_for_targets_of_one_sign():
    y, f = np.array([[1.0], [-2.0], [0.0]]), np.array([[1.5], [-1.0], [0.0]])
    of_weights = [
        measured("mape", y, f, np.array(weights)) for weights in ([1.0, 0, 0], [0, 1.0, 0], [1.0, 1, 0], [1.0, 0, 1])
    ]
    assert of_weights[:2] == [0.5, 0.5] and all(map(math.isnan, of_weights[2:]))


@pytest.mark.parametrize(
    ("weights", "expected"), [([1, 1, 1, 1], 2.5), ([1, 1, 1, 0], 2), ([0, 1, 0, 3], 4), ([0.3, 0.3, 0.3, 0.3], 2.5)]
)
def test_the_median_error_of_an_even_number_is_the_mean_of_the_two_in_the_middle(weights, expected):
    errors = np.array([[1.0], [2], [3], [4]])
    assert measured("median_absolute_error", 0 * errors, errors, np.array(weights, float)) == pytest.approx(expected)


def test_auc_of_a_single_class_is_not_a_number():
    assert math.isnan(measured("auc", np.ones((3, 1)), np.array([[0.1], [0.2], [0.3]]), np.ones(3)))
    assert math.isnan(measured("auc", np.zeros(3, int), PROBABILITIES[:3], np.ones(3)))


def test_classes_without_rows_do_not_count():
    """Three outputs, rows of two classes: means are taken over those two."""
    here = CLASSES != 2
    y, p = CLASSES[here], PROBABILITIES[here]
    areas = [peer.roc_auc_score(y == k, p[:, k]) for k in (0, 1)]
    recalls = [np.mean(p.argmax(1)[y == k] == k) for k in (0, 1)]
    assert measured("auc", y, p, np.ones(len(y))) == pytest.approx(np.mean(areas), rel=1e-12)
    assert measured("balanced_accuracy", y, p, np.ones(len(y))) == pytest.approx(np.mean(recalls), rel=1e-12)


def test_log_loss_of_an_impossible_class_is_finite():
    expected = -math.log(np.finfo(np.float64).eps)
    assert measured("log_loss", np.array([[1.0]]), np.array([[0.0]]), np.ones(1)) == pytest.approx(expected)


def test_r2_is_one_for_the_truth_zero_for_the_mean_and_nothing_for_equal_targets():
    y = VALUES[:, :1]
    assert measured("r2", y, y, EVEN) == 1.0
    assert measured("r2", y, np.full_like(y, y.mean()), EVEN) == pytest.approx(0.0, abs=1e-12)
    assert math.isnan(measured("r2", np.ones((3, 1)), np.zeros((3, 1)), np.ones(3)))


def test_more_is_better_only_where_it_is():
    better = {name for name, metric in METRICS.items() if metric.higher_is_better}
    assert better == {*BINARY, "r2"} - {"log_loss"}


@pytest.mark.parametrize(("alias", "name"), [*ALIASES.items(), ("AUC", "auc"), ("Accuracy", "accuracy")])
def test_metrics_are_found_by_their_other_names(alias, name):
    assert get_metric(alias).name == name


def test_metrics_come_in_the_order_asked_for():
    assert [metric.name for metric in get_metrics(["rmse", "mae"])] == ["rmse", "mae"]


def test_an_unknown_metric_is_named():
    with pytest.raises(ConfigError, match="metric 'f2' is not known"):
        get_metric("f2")


@pytest.mark.parametrize("name", METRICS)
def test_without_jax_the_metrics_of_many_weightings_are_those_of_each(name):
    """The bootstrap gives arrays of NumPy, with a column for each draw."""
    draws = np.stack([EVEN, UNEVEN, RNG.integers(0, 3, N).astype(float)], axis=1)
    values = METRICS[name].targets == "values"
    for y, prediction in [(VALUES, ESTIMATES)] if values else [(BITS, SCORES[:, None]), (CLASSES, PROBABILITIES)]:
        found = METRICS[name].function(y, prediction, draws)
        assert isinstance(found, np.ndarray)
        assert found == pytest.approx([measured(name, y, prediction, draw) for draw in draws.T], rel=1e-12, nan_ok=True)
