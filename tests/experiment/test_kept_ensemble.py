"""The ensemble of a run: what it predicts, what the run folder keeps of it, and which rows judged it."""

import numpy as np
import pytest
from sklearn.linear_model import Ridge

import goodfit
from goodfit.data.table import open_source
from goodfit.diagnosis.from_run import observe
from goodfit.errors import ConfigError, SplitError
from goodfit.experiment import kept_ensemble
from goodfit.experiment.prepare import TASKS, layers_for, prepare, prepare_folds
from goodfit.experiment.settings import Settings
from goodfit.training.evaluation import predictions
from goodfit.training.recipe import make_recipe

RNG = np.random.default_rng(0)
N = 200
X = RNG.normal(size=N)
TABLE = {
    "x": X,
    "city": np.where(RNG.random(N) < 0.03, "rare", RNG.choice(["a", "b", "c"], size=N)),  # not in every fold
    "late": np.where(RNG.random(N) < 0.02, np.nan, RNG.normal(size=N)),
    "y": 100 + 20 * X + RNG.normal(size=N),
}
QUICK = {"l2": [0, 0.01], "learning_rate": [0.003, 0.03], "hidden": (4,), "epochs": 10, "target": "y"}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return goodfit.train(TABLE, out=tmp_path_factory.mktemp("runs") / "r", **QUICK)


def test_it_is_the_weighted_mean_of_its_networks_each_with_the_encoder_of_its_fold(run):
    kept, target, total = run.ensemble, run.record.target, 0.0
    recipe = make_recipe(layers_for(run.settings, target), loss=TASKS[target.task].loss)
    for fold in kept.folds:
        x = fold.encoder.transform(run.read_for_prediction(TABLE))
        for share, network in zip(kept.shares, fold.networks, strict=True):
            total = total + share * (predictions(recipe, network, x)[:, 0] * fold.scale + fold.mean) / len(kept.folds)
    np.testing.assert_allclose(run.predict(TABLE).values, total, rtol=1e-5)
    assert len(kept.folds) == 5
    assert kept.n_networks == len(kept.shares) * 5 == sum(len(m.trials) for m in kept.members)


@pytest.mark.parametrize(("n_bytes", "n_threads"), [(1, 1), (2**29, 4)])
def test_threads_are_as_many_as_memory_allows_and_change_no_bit(n_bytes, n_threads, run, monkeypatch):
    expected, started = run.predict(TABLE).values, []
    monkeypatch.setattr(kept_ensemble, "ENCODED_BYTES", n_bytes)
    monkeypatch.setattr(kept_ensemble.os, "cpu_count", lambda: 4)
    pool = kept_ensemble.ThreadPoolExecutor
    monkeypatch.setattr(kept_ensemble, "ThreadPoolExecutor", lambda n: started.append(n) or pool(n))
    np.testing.assert_array_equal(run.predict(TABLE).values, expected)
    assert started == [n_threads]


def test_a_loaded_run_predicts_the_same_bits(run):
    loaded = goodfit.load(run.path)
    np.testing.assert_array_equal(loaded.predict(TABLE).values, run.predict(TABLE).values)
    assert loaded.ensemble.scores == run.ensemble.scores
    assert loaded.ensemble.members == run.ensemble.members


def test_metrics_of_known_rows_are_in_the_unit_of_the_target(run):
    kept = run.ensemble
    assert kept.n_rows == len(run.splits.known) == 160
    assert kept.baseline_scores["rmse"] == pytest.approx(np.std(TABLE["y"][run.splits.known]), rel=0.02)
    assert kept.scores["rmse"].value < kept.baseline_scores["rmse"]
    assert kept.scores["rmse"].low < kept.scores["rmse"].value < kept.scores["rmse"].high


