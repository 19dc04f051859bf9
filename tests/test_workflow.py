"""``goodfit.train`` from its user's side: a table in, a run out, an exam that is opened once; and what goes wrong."""

import os
import signal
import threading

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.metrics import (
    accuracy_score,
    average_precision_score,
    balanced_accuracy_score,
    confusion_matrix,
    f1_score,
    log_loss,
    precision_score,
    r2_score,
    recall_score,
    roc_auc_score,
)
from sklearn.model_selection import ShuffleSplit

import goodfit
from goodfit import (
    Adam,
    ConfigError,
    DataError,
    ExamError,
    Outcome,
    RunError,
    Settings,
    SplitError,
    load,
    train,
)
from goodfit.data.table import open_source
from goodfit.experiment.prepare import prepare, prepare_folds

RNG = np.random.default_rng(0)
N = 96
"""Of these 64 rows train, 16 validate and 16 are sealed, so that all tests share a few compiled programs."""

AGE = RNG.normal(40, 10, N)
CITY = RNG.choice(["Bonn", "Rome", "Oslo"], N)
SCORE = AGE / 10 + 2 * (CITY == "Rome") + 0.3 * RNG.normal(size=N)
TABLE = pd.DataFrame(
    {
        "age": np.where(np.arange(N) % 9 == 4, np.nan, AGE),
        "city": CITY,
        "joined": pd.date_range("2024-01-31", periods=N, freq="7D").astype(str),
        "left": np.where(np.median(SCORE) < SCORE, "no", "Yes"),
        "team": np.array(["blue", "green", "red"])[np.digitize(SCORE, np.quantile(SCORE, [0.3, 0.7]))],
        "pay": SCORE,
    }
)
TARGETS = ("left", "team", "pay")
SMALL = {"hidden": (4,), "epochs": 5, "l2": 0.001, "learning_rate": 0.01, "test_size": 16}


def fit(target="left", table=TABLE, **choices):
    others = [name for name in TARGETS if name != target and name in getattr(table, "columns", TARGETS)]
    return train(table, target, **SMALL | {"drop": others} | choices)


@pytest.fixture(scope="module")
def run():
    return fit()


@pytest.fixture(scope="module")
def pay():
    return fit("pay")


def assert_same_params(params, expected):
    for layer, other in zip(params, expected, strict=True):
        for name in layer:
            np.testing.assert_array_equal(layer[name], other[name])


def assert_same_predictions(found, expected, **tolerance):
    np.testing.assert_array_equal(found.values, expected.values)
    np.testing.assert_allclose(found.probabilities, expected.probabilities, **({"rtol": 0} | tolerance))


# --- the way of a table ----------------------------------------------------------------------------------------------


def test_a_thousand_rows_are_640_160_and_200():
    table = open_source({"x": np.arange(1000.0), "y": np.arange(1000) % 2})
    splits = prepare(table, "y", Settings()).splits
    assert [len(splits.train), len(splits.validation), len(splits.test)] == [640, 160, 200]


def test_two_classes():
    run = fit(epochs=60)
    assert run.record.target.classes == ("no", "Yes")
    found = run.predict(TABLE)
    assert found.probabilities.shape == (N, 2)
    np.testing.assert_allclose(found.probabilities.sum(axis=1), 1)
    np.testing.assert_array_equal(found.values == "Yes", found.probabilities[:, 1] > 0.5)
    assert np.mean(found.values == TABLE["left"]) > 0.8


def test_several_classes():
    run = fit("team", epochs=40)
    found = run.predict(TABLE)
    assert run.record.target.classes == ("blue", "green", "red")
    assert found.probabilities.shape == (N, 3)
    np.testing.assert_array_equal(found.values, np.array(run.record.target.classes)[found.probabilities.argmax(axis=1)])
    assert run.record.validation_scores["accuracy"] > run.record.baseline_scores["accuracy"]


def test_scores_are_those_of_scikit_learn(run, pay):
    y, rows = TABLE["left"].to_numpy() == "Yes", run.splits.validation
    p = run.predict(TABLE).probabilities[:, 1]
    labels = p[rows] > 0.5
    expected = {
        "precision": precision_score(y[rows], labels),
        "recall": recall_score(y[rows], labels),
        "f1": f1_score(y[rows], labels),
        "specificity": recall_score(y[rows], labels, pos_label=0),
        "average_precision": average_precision_score(y[rows], p[rows]),
        "accuracy": accuracy_score(y[rows], p[rows] > 0.5),
        "balanced_accuracy": balanced_accuracy_score(y[rows], p[rows] > 0.5),
        "auc": roc_auc_score(y[rows], p[rows]),
        "log_loss": log_loss(y[rows], p[rows]),
    }
    assert run.record.validation_scores == pytest.approx(expected, rel=1e-6)
    y, rows = TABLE["pay"].to_numpy(), pay.splits.validation
    error = y[rows] - pay.predict(TABLE).values[rows]
    expected = {"rmse": np.sqrt(np.mean(error**2)), "mae": np.mean(np.abs(error))}
    expected["r2"] = r2_score(y[rows], y[rows] - error)
    expected["median_absolute_error"] = np.median(np.abs(error))
    expected["mape"] = np.mean(np.abs(error / y[rows]))
    assert pay.record.validation_scores == pytest.approx(expected, rel=1e-5)


