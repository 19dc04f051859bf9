"""Fine-tuning: the first prediction is that of the earlier network, the seal travels, and the gain is measured."""

import re
import warnings
from dataclasses import replace

import numpy as np
import pytest

import goodfit
from goodfit.data.table import open_source, read_table
from goodfit.errors import ConfigError, DataError
from goodfit.experiment.predictor import Predictor
from goodfit.experiment.prepare import prepare
from goodfit.experiment.settings import Settings
from goodfit.experiment.start_comparison import initial_params
from goodfit.reporting.transfer_sentences import of_transfer
from goodfit.run import predictor_of
from goodfit.workflow import _start_of

LAYERS = {"hidden": (6,), "epochs": 20}
ONE = {"l2": 0.001, "learning_rate": 0.01}
GRID = {"l2": [0.0, 0.01], "learning_rate": [0.001, 0.01]}
WORDS = ["free", "entry", "win", "ring", "call"]


def people(n, seed, *, shift=0.0, **more):
    """A table with a column of every kind; `more` adds columns, or leaves one out where it is None."""
    rng = np.random.default_rng(seed)
    age, city = rng.normal(40 + shift, 12, n), rng.choice(["Bonn", "Rome", "Oslo"], n)
    found = {
        "age": np.where(rng.random(n) < 0.1, np.nan, age),
        "city": city,
        "letter": [" ".join(rng.choice(WORDS, 6)) for _ in range(n)],
        "joined": [f"2020-{month:02}-{day:02}" for month, day in rng.integers(1, 13, (n, 2))],
        "target": np.tanh(age / 20 - 2) + (city == "Bonn") + 0.1 * rng.normal(size=n) + shift,
    }
    return {name: cells for name, cells in {**found, **more}.items() if cells is not None}


@pytest.fixture(scope="module")
def earlier():
    """A run of a quantity, with bins for its numbers."""
    return goodfit.train(people(300, 0), kinds={"letter": "text"}, **GRID, **LAYERS)


@pytest.fixture(scope="module")
def of_classes():
    table = people(200, 0)
    return goodfit.train(table | {"target": np.where(table["target"] > 0.5, "high", "low")}, **ONE, **LAYERS)


def first_prediction(earlier, table):
    """Of the training that starts from the earlier run, before its first epoch, for all rows of the table."""
    start = _start_of(earlier)
    source = open_source(table)
    source = replace(source, kinds=start.kinds(source.names))
    prepared = prepare(source, "target", Settings(**start.settings({**GRID, "dropout": 0.1})), start=start)
    params = initial_params(prepared)
    begun = Predictor(prepared.settings, prepared.target, prepared.encoder, params, None)
    return prepared.target.decode(begun.predict(read_table(table))), prepared


def alone(earlier, table):
    """The prediction of the selected network of the earlier run."""
    predictor = replace(predictor_of(earlier.record), ensemble=None)
    return earlier.record.target.decode(predictor.predict(predictor.read(read_table(table))))


def test_the_first_prediction_is_that_of_the_earlier_network(earlier):
    table = people(60, 1, shift=0.3, sport=np.random.default_rng(2).normal(size=60))
    found, prepared = first_prediction(earlier, table)
    assert prepared.target.scale != earlier.record.target.scale
    assert [feature.name for feature in prepared.encoder.features][-1] == "sport"
    expected = alone(earlier, table).values
    assert np.ptp(expected) > 0.5
    assert np.abs(found.values - expected).max() < 1e-5


def test_the_first_probabilities_are_those_of_the_earlier_network(of_classes):
    table = people(60, 1)
    table = {"zip": np.arange(60) % 7, **table, "target": np.where(table["target"] > 0.5, "high", "low")}
    found, _ = first_prediction(of_classes, table)
    assert np.abs(found.probabilities - alone(of_classes, table).probabilities).max() < 1e-6


@pytest.mark.parametrize("name", ["age", "city", "letter", "joined"])
def test_a_column_that_is_gone_counts_as_missing(earlier, name):
    table = people(60, 1, **{name: None})
    found, _ = first_prediction(earlier, table)
    emptied = read_table({**table, name: [None] * 60}, kinds={name: earlier.record.encoder.columns[name]})
    expected = alone(earlier, emptied).values
    assert np.abs(expected - alone(earlier, people(60, 1)).values).max() > 0.01
    assert np.abs(found.values - expected).max() < 1e-5


