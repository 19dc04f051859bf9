"""`goodfit test` and `goodfit predict`."""

import csv
import json
import re
import shutil
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import goodfit
from tests.cli.commands import ONE, refusal, run, write_csv

pytestmark = pytest.mark.usefixtures("here")


def test_exam_and_predictions_speak_json_as_well(folder, mixed):
    exam = json.loads(run("test", folder, "--json").out)
    assert exam["opening"] == 1
    low, value, high = (exam["test"]["accuracy"][name] for name in ("low", "value", "high"))
    assert low <= value <= high
    made = json.loads(run("predict", folder, mixed, "--out", "p.csv", "--json").out)
    assert (made["rows"], made["out"], made["missing_cells"]) == (120, "p.csv", {"holes": 24})


def test_the_exam_is_opened_once_and_again_only_with_a_reason(folder):
    first = run("test", folder)
    assert first.status == 0
    assert re.search(r"accuracy +0\.\d{4} +0\.\d{4} to \d\.\d{4} +0\.\d{4} +0\.\d{4}", first.out)
    second = run("test", folder)
    assert second.status == 2
    assert first.out == second.out
    assert "--reason" in second.err
    third = run("test", folder, "--reason", "the first was for another model")
    assert third.status == 0
    assert "scored 2 times, last on" in third.out and "the first was for another model" in " ".join(third.out.split())


def test_a_moved_table_is_named_again(folder, mixed, here):
    elsewhere = shutil.copy(mixed, here / "moved.csv")
    assert run("test", folder, "--data", elsewhere).status == 0


def test_another_table_is_no_exam(folder, mixed, here):
    lines = mixed.read_text().splitlines(keepends=True)
    (here / "other.csv").write_text("".join([lines[0], *lines[:0:-1]]))
    assert "not the rows that were sealed" in refusal("test", folder, "--data", "other.csv")


def test_a_run_without_test_rows_has_no_exam():
    result = run("train", "iris", "--test-size", "0", "--epochs", "1", *ONE, "--out", "r")
    assert "goodfit test" not in result.out
    assert "no test rows" in refusal("test", "r")


def test_predictions_are_written_as_csv_and_parquet(folder, mixed):
    out = run("predict", folder, mixed, "--out", "p.csv").out
    assert "120 predictions of answer" in out
    assert run("predict", folder, mixed, "--out", "p.parquet").status == 0
    with open("p.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    table = pq.read_table("p.parquet")
    assert table.column_names == list(rows[0]) == ["prediction", "probability_=yes()", "probability_@no"]
    expected = goodfit.load(folder).predict(mixed)
    assert table["prediction"].to_pylist() == list(expected.values)
    np.testing.assert_allclose(table["probability_@no"], expected.probabilities[:, 1])
    assert [row["prediction"] for row in rows] == [f"'{label}" for label in expected.values]
    np.testing.assert_allclose([float(row["probability_@no"]) for row in rows], expected.probabilities[:, 1])


def test_prediction_finds_columns_by_name_and_says_what_it_ignored_and_filled_in(folder, mixed):
    with open(mixed, newline="") as file:
        rows = list(csv.DictReader(file))[:20]
    for row in rows:
        del row["answer"], row["always"]
        row["new"] = "1"
    names = sorted(rows[0], reverse=True)
    columns = {name: [row[name] for row in rows] for name in names}
    columns["city"][0], columns["x"][1] = "Atlantis", ""
    write_csv("new.csv", **columns)
    result = run("predict", folder, "new.csv", "--out", "p.parquet")
    assert result.status == 0
    assert "ignored, not in the training table: new" in result.out
    assert "x (1)" in result.out and "holes (4)" in result.out
    expected = goodfit.load(folder).predict(mixed).probabilities[2:20, 0]
    np.testing.assert_allclose(pq.read_table("p.parquet")["probability_=yes()"][2:].to_numpy(), expected, rtol=1e-6)


def test_a_missing_column_is_named(folder):
    pq.write_table(pa.table({"x": [1.0]}), "new.parquet")
    assert "'huge'" in refusal("predict", folder, "new.parquet", "--out", "p.csv")
    assert not Path("p.csv").exists()


def test_a_file_that_is_there_is_replaced_only_by_force(folder, mixed):
    Path("p.csv").write_text("mine")
    assert "overwrite" in refusal("predict", folder, mixed, "--out", "p.csv")
    assert Path("p.csv").read_text() == "mine"
    assert run("predict", folder, mixed, "--out", "p.csv", "--force").status == 0
    assert Path("p.csv").read_text().startswith('"prediction"')


@pytest.mark.parametrize(
    ("out", "said"), [("p.xlsx", ".csv or .parquet"), ("nowhere/p.csv", "nowhere/p.csv"), (".", "no known format")]
)
def test_a_file_that_cannot_be_written_is_named(folder, mixed, out, said):
    assert said in refusal("predict", folder, mixed, "--out", out)