def test_the_baseline_is_learned_from_training_rows(run, pay):
    left, rows = TABLE["left"].to_numpy() == "Yes", run.splits
    share = left[rows.train].mean()
    expected = log_loss(left[rows.validation], np.full(16, share))
    assert run.record.baseline_scores["log_loss"] == pytest.approx(expected)
    assert run.record.baseline_scores["accuracy"] == np.mean(left[rows.validation] == (share > 0.5))
    y, rows = TABLE["pay"].to_numpy(), pay.splits
    expected = np.sqrt(np.mean((y[rows.validation] - y[rows.train].mean()) ** 2))
    assert pay.record.baseline_scores["rmse"] == pytest.approx(expected)


def test_the_best_epoch_is_what_predicts(pay):
    rows = pay.splits.validation
    error = pay.predict(TABLE).values[rows] - TABLE["pay"].to_numpy()[rows]
    assert pay.history["val_rmse"][pay.training.best_epoch - 1] == pytest.approx(np.sqrt(np.mean(error**2)), rel=1e-5)
    assert pay.history["val_loss"].min() == pay.history["val_loss"][pay.training.best_epoch - 1]


def test_same_seed_same_run_and_another_seed_another(run):
    again, other = fit(), fit(seed=7)
    assert_same_params(again.training.last_params, run.training.last_params)
    np.testing.assert_array_equal(again.splits.test, run.splits.test)
    assert other.splits.test.tolist() != run.splits.test.tolist()


def test_what_is_understood_is_told_before_the_first_epoch_and_each_epoch_in_the_unit_of_the_target():
    told = []
    run = fit("pay", on_prepared=told.append, on_epoch=told.append)
    assert told[0].splits is run.splits
    assert [record["epoch"] for record in told[1:]] == [1, 2, 3, 4, 5]
    assert [record["val_rmse"] for record in told[1:]] == run.history["val_rmse"].tolist()


def test_a_run_and_its_training_show_themselves(run):
    best = run.training.best_epoch
    assert repr(run).startswith("Run\n  target ")
    assert f"best epoch {best}" in repr(run.training)


# --- who may know what -----------------------------------------------------------------------------------------------


def corrupted(table, rows):
    """The same rows, with wild numbers, other categories and other dates in these."""
    wild = table.copy()
    wild.loc[rows, "age"] = 1e9 * RNG.normal(size=len(rows))
    wild.loc[rows, "city"] = [f"nowhere {i}" for i in range(len(rows))]
    wild.loc[rows, "joined"] = "1999-12-31"
    return wild


@pytest.mark.parametrize("target", ["left", "pay"])
def test_test_rows_influence_nothing(target):
    run = fit(target)
    other = fit(target, corrupted(TABLE, run.splits.test))
    assert other.record.encoder == run.record.encoder
    assert other.record.target == run.record.target
    assert other.record.validation_scores == run.record.validation_scores
    assert_same_params(other.training.params, run.training.params)
    for name in run.history:
        np.testing.assert_array_equal(other.history[name], run.history[name])


def test_test_targets_influence_nothing(pay):
    table = TABLE.copy()
    table.loc[pay.splits.test, "pay"] *= -1000
    other = fit("pay", table)
    assert other.record.target == pay.record.target
    assert_same_params(other.training.params, pay.training.params)


def test_validation_rows_influence_only_the_choice_of_the_epoch(pay):
    table = corrupted(TABLE, pay.splits.validation)
    table.loc[pay.splits.validation, "pay"] *= -1000
    other = fit("pay", table)
    assert other.record.encoder == pay.record.encoder
    assert other.record.target == pay.record.target
    assert_same_params(other.training.last_params, pay.training.last_params)
    np.testing.assert_array_equal(other.history["loss"], pay.history["loss"])
    assert (other.history["val_loss"] != pay.history["val_loss"]).all()