def test_kinds_are_those_of_the_earlier_run(earlier):
    run = goodfit.train(people(60, 1), start=earlier, **ONE, epochs=2)
    assert run.record.encoder.columns == earlier.record.encoder.columns
    assert run.record.encoder.features == earlier.record.encoder.features


def test_transfer_is_measured_on_the_rows_of_all_folds(earlier):
    run = goodfit.train(people(75, 1, shift=0.2, new=np.arange(75.0) % 5), start=earlier, **GRID, epochs=20)
    found = run.transfer
    assert found.n_rows == len(run.splits.known)
    assert found.new_columns == ("new",)
    assert found.gain == pytest.approx(found.scratch_loss - found.loss)
    assert found.gain > 2 * found.standard_error > 0
    assert found.selected
    assert found.loss == pytest.approx(run.ensemble.loss_before, rel=1e-5)
    one = goodfit.train(people(75, 1, shift=0.2), start=earlier, **GRID, epochs=20, keep="one")
    assert one.transfer.loss == pytest.approx(one.sweep.selection.chosen.mean, rel=1e-6)


def test_what_is_better_from_scratch_is_kept_from_scratch():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(400, 3))
    columns = {f"x{i}": x[:, i] for i in range(3)}
    settings = {"hidden": (), "l2": 0.0, "learning_rate": 0.03, "numbers": "scaled"}
    earlier = goodfit.train(columns | {"target": 3 * x.sum(axis=1)}, epochs=60, **settings)
    run = goodfit.train(columns | {"target": -3 * x.sum(axis=1) + 0.01}, start=earlier, **settings | {"epochs": 8})
    assert not run.transfer.selected
    assert run.transfer.scratch_loss < run.transfer.loss < run.transfer.unchanged_loss
    again = goodfit.train(columns | {"target": -3 * x.sum(axis=1) + 0.01}, **settings | {"epochs": 8})
    assert np.array_equal(run.training.params[0]["kernel"], again.training.params[0]["kernel"])


def test_a_training_that_diverges_is_not_compared(earlier):
    diverging = {"optimizer": "sgd", "l2": 0.0, "learning_rate": 1e30}
    with pytest.warns(UserWarning, match="from the earlier network diverged"):
        run = goodfit.train(people(60, 1), start=earlier, epochs=2, **diverging)
    assert run.transfer is None
    assert run.training.outcome is goodfit.Outcome.DIVERGED


def test_the_run_folder_keeps_it(earlier, tmp_path):
    run = goodfit.train(people(60, 1), start=earlier, out=tmp_path / "run", **ONE, epochs=2, test_size=0)
    assert goodfit.load(tmp_path / "run").transfer == run.transfer
    second = goodfit.train(people(60, 3), start=tmp_path / "run", **ONE, epochs=2)
    assert second.transfer.earlier == str(tmp_path / "run")


@pytest.mark.slow
def test_transfer_beats_scratch_at_100_rows_in_every_seed(earlier):
    rest = people(500, 99, shift=0.5)
    for seed in range(3):
        rows = people(100, 10 + seed, shift=0.5)
        tuned = goodfit.train(rows, start=earlier, test_size=0, seed=seed, **GRID, epochs=20)
        scratch = goodfit.train(rows, test_size=0, seed=seed, **GRID, **LAYERS)
        errors = [np.square(run.predict(rest).values - rest["target"]).mean() for run in (tuned, scratch)]
        assert errors[0] < errors[1]
        assert tuned.transfer.selected


def joined(first, second):
    """One table below the other."""
    return {name: [*first[name], *second[name]] for name in first}


def rows_of(table, numbers):
    return {name: [cells[number] for number in numbers] for name, cells in table.items()}


def test_a_row_of_the_earlier_exam_is_no_training_row(earlier):
    old, new = people(300, 0), people(50, 1)
    taken = rows_of(old, earlier.splits.test[:5])
    with pytest.raises(DataError, match=r"The exam of the earlier run holds \d rows? of .*, the first is row 5[1-5]:"):
        goodfit.train(joined(new, taken), start=earlier, **ONE, split="last", epochs=2, test_size=0)


def test_an_exam_row_that_the_earlier_run_knew_as_well_is_not_refused(tmp_path):
    table = {"x": [1.0, 2.0, 3.0, 4.0] * 20, "target": ["a", "b", "a", "b"] * 20}
    earlier = goodfit.train(table, **ONE, **LAYERS)
    with pytest.warns(UserWarning, match="has learned from 40 rows"):
        goodfit.train(rows_of(table, range(40)), start=earlier, test_size=0, **ONE, epochs=2)


