"""Real tables, as they are: what a person would say of each column is what the schema says."""

import pytest

from goodfit.data.table import read_table


@pytest.mark.parametrize(
    ("path", "shape", "kinds", "missing", "unused"),
    [
        ("adult/adult.data", (32561, 15), "ncncncccccnnncc",
         {"column_2": 1836, "column_7": 1843, "column_14": 583}, set()),
        ("adult/adult.test.csv", (16281, 15), "ncncncccccnnncc",
         {"column_2": 963, "column_7": 966, "column_14": 274}, set()),
        ("telco_churn/Telco-Customer-Churn.csv", (7043, 21), "icnccncccccccccccc" "nnc",
         {"TotalCharges": 11}, {"customerID"}),
        ("titanic/train.csv", (891, 12), "innTcnnncncc", {"Age": 177, "Cabin": 687, "Embarked": 2},
         {"PassengerId"}),
        ("california_housing/housing.csv", (20640, 10), "nnnnnnnnnc", {"total_bedrooms": 207}, set()),
        ("diamonds/diamonds.csv", (53940, 10), "ncccnnnnnn", {}, set()),
        ("wine_quality/winequality-red.csv", (1599, 12), "n" * 12, {}, set()),
        ("sms_spam/sms.tsv", (5574, 2), "cT", {}, set()),
    ],
)  # fmt: skip
def test_a_real_table_is_understood(shared, path, shape, kinds, missing, unused):
    table = read_table(shared / "data" / path)
    letters = {"number": "n", "category": "c", "id": "i", "text": "T", "date": "d"}
    assert (table.n_rows, len(table.names)) == shape
    assert "".join(letters[column.kind] for column in table.schema) == kinds
    assert {column.name: column.missing for column in table.schema if column.missing} == missing
    assert {column.name for column in table.schema if not column.used} == unused
