"""Nothing but the exam depends on what is in a test row: not a byte of the run folder, not a word of the report."""

import json
import re

import numpy as np
import pyarrow as pa
import pytest

import goodfit
from goodfit.data.table import open_source

QUICK = {"hidden": (4,), "epochs": 3, "patience": 3, "l2": (0.0, 0.01), "learning_rate": (0.001, 0.01)}
N = 400
CHANGED = {"created", "fingerprint", "files", "checksum"}
OF_THE_RUN = re.compile(r' data-digest="[0-9a-f]{32}"')
"""By which a report knows that a figure is that of the same run: a hash of run.json, the fingerprint included."""
COUNTED = re.compile(r"[\d,]+ of [\d,]+ validation and test rows?( also)?( stands?)?")


def mixed(rng):
    """Numbers, categories, dates, ids, missing cells, a row counter, and rows that are there twice."""
    x = rng.normal(size=N)
    columns = {
        "size": np.where(rng.random(N) < 0.1, np.nan, 100 * x),
        "city": rng.choice(["Bonn", "Rome", "Oslo", "Bern"], N),
        "joined": (np.datetime64("2020-01-01") + rng.integers(1500, size=N)).astype(str),
        "customer_id": [f"C{i}" for i in rng.permutation(N)],
        "number": np.arange(N) + 1,
        "nearly_number": [str(i) if i % 97 else "unknown" for i in rng.integers(1000, size=N)],
        "constant": ["always"] * N,
        "family": rng.integers(80, size=N),
        "target": np.where(x + rng.normal(size=N) > 0, "yes", "no"),
    }
    copies = rng.integers(N, size=N // 4)
    return {name: np.r_[values, np.asarray(values)[copies]] for name, values in columns.items()}


def quantity(rng):
    x = rng.normal(size=(N, 3))
    return {"a": x[:, 0], "b": x[:, 1], "c": x[:, 2], "target": x[:, 0] + x[:, 1] * x[:, 2]}


GENERATED = {"mixed": mixed, "quantity": quantity}
CASES = {
    "iris": ("iris", {}),
    "mixed": ("mixed", {}),
    "mixed by time": ("mixed", {"time": "joined"}),
}
SLOW_CASES = {
    "wine": ("wine", {"folds": 3}),
    "breast_cancer": ("breast_cancer", {}),
    "diabetes": ("diabetes", {"seeds": 2}),
    "digits": ("digits", {"split": "last"}),
    "quantity": ("quantity", {"folds": 2}),
    "mixed by group": ("mixed", {"group": "family"}),
    "titanic": ("titanic/train.csv", {"target": "Survived"}),
    "telco": ("telco_churn/Telco-Customer-Churn.csv", {"target": "Churn"}),
}


def columns_of(name, shared):
    """The columns of a table as they stand in its source."""
    source = GENERATED[name](np.random.default_rng(0)) if name in GENERATED else name
    return open_source(shared / "data" / name if "/" in name else source).columns


def scrambled(columns, rows, keep, rng):
    """Every feature of these rows changed: numbers shuffled and shifted, other values renamed, cells emptied."""
    changed = {}
    for name in columns.column_names:
        column = columns[name].combine_chunks()
        if name in keep:
            changed[name] = column
            continue
        values = column.to_pylist()
        cells = [values[row] for row in rng.permutation(rows)]
        new = [None if rng.random() < 0.2 else _other(cell) for cell in cells]
        for row, cell in zip(rows.tolist(), new, strict=True):
            values[row] = cell
        changed[name] = pa.array(values, pa.string() if pa.types.is_dictionary(column.type) else column.type)
    return pa.table(changed)


def _other(cell):
    if isinstance(cell, str):
        return f"other {cell}"
    return None if cell is None else 3 * cell + 1000


def written(run, path):
    """The files of a run folder, and its report; without what may depend on test rows."""
    files = {file.name: file.read_bytes() for file in path.iterdir() if file.name != "run.json"}
    summary = json.loads((path / "run.json").read_text())
    page = goodfit.report(run, path.parent / "report.html").read_text()
    for value in (summary["created"], summary["fingerprint"], summary["splits"].pop("seal"), str(path)):
        page = page.replace(value, "") if value else page
    page = OF_THE_RUN.sub("", page)
    measured = json.loads(files.pop("measurements.json"))
    for check in measured["checks"]:
        if check["code"] == "duplicates":
            check["sentence"], check["rows"] = COUNTED.sub("", check["sentence"]), 0
    kept = {key: value for key, value in summary.items() if key not in CHANGED}
    return files, kept, measured, COUNTED.sub("", page)


def assert_test_rows_are_not_read(name, settings, shared, folder):
    columns, settings = columns_of(name, shared), QUICK | {"target": "target"} | settings
    keep = {settings["target"], settings.get("group"), settings.get("time")}
    run = goodfit.train(columns, out=folder / "1" / "run", **settings)
    other = scrambled(columns, run.splits.test, keep, np.random.default_rng(1))
    assert not other.equals(columns)
    again = goodfit.train(other, out=folder / "2" / "run", **settings)
    one, two = written(run, run.path), written(again, again.path)
    assert one[0].keys() == two[0].keys()
    for file in one[0]:
        assert one[0][file] == two[0][file], file
    assert one[1:3] == two[1:3]
    assert one[3] == two[3]


@pytest.mark.parametrize("case", CASES)
def test_what_is_in_test_rows_changes_no_file(case, tmp_path):
    assert_test_rows_are_not_read(*CASES[case], None, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("case", SLOW_CASES)
def test_what_is_in_test_rows_changes_no_file_of_any_table(case, tmp_path, request):
    shared = request.getfixturevalue("shared") if "/" in SLOW_CASES[case][0] else None
    assert_test_rows_are_not_read(*SLOW_CASES[case], shared, tmp_path)


def test_an_infinite_cell_of_a_test_row_counts_as_missing_at_the_exam():
    columns = quantity(np.random.default_rng(0))
    run = goodfit.train(columns, **QUICK)
    missing, infinite = (dict(columns, a=columns["a"].copy()) for _ in range(2))
    missing["a"][run.splits.test[0]], infinite["a"][run.splits.test[0]] = np.nan, np.inf
    with pytest.warns(UserWarning, match="column 'a' is infinite in 1 test row: counted as missing"):
        scores = goodfit.train(infinite, **QUICK).test().scores
    assert repr(scores) == repr(goodfit.train(missing, **QUICK).test().scores)  # MAPE is not a number here


def test_a_class_of_test_rows_alone_counts_as_wrong_at_the_exam():
    columns = quantity(np.random.default_rng(0))
    labels = np.where(columns["target"] > 0, "yes", "no").astype(object)
    run = goodfit.train(dict(columns, target=labels), split="last", **QUICK)
    known = run.test().scores["accuracy"].value
    wrong = run.predict(columns).values[run.splits.test] == labels[run.splits.test]
    labels[run.splits.test[np.flatnonzero(wrong)[:3]]] = "maybe"
    with pytest.warns(UserWarning) as warned:
        again = goodfit.train(dict(columns, target=labels), split="last", **QUICK)
        scores = again.test().scores
    assert "3 test rows of a class that no known row has ('maybe') counted as wrong." in [
        str(w.message) for w in warned
    ]
    assert again.record.target.classes == ("no", "yes")
    assert scores["accuracy"].value == pytest.approx(known - 3 / len(run.splits.test))
    assert np.isfinite(scores["log_loss"].value)