def test_rows_that_the_earlier_run_has_learned_from_are_counted(earlier):
    old, new = people(300, 0), people(50, 1)
    seen = rows_of(old, earlier.splits.train[:7])
    with pytest.warns(UserWarning, match="has learned from 7 rows"):
        goodfit.train(joined(new, seen), start=earlier, test_size=0, **ONE, epochs=2)


def test_an_exam_that_cannot_be_found_is_said(earlier, tmp_path):
    goodfit.train(people(60, 0), out=tmp_path / "run", **ONE, **LAYERS)
    with pytest.warns(UserWarning, match="exam cannot be recognised: The run was trained on a table in memory"):
        goodfit.train(people(50, 1), start=tmp_path / "run", **ONE, epochs=2)
    with pytest.warns(UserWarning, match="exam cannot be recognised: this table lacks age"):
        goodfit.train(people(50, 1, age=None), start=earlier, **ONE, epochs=2)


def test_new_rows_are_trained_on_without_a_word(earlier):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.simplefilter("ignore", goodfit.DataWarning)
        goodfit.train(people(60, 1), start=earlier, **ONE, epochs=2)


@pytest.mark.parametrize(("name", "value"), [("hidden", (7,)), ("activation", "relu")])
def test_layers_are_those_of_the_earlier_run(earlier, name, value):
    with pytest.raises(ConfigError, match=re.escape(f"{name}={value!r} is not that of the earlier run")):
        goodfit.train(people(50, 1), start=earlier, **{name: value})


def test_whole_numbers_are_a_quantity_where_they_were_one(earlier):
    table = people(60, 1)
    run = goodfit.train(table | {"target": np.round(table["target"])}, start=earlier, **ONE, epochs=2)
    assert run.record.target.task == "regression"


def test_another_task_and_other_classes_are_refused(earlier, of_classes):
    table = people(60, 1)
    with pytest.raises(DataError, match="is a binary target, that of the earlier run a regression target"):
        goodfit.train(table | {"target": np.where(table["target"] > 0, "a", "b")}, start=earlier, task="classification")
    with pytest.raises(DataError, match="are 'a', 'b', those of the earlier run 'high', 'low'"):
        goodfit.train(table | {"target": np.where(table["target"] > 0, "a", "b")}, start=of_classes)
    with pytest.raises(DataError, match="none of the columns"):
        goodfit.train({"other": np.arange(60.0), "target": table["target"]}, start=earlier)


def test_the_cost_is_that_of_both(earlier):
    once, both = (goodfit.dry_run(people(60, 1), **GRID, **more) for more in (LAYERS, {"start": earlier, "epochs": 20}))
    assert both.trials == 2 * once.trials


def test_frozen_layers_keep_the_earlier_weights_to_the_last_bit():
    earlier = goodfit.train(people(150, 0), kinds={"letter": "text"}, **ONE, hidden=(6, 5), epochs=20)
    given = {"start": earlier, "l2": [0.0, 0.001], "learning_rate": 0.01, "epochs": 3, "folds": 2}
    tuned, whole = (goodfit.train(people(60, 1), freeze=n_frozen, **given) for n_frozen in (1, 0))
    assert tuned.transfer.selected
    first, second = earlier.training.params[:2]
    networks = [params for fold in tuned.ensemble.folds for params in fold.networks]
    assert len(networks) >= 2
    for params in (tuned.training.params, *networks):
        assert all(np.array_equal(first[name], params[0][name]) for name in first)
        assert all(not np.array_equal(second[name], params[1][name]) for name in second)
    assert not np.array_equal(first["kernel"], whole.training.params[0]["kernel"])
    assert tuned.transfer.scratch_loss == whole.transfer.scratch_loss  # which is never frozen
    assert tuned.transfer.loss != whole.transfer.loss
    assert "with 1 frozen hidden layer the validation loss" in of_transfer(tuned.transfer, "", freeze=1)


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({"freeze": 2}, "freeze=2, but the earlier run has 1 hidden layer"),
        ({"freeze": -1}, "freeze must be a whole number"),
    ],
)
def test_more_layers_than_there_are_cannot_be_frozen(earlier, more, told):
    with pytest.raises(ConfigError, match=told):
        goodfit.train(people(50, 1), start=earlier, **more)


def test_layers_are_frozen_only_with_an_earlier_run():
    with pytest.raises(ConfigError, match="freeze keeps layers of an earlier run: give start"):
        goodfit.train(people(50, 1), freeze=1)
