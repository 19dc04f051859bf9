"""Rows without a value of the target: left out and counted, or refused on request."""

import numpy as np
import pytest

import goodfit
from goodfit.data.table import open_source
from goodfit.experiment.prepare import prepare
from goodfit.experiment.settings import Settings

RNG = np.random.default_rng(0)
QUICK = {"l2": 0.001, "learning_rate": 0.01, "epochs": 2, "hidden": (4,)}
GAPS = np.arange(120) % 20 == 3


def table(labels, **columns):
    return {"x": RNG.normal(size=len(labels)), **columns, "y": labels}


@pytest.mark.parametrize("kind", ["classes", "quantity"])
def test_rows_without_a_target_are_in_no_split_and_counted(kind):
    classes = [None if gap else "ab"[i % 2] for i, gap in enumerate(GAPS)]
    labels = classes if kind == "classes" else np.where(GAPS, np.nan, RNG.normal(size=120))
    with pytest.warns(UserWarning, match=r"^6 of 120 rows have no value of 'y' and are left out\.$"):
        run = goodfit.train(table(labels), "y", **QUICK)
    used = np.sort(np.concatenate(list(run.splits.arrays().values())))
    np.testing.assert_array_equal(used, np.flatnonzero(~GAPS))
    assert run.test().scores


def test_what_groups_and_orders_rows_is_read_of_the_same_rows():
    labels = [None if gap else "ab"[i % 2] for i, gap in enumerate(GAPS)]
    columns = {"who": np.arange(120) // 4, "when": np.arange(120)[::-1]}
    with pytest.warns(UserWarning, match="left out"):
        grouped, ordered = (
            prepare(open_source(table(labels, **columns)), "y", settings).splits
            for settings in (Settings(group="who"), Settings(time="when"))
        )
    by_split = [set(columns["who"][rows]) for rows in grouped.arrays().values()]
    assert sum(map(len, by_split)) == len(set.union(*by_split))
    assert columns["when"][ordered.train].max() < columns["when"][ordered.test].min()


def test_they_are_refused_on_request_and_where_no_row_has_a_target():
    labels = ["a", "b", None, "a"] * 20
    for given, settings in ((labels, {"missing_target": "error"}), ([None] * 80, {})):
        with pytest.raises(goodfit.DataError, match="target 'y' is missing in rows"):
            goodfit.train(table(given), "y", **QUICK | settings)


def test_a_run_is_saved_and_its_exam_taken_from_the_file(tmp_path):
    path = tmp_path / "t.csv"
    lines = [f"{i % 7},{'' if gap else 'ab'[i % 2]}" for i, gap in enumerate(GAPS)]
    path.write_text("\n".join(["x,y", *lines]) + "\n")
    with pytest.warns(UserWarning, match="left out"):
        goodfit.train(path, "y", out=tmp_path / "run", **QUICK)
    assert len(goodfit.load(tmp_path / "run").splits.test) == 23
    assert goodfit.load(tmp_path / "run").test().scores