def test_balanced_classes_are_balanced_by_training_rows():
    table = TABLE.drop(columns=["team", "pay"])
    splits = prepare(open_source(table), "left", Settings(split="last", test_size=16)).splits
    other = table.copy()
    other.loc[splits.validation[1:], "left"] = "Yes"
    other.loc[splits.validation[0], "left"] = "no"
    runs = [fit(table=t, split="last", class_weight="balanced") for t in (table, other)]
    assert_same_params(runs[0].training.last_params, runs[1].training.last_params)


def test_groups_stay_together_and_their_column_is_not_learned():
    table = TABLE.assign(family=np.arange(N) // 3)
    run = fit(table=table, group="family", test_size=0.2)
    families = [set(table["family"].to_numpy()[rows]) for rows in run.splits.arrays().values()]
    assert not families[0] & families[1]
    assert not families[0] & families[2]
    assert not families[1] & families[2]
    assert run.splits.rule == "group"
    assert "family" not in run.record.encoder.columns


@pytest.mark.parametrize("change", [lambda x: x, np.float32], ids=["exact", "rounded"])
def test_copies_stay_together_also_in_folds(change):
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, 200))
    y = a - b + 0.3 * rng.normal(size=200)
    table = pd.DataFrame({"a": np.r_[a, change(a[:80])], "b": np.r_[b, change(b[:80])], "y": np.r_[y, y[:80]]})
    prepared = prepare(open_source(table), "y", Settings(split="duplicates", folds=4))
    assert prepared.splits.rule == "duplicates"
    splits = prepared.splits.arrays().values()
    assert all(np.isin(rows[rows < 80] + 200, rows).all() and len(rows) for rows in splits)
    assert not [check for check in prepared.checks if check.code == "duplicates"]
    for fold in prepare_folds(prepared):
        rows = fold.splits.validation
        assert np.isin(rows[rows < 80] + 200, rows).all()


def test_time_runs_from_training_to_the_exam_and_its_column_is_a_feature_unless_it_is_dropped():
    table = TABLE.sample(frac=1, random_state=0)
    run = fit(table=table, time="joined")
    days = [pd.to_datetime(table["joined"]).to_numpy()[rows] for rows in run.splits.arrays().values()]
    assert days[0].max() < days[1].min()
    assert days[1].max() < days[2].min()
    assert "joined" in run.record.encoder.columns
    assert "joined" not in fit(table=table, time="joined", drop="joined").record.encoder.columns


# --- prediction ------------------------------------------------------------------------------------------------------


def test_columns_are_found_by_name(run):
    expected = run.predict(TABLE)
    turned = TABLE[["pay", "joined", "city", "age"]].assign(extra="?")
    assert_same_predictions(run.predict(turned), expected)


@pytest.mark.parametrize("frame", [pl.DataFrame, dict], ids=["polars", "dict"])
def test_tables_of_every_library_give_the_same(frame, run):
    columns = {name: TABLE[name].to_list() for name in TABLE}
    columns["age"] = [None if np.isnan(age) else age for age in columns["age"]]
    assert_same_predictions(run.predict(frame(columns)), run.predict(TABLE))


def test_files_give_the_same_as_data_frames(run, tmp_path):
    TABLE.to_csv(tmp_path / "table.csv", index=False)
    TABLE.to_parquet(tmp_path / "table.parquet")
    for name in ("table.csv", "table.parquet"):
        assert_same_predictions(run.predict(tmp_path / name), run.predict(TABLE))
    assert_same_params(fit(table=tmp_path / "table.csv").training.params, run.training.params)


def test_a_row_is_predicted_the_same_whatever_stands_beside_it(run):
    expected = run.predict(TABLE)
    for row in (0, 4, 5):
        found = run.predict(TABLE.iloc[[row]])
        assert found.values[0] == expected.values[row]
        np.testing.assert_allclose(found.probabilities[0], expected.probabilities[row], rtol=1e-5)


def test_a_missing_column_is_named(run):
    with pytest.raises(DataError, match="DataFrame has no column 'city', which the training table had: add it"):
        run.predict(TABLE.drop(columns="city"))


def test_a_column_of_another_kind_is_named(run):
    with pytest.raises(DataError, match="column 'age' cannot be read as number"):
        run.predict(TABLE.assign(age="young"))


def test_infinity_at_prediction_names_the_column(run):
    with pytest.raises(DataError, match=r"column 'age' .*infini"):
        run.predict(TABLE.assign(age=np.inf))


@pytest.mark.filterwarnings("ignore::goodfit.errors.DataWarning")
def test_categories_never_seen_and_cells_missing_for_the_first_time_have_a_prediction(run):
    strange = TABLE.assign(city=["Atlantis"] * 50 + [None] * (N - 50), age=np.nan)
    found = run.predict(strange)
    assert np.isfinite(found.probabilities).all()
    only_missing = run.predict(TABLE.assign(city=None, joined=None, age=None))
    assert len(np.unique(only_missing.probabilities[:, 1])) == 1


