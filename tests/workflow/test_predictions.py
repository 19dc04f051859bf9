"""Predictions of new rows."""

import numpy as np
import polars as pl
import pytest

from goodfit import (
    DataError,
)
from tests.workflow.employees import AGE, TABLE, N, assert_same_params, assert_same_predictions, fit


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
