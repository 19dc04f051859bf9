"""Cells unlike all training rows: counted, named, and said once; columns carried along with predictions."""

import warnings
from datetime import datetime, timedelta

import numpy as np
import pandas as pd
import pyarrow.parquet
import pytest

import goodfit
from goodfit.data.encoder import fit_encoder
from goodfit.data.table import Source
from goodfit.data.unfamiliar import sentence, unfamiliar_cells
from goodfit.errors import DataError

N = 120
RNG = np.random.default_rng(0)
TABLE = pd.DataFrame(
    {
        "age": np.r_[20.0, 60.0, RNG.uniform(20, 60, N - 2)],
        "city": RNG.choice(["Bonn", "Rome"], N),
        "joined": [str((datetime(2020, 1, 1) + timedelta(days=int(d))).date()) for d in RNG.integers(0, 400, N)],
        "name": [f"=n{i}" for i in range(N)],
        "y": RNG.choice(["no", "yes"], N),
    }
)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    settings = {"hidden": (4,), "epochs": 3, "l2": 0.01, "learning_rate": 0.01, "test_size": 0}
    folder = tmp_path_factory.mktemp("runs") / "run"
    goodfit.train(TABLE, "y", out=folder, **settings)
    return goodfit.load(folder)


def span(run, name):
    return next(feature.span for feature in run.record.encoder.features if feature.name == name)


def test_the_training_range_is_that_of_the_training_rows(run):
    """Rounded outwards, so that no cell of the table stands in the run folder."""
    ages = TABLE["age"].to_numpy()[run.splits.train]
    assert span(run, "age") == (20, np.ceil(ages.max()))


def test_known_cells_are_not_mentioned(run):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert run.predict(TABLE).unfamiliar == ()
        low, high = span(run, "age")
        assert run.predict(TABLE.assign(age=high + 0.49 * (high - low))).unfamiliar == ()


def test_each_column_with_unfamiliar_cells_is_counted_and_named(run):
    low, high = span(run, "age")
    age = TABLE["age"].astype(object).astype(str)
    age[:4] = ["999", str(low - 0.51 * (high - low)), "old", "?"]
    city = TABLE["city"].copy()
    city[:3] = ["Paris", "Paris", None]
    joined = TABLE["joined"].copy()
    joined[:2] = ["2035-06-01", "soon"]
    with pytest.warns(goodfit.DataWarning) as told:
        found = run.predict(TABLE.assign(age=age, city=city, joined=joined)).unfamiliar
    assert [(each.column, each.reason, each.cells) for each in found] == [
        ("age", "outside", 2),
        ("age", "unreadable", 1),
        ("city", "unknown", 2),
        ("joined", "outside", 1),
        ("joined", "unreadable", 1),
    ]
    assert found[1].examples == ("old",) and found[2].examples == ("Paris",) and "2035-06-01" in found[3].examples[0]
    (said,) = [str(each.message) for each in told if each.category is goodfit.DataWarning]
    assert said == sentence(found)
    assert said.startswith("2 cells of 'age' far outside the training range 2") and said.endswith("less certain.")
    assert told[0].filename == __file__


def test_the_time_of_a_column_does_not_depend_on_the_number_of_columns(monkeypatch):
    """With 100,000 columns a list of their names for each of them takes minutes."""
    columns = {f"c{i}": ["1.5", "2.5", "x"] for i in range(30)}
    table = goodfit.read_table(columns, kinds=dict.fromkeys(columns, "number"))
    encoder, listed = fit_encoder(table, np.arange(2)), []
    monkeypatch.setattr(Source, "names", property(lambda source: listed.append(source) or [*columns]))
    assert len(unfamiliar_cells(encoder, table)) == 30 and not listed


def test_the_prediction_shows_them(run):
    with pytest.warns(goodfit.DataWarning):
        prediction = run.predict(TABLE.assign(city="Oslo"))
    assert f"{N} cells of 'city' with a category that training did not know (Oslo)" in " ".join(
        repr(prediction).split()
    )


def test_columns_are_carried_along_as_they_are(run, tmp_path):
    run.write_predictions(TABLE, tmp_path / "p.parquet", id_columns=["name", "age"])
    found = pyarrow.parquet.read_table(tmp_path / "p.parquet").to_pandas()
    assert list(found) == ["name", "age", "prediction", "probability_no", "probability_yes"]
    assert found["name"].tolist() == TABLE["name"].tolist() and found["age"].tolist() == TABLE["age"].tolist()
    assert found["prediction"].tolist() == run.predict(TABLE).values.tolist()
    run.write_predictions(TABLE, tmp_path / "p.csv", id_columns=["name"])
    assert pd.read_csv(tmp_path / "p.csv")["name"].tolist() == [f"'{name}" for name in TABLE["name"]]


def test_a_column_that_cannot_be_carried_along_is_named(run, tmp_path):
    with pytest.raises(DataError, match=r"has no column 'nam': did you mean 'name'"):
        run.write_predictions(TABLE, tmp_path / "p.csv", id_columns=["nam"])
    with pytest.raises(DataError, match="'prediction' is the name of a column of predictions"):
        run.write_predictions(TABLE.assign(prediction=1), tmp_path / "p.csv", id_columns=["prediction"])
    with pytest.raises(DataError, match=r"id_columns=\['name'\]"):
        run.write_predictions(TABLE, tmp_path / "p.csv", id_columns="name")
    assert not list(tmp_path.iterdir())


def test_the_command_says_it_on_stderr(run, tmp_path, capsys):
    from goodfit.cli.main import main

    TABLE.assign(city="Oslo").to_csv(tmp_path / "new.csv", index=False)
    arguments = ["predict", str(run.path), str(tmp_path / "new.csv"), "--out", str(tmp_path / "p.csv")]
    with pytest.raises(SystemExit) as left:
        main([*arguments, "--id-columns", "name", "--id-columns", "city"])
    assert left.value.code == 0
    out, err = capsys.readouterr()
    assert f"goodfit: warning: {N} cells of 'city'" in " ".join(err.split()) and "Oslo" not in out
    assert list(pd.read_csv(tmp_path / "p.csv"))[:3] == ["name", "city", "prediction"]