def test_calibration_and_residuals_are_those_of_the_cross_fitted_predictions_of_all_known_rows(run):
    """In the unit of the target: the mean of squared residuals of their bins is the squared error."""
    kept, loaded = run.ensemble, goodfit.load(run.path).ensemble
    assert sum(n for *_, n in kept.calibration) == sum(n for *_, n in kept.residuals) == 160
    rmse = np.sqrt(sum(((low + high) / 2) ** 2 * n for low, high, n in kept.residuals) / 160)
    assert rmse == pytest.approx(kept.scores["rmse"].value, rel=0.05)
    true = TABLE["y"][run.splits.known]
    assert sum(observed * n for _, observed, n in kept.calibration) / 160 == pytest.approx(true.mean())
    assert (loaded.calibration, loaded.residuals, loaded.confusion) == (kept.calibration, kept.residuals, ())


def test_rows_of_a_single_split_are_called_validation_rows(tmp_path):
    for folds, words in ((1, "32 validation rows"), (5, "160 training and validation rows")):
        run = goodfit.train(TABLE, folds=folds, **QUICK)
        assert run.record.all_known_judge == (folds == 5)
        assert f"{words}, out-of-fold" in run.report(tmp_path / f"{folds}.html").read_text()


def test_the_confusion_matrix_is_that_of_the_accuracy_beside_it():
    run = goodfit.train("iris", **QUICK | {"target": "target"})
    kept = run.ensemble
    assert np.trace(kept.confusion) / kept.n_rows == pytest.approx(kept.scores["accuracy"].value)
    assert np.sum(kept.confusion) == kept.n_rows == 120
    assert len(run.splits.validation) == np.sum(run.record.measurements.confusion) == 24


def test_reference_models_have_metrics_on_the_rows_of_the_ensemble(run):
    """A ridge regression of the columns of each fold, fitted here again, predicts the rows of the other folds."""
    folds, errors = prepare_folds(prepare(open_source(TABLE), "y", run.settings)), []
    for fold in folds:
        x = fold.encoder.transform(run.read_for_prediction(TABLE))[:, fold.encoder.without_bins]
        train, judging = fold.splits.train, fold.splits.validation
        model = Ridge().fit(x[train], TABLE["y"][train] / fold.target.scale)
        errors.append(model.predict(x[judging]) * fold.target.scale - TABLE["y"][judging])
    rmse = np.sqrt(np.mean(np.concatenate(errors) ** 2))
    found = run.record.measurements
    assert found.reference_scores["linear"]["rmse"] == pytest.approx(rmse, rel=1e-4)
    gap = found.differences["linear"][0]  # of squared errors over the square of the scale
    scale = run.record.target.scale
    selected = run.ensemble.selected_scores["rmse"]
    assert (rmse**2 - selected**2) / scale**2 == pytest.approx(gap, abs=0.1 * abs(gap) + 1e-4)


def test_precision_of_a_baseline_that_predicts_no_row_as_positive_is_undefined():
    label = np.where(X + RNG.normal(size=N) > 0.5, "yes", "no")
    kept = goodfit.train(TABLE | {"y": label}, **QUICK).ensemble
    assert np.isnan([kept.baseline_scores[name] for name in ("precision", "f1")]).all()
    assert kept.baseline_scores["recall"] == 0
    assert kept.scores["precision"].value > 0
    frequent = goodfit.train(TABLE | {"y": np.where(label == "yes", "no", "yes")}, **QUICK).ensemble
    assert frequent.baseline_scores["precision"] > 0.5


def test_the_first_fold_is_the_split_of_the_guide_and_the_others_part_the_rest():
    prepared = prepare(open_source(TABLE), "y", Settings())
    folds = prepare_folds(prepared)
    assert folds[0] is prepared
    assert [len(fold.splits.train) for fold in folds] == [128] * 5
    everywhere = np.sort(np.concatenate([fold.splits.validation for fold in folds]))
    np.testing.assert_array_equal(everywhere, prepared.splits.known)
    for fold in folds:
        np.testing.assert_array_equal(np.union1d(fold.splits.train, fold.splits.validation), prepared.splits.known)


