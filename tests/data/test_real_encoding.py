"""The whole way of the data on real tables: splits, target, encoder."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression, Ridge

from goodfit.data.encoder import fit_encoder
from goodfit.data.splits.splits import make_splits, missing_classes
from goodfit.data.table import read_table
from goodfit.data.target import fit_target


def prepare(path, name):
    table = read_table(path)
    whole = fit_target(table, name, np.arange(table.n_rows))
    labels = None if whole.task == "regression" else whole.encode(table)
    splits = make_splits(table.n_rows, stratify=labels)
    target = fit_target(table, name, splits.train)
    encoder = fit_encoder(table, splits.train, target=name)
    rows = encoder.transform(table)
    assert np.isfinite(rows).all() and (np.abs(rows) <= 3).all() and rows.dtype == np.float32
    return table, splits, target, encoder, rows


@pytest.mark.parametrize(
    ("file", "name", "least"),
    [("telco_churn/Telco-Customer-Churn.csv", "Churn", 0.79), ("titanic/train.csv", "Survived", 0.77)],
)
def test_a_linear_classifier_learns_from_the_encoded_columns(shared, file, name, least):
    table, splits, target, _, rows = prepare(shared / "data" / file, name)
    y = target.encode(table)
    assert missing_classes(splits, y) == {}
    model = LogisticRegression(max_iter=2000).fit(rows[splits.train], y[splits.train])
    accuracy = model.score(rows[splits.test], y[splits.test])
    assert accuracy > least and accuracy > target.baseline.share


def test_california_needs_its_indicator_and_ridge_does_as_well_as_elsewhere(shared):
    table, splits, target, encoder, rows = prepare(shared / "data/california_housing/housing.csv", "median_house_value")
    assert "total_bedrooms is missing" in encoder.feature_names
    y = target.encode(table)
    predicted = target.decode(Ridge().fit(rows[splits.train], y[splits.train]).predict(rows[splits.test])).values
    rmse = np.sqrt(np.mean((predicted - table.values("median_house_value")[splits.test]) ** 2))
    assert rmse < 70_000


def test_blank_charges_of_telco_get_an_indicator_and_the_customer_id_is_not_used(shared):
    _, _, _, encoder, _ = prepare(shared / "data/telco_churn/Telco-Customer-Churn.csv", "Churn")
    assert "TotalCharges is missing" in encoder.feature_names
    assert "customerID" in dict(encoder.dropped)


def test_a_file_without_the_target_is_encoded_by_name(shared):
    folder = shared / "data/titanic"
    table = read_table(folder / "train.csv")
    encoder = fit_encoder(table, np.arange(table.n_rows), target="Survived")
    new = read_table(folder / "test_unlabelled.csv")
    assert encoder.transform(new).shape == (new.n_rows, len(encoder.feature_names)) and encoder.extra(new) == ()
    # A few rows of it look like other kinds to the reader: ages all whole, cabins all empty.
    assert np.array_equal(encoder.transform(new.take([0, 1])), encoder.transform(new)[:2])