def test_the_first_missing_cell_of_a_column_gets_the_median():
    complete = TABLE.assign(age=AGE)
    run = fit("pay", complete)
    median = np.median(AGE[run.splits.train])
    found, expected = (run.predict(complete.assign(age=age)).values for age in (np.nan, median))
    np.testing.assert_allclose(found, expected, rtol=1e-6)


# --- the exam --------------------------------------------------------------------------------------------------------


def test_the_exam_is_opened_once_and_again_only_with_a_reason():
    run = fit()
    first = run.test()
    y, p = TABLE["left"].to_numpy()[run.splits.test] == "Yes", run.predict(TABLE).probabilities[run.splits.test, 1]
    values = {name: score.value for name, score in first.scores.items()}
    assert values == pytest.approx(
        {
            "accuracy": accuracy_score(y, p > 0.5),
            "balanced_accuracy": balanced_accuracy_score(y, p > 0.5),
            "precision": precision_score(y, p > 0.5),
            "recall": recall_score(y, p > 0.5),
            "f1": f1_score(y, p > 0.5),
            "specificity": recall_score(~y, p <= 0.5),
            "auc": roc_auc_score(y, p),
            "average_precision": average_precision_score(y, p),
            "log_loss": log_loss(y, p),
        },
        rel=1e-6,
    )
    assert np.array_equal(first.confusion, confusion_matrix(y, p > 0.5))
    assert all(score.low <= score.value <= score.high for score in first.scores.values())
    with pytest.raises(ExamError, match=r"The test rows were scored once, last on .* UTC.* give a reason"):
        run.test()
    second = run.test(reason="a reader asked")
    assert (first.number, first.reason) == (1, None)
    assert (second.number, second.reason) == (2, "a reader asked")
    assert second.scores == first.scores


def test_scores_of_a_quantity_are_in_its_unit(pay):
    score = pay.test(reason="seen here and in other tests").scores
    rows = pay.splits.test
    error = TABLE["pay"].to_numpy()[rows] - pay.predict(TABLE).values[rows]
    assert score["rmse"].value == pytest.approx(np.sqrt(np.mean(error**2)), rel=1e-6)
    assert score["mae"].low < np.mean(np.abs(error)) < score["mae"].high
    assert score["median_absolute_error"].value == pytest.approx(np.median(np.abs(error)), rel=1e-6)
    assert score["mape"].value == pytest.approx(np.mean(np.abs(error / TABLE["pay"].to_numpy()[rows])), rel=1e-6)
    assert pay.ledger.openings()[0].confusion == ()


def test_without_test_rows_there_is_no_exam():
    with pytest.raises(ExamError, match="no test rows: train with test_size above 0"):
        fit(test_size=0).test()


def test_the_exam_of_a_loaded_run_wants_the_table_as_it_was(tmp_path):
    run = fit(out=tmp_path / "run")
    loaded = load(tmp_path / "run")
    with pytest.raises(ExamError, match="trained on a table in memory or from a pipe: give it again as table="):
        loaded.test()
    changed = TABLE.copy()
    changed.loc[run.splits.test[0], "age"] = 99
    for table in (changed, TABLE.head(20), TABLE[::-1]):
        with pytest.raises(ExamError, match="are not the rows that were sealed"):
            loaded.test(table)
    opening = loaded.test(TABLE)
    assert opening.number == 1
    with pytest.raises(ExamError, match="were scored once"):
        load(tmp_path / "run").test(TABLE)
    with pytest.raises(ExamError, match="were scored once"):
        run.test()
    assert run.test(reason="to compare").scores == opening.scores
    assert len({each.model for each in run.ledger.openings()}) == 1


def test_rows_that_were_not_sealed_may_change_before_the_exam(tmp_path):
    run = fit(out=tmp_path / "run")
    changed = TABLE.copy()
    changed.loc[run.splits.train, "age"] = 0
    assert load(tmp_path / "run").test(changed).number == 1