@pytest.mark.parametrize(
    ("settings", "n_known", "folds"),
    [
        ({}, 800, 5),
        ({}, 5_001, 1),
        ({"validation_split": 0.5}, 800, 2),
        ({"validation_split": 0.01}, 800, 10),
        ({"validation_split": 0.8}, 800, 1),
        ({"l2": 0.1, "learning_rate": 0.1}, 800, 1),
        ({"split": "last"}, 800, 1),
        ({"time": "t"}, 800, 1),
        ({"folds": 3}, 80_000, 3),
    ],
)
def test_the_number_of_folds(settings, n_known, folds):
    assert Settings(**settings).n_folds(n_known) == folds


def test_two_folds_swap_training_and_validation_rows():
    prepared = prepare(open_source(TABLE), "y", Settings(validation_split=0.5))
    first, second = prepare_folds(prepared)
    np.testing.assert_array_equal(first.splits.train, second.splits.validation)


def test_one_network_is_kept_on_request_and_for_a_single_training():
    assert goodfit.train(TABLE, keep="one", **QUICK).ensemble is None
    assert goodfit.train(TABLE, **QUICK | {"l2": 0.01, "learning_rate": 0.01}).ensemble is None


def test_the_exam_judges_the_ensemble(run):
    opening = goodfit.load(run.path).test(TABLE)
    truth = TABLE["y"][run.splits.test]
    rows = {name: values[run.splits.test] for name, values in TABLE.items()}
    rmse = np.sqrt(np.mean((run.predict(rows).values - truth) ** 2))
    assert opening.scores["rmse"].value == pytest.approx(rmse, rel=1e-5)


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"keep": "ensembel"}, ConfigError, "keep must be one of ensemble, one, not 'ensembel'"),
        ({"folds": "many"}, ConfigError, "folds must be a whole number, 1 or more, or .auto., not"),
        ({"folds": 0}, ConfigError, "folds must be a whole number, 1 or more, or .auto., not 0"),
        ({"folds": 500}, SplitError, "folds=500 is more than the 160 rows there are"),
        ({"folds": 5, "time": "x"}, SplitError, "folds mix the order of time: leave out folds, or time"),
    ],
)
def test_mistakes_are_one_sentence(settings, error, message):
    with pytest.raises(error, match=message):
        goodfit.train(TABLE, **QUICK | settings)


def test_more_folds_than_rows_of_a_class_are_said_once_with_its_name():
    labels = ["a"] * 60 + ["b"] * 60 + ["c"] * 4
    table = {"x": RNG.normal(size=len(labels)), "y": labels}
    with pytest.warns(UserWarning, match="class 'c' has .* for . folds: some folds cannot evaluate it") as said:
        run = goodfit.train(table, **QUICK)
    assert sum("folds" in str(each.message) for each in said) == 1
    assert run.predict(table).probabilities.shape == (len(labels), 3)


def test_losses_and_metrics_of_the_known_rows_agree_even_of_certain_predictions():
    x = np.where(np.arange(200) % 2, 1e3, -1e3)
    wrong = np.arange(200) % 20 == 0
    labels = np.where((x > 0) ^ wrong, "a", "b")
    run = goodfit.train({"x": x, "y": labels}, **QUICK | {"learning_rate": 1.0, "epochs": 40})
    for loss, score in (
        (run.ensemble.loss, run.ensemble.scores["log_loss"].value),
        (run.ensemble.selected_loss, run.ensemble.selected_scores["log_loss"]),
    ):
        assert loss == pytest.approx(score, rel=1e-4)


def test_all_known_rows_say_whether_the_network_beats_the_baseline(run):
    gain, error = observe(run).baseline_difference
    assert gain + run.ensemble.selected_loss == pytest.approx(1, abs=0.05)  # of a standardised target
    assert 0 < error < gain
