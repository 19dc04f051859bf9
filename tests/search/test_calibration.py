"""Temperature scaling: recovers a temperature that was planted, keeps out where there is nothing to gain."""

import numpy as np
import pytest
import scipy

from goodfit.search.calibration import cross_fit_temperature, fit_temperature, with_temperature


def planted(n, temperature, *, classes=2, seed=0):
    """Probabilities that are too extreme by a temperature, and labels that follow the true ones."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(scale=2, size=(n, classes))
    if classes == 2:
        true = scipy.special.expit(logits[:, :1])
        y = (rng.uniform(size=n) < true[:, 0]).astype(int)
        return scipy.special.expit(logits[:, :1] * temperature), y, "sigmoid"
    true = scipy.special.softmax(logits, axis=1)
    y = (true.cumsum(axis=1) < rng.uniform(size=(n, 1))).sum(axis=1)
    return scipy.special.softmax(logits * temperature, axis=1), y, "softmax"


def loss_of(y, link):
    def loss(p, inside):
        chosen = (
            np.where(y[inside] == 1, p[:, 0], 1 - p[:, 0]) if link == "sigmoid" else p[np.arange(len(p)), y[inside]]
        )
        return float(-np.log(np.clip(chosen, 1e-12, None)).mean())

    return loss


@pytest.mark.parametrize(("temperature", "classes"), [(2.0, 2), (0.5, 2), (2.0, 4), (1.5, 3)])
def test_a_planted_temperature_is_found_and_lowers_the_loss_of_new_rows(temperature, classes):
    p, y, link = planted(6000, temperature, classes=classes)
    found = fit_temperature(p, np.arange(6000) % 5, link, loss_of(y, link))
    assert found == pytest.approx(temperature, rel=0.1)
    new, labels, _ = planted(6000, temperature, classes=classes, seed=1)
    every = np.ones(6000, bool)
    assert loss_of(labels, link)(with_temperature(new, found, link), every) < loss_of(labels, link)(new, every)


def test_calibrated_probabilities_are_left_alone_or_nearly_so():
    for seed in range(5):
        p, y, link = planted(4000, 1.0, seed=seed)
        assert fit_temperature(p, np.arange(4000) % 5, link, loss_of(y, link)) == pytest.approx(1, abs=0.1)


@pytest.mark.parametrize(
    ("n", "classes", "fitted"), [(2999, 2, False), (3000, 2, True), (499, 3, False), (500, 3, True)]
)
def test_few_rows_choose_no_temperature(n, classes, fitted):
    p, y, link = planted(n, 3.0, classes=classes)
    assert (fit_temperature(p, np.arange(n) % 5, link, loss_of(y, link)) != 1) == fitted


def test_values_have_no_temperature():
    p = np.random.default_rng(0).normal(size=(5000, 1))
    assert fit_temperature(p, np.arange(5000) % 5, "linear", lambda *_: 0.0) == 1
    assert with_temperature(p, 3.0, "linear") is p


def test_a_part_is_scaled_by_what_the_other_parts_say():
    p, y, link = planted(4000, 2.0)
    parts = np.arange(4000) % 2
    first = cross_fit_temperature(p, parts, link, loss_of(y, link))
    changed = np.where(parts == 0, 1 - y, y)
    second = cross_fit_temperature(p, parts, link, loss_of(changed, link))
    np.testing.assert_array_equal(first[parts == 0], second[parts == 0])


def test_the_most_probable_class_stays_and_probabilities_sum_to_one():
    p, _, link = planted(200, 1.0, classes=5)
    scaled = with_temperature(p, 3.0, link)
    np.testing.assert_array_equal(scaled.argmax(axis=1), p.argmax(axis=1))
    np.testing.assert_allclose(scaled.sum(axis=1), 1)
    assert np.isfinite(with_temperature(np.array([[0.0], [1.0]]), 0.25, "sigmoid")).all()