def test_the_exam_reads_the_table_where_it_was(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    TABLE.to_csv("table.csv", index=False)
    fit(table="table.csv", out="run")
    monkeypatch.chdir("/")
    expected = load(tmp_path / "run").test().scores
    (tmp_path / "table.csv").rename(tmp_path / "moved.csv")
    with pytest.raises(ExamError, match="The exam needs the table that the run was trained on: there is no file"):
        load(tmp_path / "run").test(reason="again")
    found = load(tmp_path / "run").test(tmp_path / "moved.csv", reason="again")
    assert found.scores == expected


# --- tables as they come ---------------------------------------------------------------------------------------------


@pytest.mark.filterwarnings("ignore::goodfit.errors.DataWarning")
def test_a_row_unlike_all_known_rows_is_predicted_within_half_a_range_of_them():
    rng = np.random.default_rng(0)
    x = np.where(np.arange(200) % 2, -1.0, 1.0) * rng.uniform(0.9, 1.1, 200)
    run = train({**{f"x{i}": x for i in range(30)}, "y": x}, "y", l2=0.0, learning_rate=0.01, epochs=50, hidden=())
    low, high = x.min(), x.max()
    found = run.predict({f"x{i}": [1e9, -1e9] for i in range(30)}).values
    assert found == pytest.approx([high + (high - low) / 2, low - (high - low) / 2])


def test_a_table_like_titanic(tmp_path):
    """Ids, names, codes, blanks, and a target of 0 and 1."""
    rows = range(N)
    lines = ["PassengerId,Survived,Pclass,Name,Sex,Age,Cabin,Embarked"]
    for i in rows:
        survived, sex = int(CITY[i] == "Rome"), "female" if CITY[i] == "Rome" else "male"
        age, cabin = f"{AGE[i]:.0f}" if i % 5 else "", f"C{i}" if i % 7 == 0 else ""
        lines.append(f'{i + 1},{survived},{i % 3 + 1},"Doe, Mr. John {i} of {i}",{sex},{age},{cabin},{"SCQ"[i % 3]}')
    (tmp_path / "titanic.csv").write_text("\n".join(lines))
    run = train(tmp_path / "titanic.csv", "Survived", **SMALL | {"epochs": 60})
    assert run.record.target.task == "binary"
    assert {"Pclass", "Sex", "Age", "Embarked"} <= set(run.record.encoder.columns)
    dropped = dict(run.record.encoder.dropped)
    assert "id" in dropped["PassengerId"]
    assert "Name: mr" in run.record.encoder.feature_names
    assert run.record.validation_scores["accuracy"] == 1
    assert set(run.predict(tmp_path / "titanic.csv").values.tolist()) == {0, 1}


def test_a_table_like_telco(tmp_path):
    """Separated by semicolons, with blanks among the numbers, unknown cells and a target of words."""
    lines = ["customerID;tenure;TotalCharges;Contract;Region;Churn"]
    for i in range(N):
        total, region = " " if i % 16 == 0 else f"{10 * AGE[i]:.2f}", "?" if i % 6 == 0 else f"R{i % 4}"
        contract, churn = ("Month-to-month", "Yes") if CITY[i] == "Oslo" else ("Two year", "No")
        lines.append(f"{i:04d}-ABCD;{i % 72};{total};{contract};{region};{churn}")
    (tmp_path / "telco.csv").write_text("\r\n".join(lines))
    run = train(tmp_path / "telco.csv", "Churn", **SMALL | {"epochs": 60})
    assert run.record.target.classes == ("No", "Yes")
    columns = {column.name: column for column in run.record.schema}
    known = run.splits.known
    assert (columns["TotalCharges"].kind, columns["TotalCharges"].missing) == ("number", (known % 16 == 0).sum())
    assert columns["Region"].missing == (known % 6 == 0).sum()
    assert "TotalCharges is missing" in run.record.encoder.feature_names
    assert run.record.validation_scores["accuracy"] == 1


def test_columns_of_every_type():
    city = pd.Series(CITY)
    table = pd.DataFrame(
        {
            "bool": AGE > 40,
            "category": city.astype("category"),
            "date": pd.date_range("2026-01-31", periods=N),
            "float16": AGE.astype(np.float16),
            "int8": AGE.astype(np.int8),
            "uint8": AGE.astype(np.uint8),
            "nullable": pd.array([None if i % 9 == 0 else i % 50 for i in range(N)], "Int64"),
            "flag": pd.array([None if i % 9 == 0 else i % 2 == 0 for i in range(N)], "boolean"),
            "text numbers": [f"{age:.3f}" for age in AGE],
            "large": (AGE * 1e7).astype(np.int64),
            "huge": AGE * 1e300,
            "constant": 7,
            "empty": np.nan,
            "pay": SCORE,
        }
    )
    run = train(table, "pay", **SMALL)
    used = set(table) - {"constant", "empty", "pay"}
    assert set(run.record.encoder.columns) == used
    dropped = dict(run.record.encoder.dropped)
    assert "constant" in dropped["constant"]
    assert "missing" in dropped["empty"]
    assert np.isfinite(run.predict(table).values).all()
    assert run.record.validation_scores["rmse"] < run.record.baseline_scores["rmse"] * 1.5


def test_columns_that_cannot_be_read_are_named():
    with pytest.raises(DataError, match="column 'mixed' mixes values of several types"):
        train(TABLE.assign(mixed=[1, "a"] * (N // 2)), "left")
    with pytest.raises(DataError, match="column empties"):
        train(TABLE.assign(empties=pd.arrays.SparseArray(np.zeros(N))), "left")


@pytest.mark.parametrize("scale", [1e5, 1e-3, 1e300, 1e-300])
def test_a_target_of_any_scale_is_learned_as_well(scale, pay):
    run = fit("pay", TABLE.assign(pay=scale * SCORE))
    assert run.record.validation_scores["r2"] == pytest.approx(pay.record.validation_scores["r2"], abs=1e-4)
    assert run.record.validation_scores["rmse"] / scale == pytest.approx(pay.record.validation_scores["rmse"], rel=1e-4)
    np.testing.assert_allclose(run.predict(TABLE).values / scale, pay.predict(TABLE).values, rtol=1e-4)
    exam, expected = (each.test(reason="scale").scores for each in (run, pay))
    assert exam["r2"].value == pytest.approx(expected["r2"].value, abs=1e-4)
    assert exam["mae"].high / scale == pytest.approx(expected["mae"].high, rel=1e-4)


def test_a_target_of_few_whole_numbers_is_a_quantity_on_request():
    table = TABLE.assign(pay=np.arange(N) % 3)
    assert fit("pay", table).record.target.task == "multiclass"
    assert fit("pay", table, task="regression").record.target.task == "regression"


def test_a_class_of_one_row_is_learned_and_predicted():
    table = TABLE.assign(team=np.where(np.arange(N) == 5, "solo", TABLE["team"]))
    with pytest.warns(UserWarning, match="none of class 'solo'"):
        run = fit("team", table, hidden=(16,), epochs=300, learning_rate=0.02, patience=300, test_size=16)
    assert 5 in run.splits.train
    found = run.predict(table)
    assert found.probabilities.shape == (N, 4)
    assert found.probabilities[5, 3] > found.probabilities[:, 3].mean()


SIZES = {
    "two rows of two classes": (2, "left", SplitError, "2 rows are too few for .*: give at least 4 rows"),
    "two rows": (2, "pay", SplitError, "2 rows are too few for .*: give at least 3 rows"),
    "one row": (1, "pay", DataError, "target 'pay' is constant|has the one class"),
    "one row to learn from": (3, "pay", DataError, "target 'pay' is constant|No column is left"),
}


@pytest.mark.parametrize("case", SIZES)
def test_tables_that_are_too_small_say_how_many_rows_they_need(case):
    rows, target, error, message = SIZES[case]
    with pytest.raises(error, match=message):
        train(TABLE[["age", target]].head(rows), target, hidden=(4,))


def test_five_rows_and_one_column_are_enough():
    run = train(TABLE[["pay"]].assign(age=AGE).head(5), "pay", **SMALL | {"epochs": 2, "test_size": 0.2})
    assert [len(rows) for rows in run.splits.arrays().values()] == [3, 1, 1]
    assert np.isfinite(run.predict({"age": [40.0]}).values).all()


@pytest.mark.slow
def test_a_very_wide_table():
    """100 rows, 10,000 columns."""
    x = RNG.normal(size=(100, 10_000))
    run = train(
        {"y": x[:, 0], **{f"c{i}": x[:, i] for i in range(10_000)}},
        "y",
        **SMALL | {"hidden": (), "epochs": 2, "test_size": 0.2},
    )
    assert len(run.record.encoder.feature_names) == 10_000
    assert np.isfinite(run.history["val_loss"]).all()


DATA = {
    "target missing": ({"left": None}, "target 'left' is missing in rows 1, 2, 3, 4, 5 and"),
    "feature infinite": ({"age": np.where(np.arange(N) == 3, np.inf, AGE)}, "column 'age' .*infini.*row 4"),
    "one class": ({"left": "no"}, "target 'left' has the one class 'no' only"),
    "nothing to learn from": (
        {"age": 1.0, "city": "Rome", "joined": None},
        "No column is left to learn from .*age: constant",
    ),
}


@pytest.mark.parametrize("case", DATA)
def test_tables_that_cannot_be_learned_from(case):
    change, message = DATA[case]
    with pytest.raises(DataError, match=message):
        fit(table=TABLE.assign(**change))


@pytest.mark.parametrize("part", ["train", "validation"])
def test_infinity_in_a_known_row_is_found_before_the_training(part, pay):
    row = pay.splits.arrays()[part][0]
    with pytest.raises(DataError, match=rf"column 'age' .*infini.*row {row + 1}\b"):
        fit("pay", TABLE.assign(age=np.where(np.arange(N) == row, np.inf, AGE)))


def test_an_infinite_target_names_its_row():
    with pytest.raises(DataError, match=r"'pay' .*infini.*row 4\b"):
        fit("pay", TABLE.assign(pay=np.where(np.arange(N) == 3, np.inf, SCORE)))


# --- how a training ends ---------------------------------------------------------------------------------------------


def test_divergence_is_an_outcome_and_predictions_stay_finite():
    run = fit("pay", optimizer="sgd", learning_rate=1e6)
    assert run.training.outcome == Outcome.DIVERGED
    assert np.isfinite(run.predict(TABLE).values).all()
    assert np.isfinite(list(run.record.validation_scores.values())).all()


def press_ctrl_c_soon(record):
    if record["epoch"] == 1:
        threading.Timer(0.05, os.kill, (os.getpid(), signal.SIGINT)).start()


def test_ctrl_c_keeps_the_best_weights_and_saves_the_run(tmp_path):
    run = fit(out=tmp_path / "run", epochs=200_000, patience=200_000, on_epoch=press_ctrl_c_soon)
    assert run.training.outcome == Outcome.STOPPED_BY_USER
    assert run.history["val_loss"].min() == run.history["val_loss"][run.training.best_epoch - 1]
    assert_same_predictions(load(tmp_path / "run").predict(TABLE), run.predict(TABLE))


# --- settings --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "choice",
    [{"l2": 0.0}, {"learning_rate": 0.1}, {"patience": 2}, {"seed": 9}, {"epochs": 50}, {"class_weight": {"Yes": 5}}],
    ids=lambda choice: next(iter(choice)),
)
def test_a_new_number_compiles_nothing(choice, run, compiled):
    run.predict(TABLE)
    compiled.clear()
    fit(**choice).predict(TABLE)
    assert compiled == []


def test_class_weights_are_named_by_label(run):
    assert fit(class_weight={"no": 1, "Yes": 1}).history["loss"].tolist() == run.history["loss"].tolist()
    often = fit(class_weight={"Yes": 20}, epochs=40).predict(TABLE)
    assert (often.values == "Yes").mean() > (run.predict(TABLE).values == "Yes").mean()


def test_class_weights_of_numbers_are_named_as_they_are():
    table = TABLE.assign(left=(TABLE["left"] == "Yes").astype(int))
    by_number, by_word = (fit(table=table, class_weight={label: 3.0}) for label in (1, "1"))
    assert_same_params(by_number.training.params, by_word.training.params)


SETTINGS = {
    "unknown": ({"learning_rat": 1}, ConfigError, "'learning_rat' is not a setting; did you mean 'learning_rate'"),
    "learning rate": ({"learning_rate": -1}, ConfigError, "learning_rate must be .* not -1"),
    "learning rate NaN": ({"learning_rate": float("nan")}, ConfigError, "learning_rate must be .* not nan"),
    "learning rate in words": ({"learning_rate": "fast"}, ConfigError, "learning_rate must be .*'fast'"),
    "l2": ({"l2": float("inf")}, ConfigError, "l2 must be .* not inf"),
    "l2 of nothing": ({"l2": None}, ConfigError, "l2 must be .* not None"),
    "hidden": ({"hidden": (0,)}, ConfigError, "units in hidden must be a whole number, 1 or more, not 0"),
    "hidden in words": ({"hidden": "64,64"}, ConfigError, "units in hidden must be a whole number.*'64,64'"),
    "dropout": ({"dropout": 1.0}, ConfigError, "dropout must be at least 0 and below 1, not 1.0"),
    "dropout in words": ({"dropout": "half"}, ConfigError, "dropout must be at least 0 and below 1, not 'half'"),
    "activation": ({"activation": "foo"}, ConfigError, "activation 'foo' is not known; choose one of"),
    "optimizer": ({"optimizer": "foo"}, ConfigError, "optimizer must be one of adam, sgd, not 'foo'"),
    "an optimizer object": ({"optimizer": Adam(0.1)}, ConfigError, "optimizer must be one of adam, sgd, not Adam"),
    "epochs": ({"epochs": 0}, ConfigError, "epochs must be a whole number, 1 or more, not 0"),
    "batch_size": ({"batch_size": 0}, ConfigError, "batch_size must be a whole number, 1 or more, or 'auto', not 0"),
    "patience": ({"patience": -1}, ConfigError, "patience must be a whole number, 0 or more, not -1"),
    "seed": ({"seed": -1}, ConfigError, "seed must be a whole number, 0 or more, not -1"),
    "test_size": ({"test_size": 1.5}, SplitError, "test_size must be a fraction .* not 1.5"),
    "validation_split": ({"validation_split": 1.5}, SplitError, "validation_split must be a fraction .* not 1.5"),
    "split": ({"split": "foo"}, ConfigError, "split must be one of random, last, group, time, duplicates, not 'foo'"),
    "group without column": ({"split": "group"}, ConfigError, "split='group' needs the column"),
    "group and time": ({"group": "city", "time": "joined"}, ConfigError, "give group or time, not both"),
    "split against group": ({"group": "city", "split": "last"}, ConfigError, "group='city' needs split='group'"),
    "task": ({"task": "foo"}, ConfigError, "task must be one of auto, classification, regression, not 'foo'"),
    "class_weight": (
        {"class_weight": "foo"},
        ConfigError,
        "class_weight must map classes to weights, or be 'balanced'",
    ),
    "class_weight negative": ({"class_weight": {"Yes": -1}}, ConfigError, "class_weight of 'Yes' must be .* not -1"),
    "class_weight of whom": ({"class_weight": {"maybe": 1}}, DataError, "class_weight names 'maybe'.* no, Yes"),
    "kinds of whom": (
        {"kinds": {"foo": "number"}},
        DataError,
        "kinds names the column 'foo', which the table does not have: choose",
    ),
    "kind of what": ({"kinds": {"age": "foo"}}, DataError, "column 'age' cannot be of kind 'foo'"),
    "drop": ({"drop": "foo"}, DataError, "drop names the column 'foo', which"),
    "group column": ({"group": "foo"}, DataError, "group names the column 'foo', which"),
    "time column": ({"time": "join"}, DataError, r"time names the column 'join', which .*: did you mean 'joined'\?"),
    "target": ({"target": "foo"}, DataError, "target names the column 'foo', which"),
    "target as a number": ({"target": 3}, DataError, "not 3: columns without names are called column_1, column_2, …"),
    "no target": (
        {"target": None},
        DataError,
        "Name the column to predict: target='pay', the last one, or another one of 'age', 'city', 'joined'",
    ),
    "an array for a target": ({"target": SCORE}, DataError, "target must be the name of a column"),
    "target is a date": ({"target": "joined"}, DataError, "column 'joined' holds dates and cannot be the target"),
    "class weights of a quantity": (
        {"target": "pay", "class_weight": "balanced"},
        DataError,
        "class_weight needs targets that are classes",
    ),
    "no table": ({"table": None}, DataError, "a NoneType is not a table"),
    "no file": ({"table": "nowhere.csv"}, DataError, "no file 'nowhere.csv'"),
    "two groups": ({"target": "pay", "group": "left"}, SplitError, "2 groups are too few"),
    "the target groups": ({"group": "left"}, DataError, "group names the target 'left': name another column"),
    "the target orders": ({"time": "left"}, DataError, "time names the target 'left': name another column"),
}


@pytest.mark.parametrize("case", SETTINGS)
def test_mistakes_are_told_before_the_training(case, monkeypatch):
    choices, error, message = SETTINGS[case]

    def no_training(*_, **__):
        raise AssertionError("trained all the same")

    for name in ("fit", "sweep"):
        monkeypatch.setattr(goodfit.experiment.experiment, name, no_training)
    with pytest.raises(error, match=message):
        train(**{"table": TABLE, "target": "left"} | choices)


def test_a_splitter_of_scikit_learn_may_split_but_not_be_saved(tmp_path):
    splitter = ShuffleSplit(1, test_size=16, random_state=0)
    assert fit(split=splitter).splits.rule == "ShuffleSplit"
    with pytest.raises(ConfigError, match="a run folder cannot hold a splitter object"):
        fit(split=splitter, out=tmp_path / "run")


def test_a_folder_that_cannot_be_written_is_told_before_the_table_is_read(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(RunError, match="cannot be written to"):
        train("nowhere.csv", "y", out=tmp_path / "file")


def test_true_and_false_in_a_file_are_the_booleans_of_a_data_frame(tmp_path):
    rng = np.random.default_rng(0)
    flag, y = rng.random(60) < 0.5, rng.normal(size=60)
    columns = {"flag": flag, "other": rng.normal(size=60), "y": y + 3 * flag}
    path = tmp_path / "table.csv"
    pd.DataFrame(columns).to_csv(path, index=False)
    assert "True" in path.read_text()
    run = goodfit.train(path, "y", l2=0.001, learning_rate=0.01, epochs=5)
    from_file, from_frame = run.predict(path).values, run.predict(pd.DataFrame(columns)).values
    np.testing.assert_allclose(from_frame, from_file, rtol=1e-6)
    assert np.ptp(from_file) > 0
