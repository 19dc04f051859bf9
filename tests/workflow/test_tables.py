"""Tables as they come, and those that cannot be learned from."""

import numpy as np
import pandas as pd
import pytest

from goodfit import (
    DataError,
    SplitError,
    train,
)
from tests.workflow.employees import AGE, CITY, RNG, SCORE, SMALL, TABLE, N, fit


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
