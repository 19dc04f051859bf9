"""Several quantities at once: one network, searched and diagnosed by the mean of their losses."""

import html
import pickle

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_diabetes
from sklearn.metrics import r2_score
from sklearn.model_selection import cross_val_score

import goodfit
from goodfit import GoodFitRegressor
from goodfit.training.evaluation import losses_of

X, Y = load_diabetes(return_X_y=True, as_frame=True)
RNG = np.random.default_rng(0)
TWO = np.c_[Y, 1e6 + 1e5 * (X["bmi"] * X["s5"] * 400 + 0.2 * RNG.normal(size=len(X)))]
SMALL = {"l2": 0.001, "learning_rate": 0.01, "hidden_layer_sizes": (16,), "epochs": 40, "keep": "one"}
GRID = SMALL | {"keep": "ensemble", "l2": [0.001, 1.0], "folds": 2}


@pytest.fixture(scope="module")
def fitted():
    return GoodFitRegressor(**GRID).fit(X, TWO)


def test_each_is_predicted_in_its_own_unit(fitted):
    found = fitted.predict(X)
    assert found.shape == TWO.shape and found.dtype == np.float64
    scores = r2_score(TWO, found, multioutput="raw_values")
    assert scores.min() > 0.3
    assert fitted.score(X, TWO) == pytest.approx(scores.mean())


def test_the_config_is_selected_by_the_mean_loss(fitted):
    assert fitted.best_l2_ == 0.001
    trials = fitted.sweep_.table.to_pylist()
    means = {l2: np.mean([t["cross_fitted_loss"] for t in trials if t["l2"] == l2]) for l2 in (0.001, 1.0)}
    assert means[0.001] < means[1.0]
    # Both count alike, whatever their units: predicting each mean has a loss of about 1.
    assert means[1.0] == pytest.approx(1, abs=0.1)


def test_the_verdict_is_that_of_the_mean_loss(fitted):
    observed = fitted._observations
    assert observed.baseline_loss == pytest.approx(1, abs=0.1)
    assert observed.baseline_difference[0] == pytest.approx(observed.baseline_loss - observed.mean_val_loss)
    assert observed.n_validation == len(X)
    assert fitted.verdict_ == goodfit.diagnose(observed)
    assert fitted.verdict_.word in ("good fit", "underfitting", "overfitting", "cannot tell")
    with pytest.raises(ValueError, match="a verdict_ and a report, but no run_"):
        fitted.run_  # noqa: B018


def test_a_report_of_several_targets_draws_the_grid_and_advises_the_arguments_of_the_estimator(fitted, tmp_path):
    page = html.unescape(fitted.report(tmp_path / "report.html").read_text())
    assert fitted.verdict_.sentence in page and "Effect of L2" in page
    assert fitted._arguments()["hidden"] == "hidden_layer_sizes" and "split" not in fitted._arguments()
    assert fitted.ensemble_.loss == pytest.approx(fitted.ensemble_.loss_before)


def test_the_loss_of_a_row_is_the_mean_over_the_targets():
    model = GoodFitRegressor(**SMALL).fit(X, TWO)
    found = model._predictor
    scaled = (TWO - found.folds[0].mean) / found.folds[0].scale
    predicted = (model.predict(X) - found.folds[0].mean) / found.folds[0].scale
    losses = losses_of(found.recipe, scaled.astype("float32"), predicted.astype("float32"))
    np.testing.assert_allclose(losses, np.square(scaled - predicted).mean(axis=1), rtol=1e-3)
    assert model.sweep_ is None and len(found.folds) == 1


def test_weight_two_equals_the_row_twice():
    weights = RNG.integers(0, 3, len(X))
    weighted = GoodFitRegressor(**SMALL).fit(X, TWO, sample_weight=weights)
    repeated = GoodFitRegressor(**SMALL).fit(X.loc[X.index.repeat(weights)], TWO.repeat(weights, axis=0))
    np.testing.assert_array_equal(weighted.predict(X), repeated.predict(X))


def test_own_validation_rows_and_cross_validation():
    frame = pd.DataFrame(TWO, columns=["a", "b"])
    model = GoodFitRegressor(**SMALL).fit(X[:300], frame[:300], X_val=X[300:], y_val=frame[300:])
    assert model._observations.n_validation == 142
    assert cross_val_score(GoodFitRegressor(**SMALL), X, frame, cv=2).min() > 0.2


def test_what_is_pickled_predicts_and_holds_no_row(fitted):
    content = pickle.dumps(fitted)
    again = pickle.loads(content)
    np.testing.assert_array_equal(again.predict(X), fitted.predict(X))
    assert again.verdict_ == fitted.verdict_
    assert np.float32(X.iloc[7, 2]).tobytes() not in content
    assert len(content) < 200_000


def test_one_column_is_one_target_and_partial_fit_takes_one():
    with pytest.warns(UserWarning, match="column-vector"):
        model = GoodFitRegressor(**SMALL).fit(X, TWO[:, :1])
    assert model.predict(X).shape == (len(X),)
    with pytest.raises(ValueError, match="partial_fit takes one target"):
        GoodFitRegressor(**SMALL).partial_fit(X, TWO)
