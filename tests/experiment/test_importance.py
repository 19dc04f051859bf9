"""Permutation importance: scikit-learn's own in an exact case, and a run whose columns are known to matter or not."""

import numpy as np
import pytest
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.inspection import permutation_importance

import goodfit
from goodfit.data.encoder import fit_encoder
from goodfit.data.table import read_table
from goodfit.data.target import fit_target
from goodfit.experiment import importance
from goodfit.experiment.importance import CURVES, UnseenRows, increases_of, measure_importance

N = 40
RNG = np.random.default_rng(0)
X = RNG.normal(size=(N, 3))
Y = 2 * X[:, 0] - X[:, 1] ** 2 + 0.1 * RNG.normal(size=N)


def formula(x):
    return 2 * x[:, :1] - x[:, 1:2] ** 2


class Formula(RegressorMixin, BaseEstimator):
    def fit(self, x, y):
        return self

    def predict(self, x):
        return formula(x)[:, 0]


def orders_of_scikit_learn(seed, n_repeats):
    """The same generator for each column, and each shuffle on top of the one before."""
    drawn = np.random.RandomState(np.random.RandomState(seed).randint(np.iinfo(np.int32).max + 1))
    index, order = np.arange(N), np.arange(N)
    for _ in range(n_repeats):
        drawn.shuffle(index)
        order = order[index]
        yield order


def test_importances_are_those_of_scikit_learn():
    expected = permutation_importance(
        Formula().fit(X, Y), X, Y, scoring="neg_mean_squared_error", n_repeats=4, random_state=3
    )
    encoder = fit_encoder(read_table({f"x{i}": X[:, i] for i in range(3)}), np.arange(N))
    rows = UnseenRows(X, Y[:, None], encoder, None, formula, np.ones(3))
    order = np.stack(list(orders_of_scikit_learn(3, 4)))
    blocks = [slice(i, i + 1) for i in range(3)]
    found = increases_of(rows, squared_error, order, blocks)
    np.testing.assert_allclose(found.mean(axis=1), expected.importances_mean, rtol=0, atol=1e-12)
    assert expected.importances_mean[2] == 0 < expected.importances_mean[:2].min()


def squared_error(y, predicted):
    return np.mean((y - predicted) ** 2, axis=-1)


def wide_rows(input_weights):
    """Rows of a table with 20 columns, of which the formula reads two."""
    x = np.hstack([X, np.zeros((N, 17))])
    x[:, 3:] = np.random.default_rng(5).normal(size=(N, 17))
    table, rows = read_table({"y": Y, **{f"x{i}": x[:, i] for i in range(20)}}), np.arange(N)
    encoder, target = fit_encoder(table, rows, target="y"), fit_target(table, "y", rows)
    return UnseenRows(x, Y[:, None], encoder, target, formula, np.asarray(input_weights))


def test_curves_are_computed_for_the_columns_that_are_shown_and_no_others(monkeypatch):
    computed, mean_predictions = [], importance._mean_predictions
    monkeypatch.setattr(importance, "_mean_predictions", lambda *a: computed.append(a) or mean_predictions(*a))
    found = measure_importance([wide_rows(np.ones(20))], squared_error, passes=1000, seed=0)
    assert len(found.columns) == 20 and len(computed) == len(found.dependence) == CURVES


def test_of_very_many_columns_those_with_the_largest_weights_are_shuffled(monkeypatch):
    """An importance needs a prediction of all columns, so that of all of them takes the square of their number."""
    monkeypatch.setattr(importance, "MAX_COLUMNS", 4)
    weights = np.where(np.isin(np.arange(20), [0, 1, 7, 19]), 2.0, 0.1)
    found = measure_importance([wide_rows(weights)], squared_error, passes=1000, seed=0)
    assert {each.column for each in found.columns} == {"x0", "x1", "x7", "x19"}


def test_columns_whose_categories_are_nearly_unique_have_no_curve():
    """Tickets, of which some are shared by a family, and cabins, of which most are missing; a city has a curve."""
    n = 300
    unique = np.array([f"t{i // 3 if i < 90 else i}" for i in range(n)])
    table = {
        "ticket": unique,
        "cabin": np.where(np.arange(n) % 3 == 0, [f"c{i // 12 if i < 120 else i}" for i in range(n)], None),
        "city": np.array(["a", "b", "c"])[np.arange(n) % 3],
        "paid": np.where(np.arange(n) % 4 == 0, "yes", "no"),
        "y": np.arange(n, dtype=float),
    }
    read, known = read_table(table), np.arange(n)
    encoder, target = fit_encoder(read, known, target="y"), fit_target(read, "y", known)
    x = encoder.transform(read)
    rows = UnseenRows(x, table["y"][:, None], encoder, target, lambda x: x[..., :1], np.ones(x.shape[1]))
    found = measure_importance([rows], squared_error, passes=1000, seed=0)
    assert {each.column for each in found.columns} == {"ticket", "cabin", "city", "paid"}
    assert {each.column for each in found.dependence} == {"city", "paid"}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    rng = np.random.default_rng(1)
    n = 300
    size, noise, place = rng.normal(size=n), rng.normal(size=n), rng.choice(["hill", "lake"], n)
    table = {"size": size, "noise": noise, "place": place, "y": 3 * size + 2 * (place == "lake")}
    folder = tmp_path_factory.mktemp("runs") / "run"
    settings = {"hidden": (8,), "epochs": 40, "learning_rate": 0.03, "l2": [0.0, 0.001]}
    goodfit.train(table, "y", out=folder, **settings)
    return goodfit.load(folder)


def test_columns_that_matter_come_first_and_noise_is_within_its_interval(run):
    found = run.importance()
    assert [each.column for each in found.columns] == ["size", "place", "noise"]
    size, place, noise = found.columns
    assert size.value > 10 * size.standard_error > 0 and place.value > 5 * place.standard_error
    assert abs(noise.value) < 0.02 * size.value
    assert found.n_rows == 240 and found.repeats == 5


def test_dependence_curves_have_the_slope_and_the_step_of_the_truth(run):
    size, place, _ = run.importance().dependence
    middle = slice(6, 14)
    slope = np.polyfit(size.positions[middle], [mean for (mean,) in size.means[middle]], 1)[0]
    assert slope == pytest.approx(3, rel=0.15)
    assert place.at == ("hill", "lake") and place.positions == ()
    assert place.means[1][0] - place.means[0][0] == pytest.approx(2, rel=0.2)


def test_classes_are_named_and_the_report_shows_the_section(tmp_path):
    run = goodfit.train("iris", l2=0.001, learning_rate=0.03, epochs=30, out=tmp_path / "run")
    found = run.importance()
    assert found.dependence[0].outputs == run.record.target.classes
    assert all(sum(means) == pytest.approx(1, abs=1e-5) for means in found.dependence[0].means)
    assert repr(found).startswith("Importance\n") and found.columns[0].column in repr(found)
    page = run.report().read_text()
    assert 'id="learned-title"' in page and found.columns[0].column in page
