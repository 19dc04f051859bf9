"""A table that is larger than the memory it may take trains, is examined and predicts as any other."""

import json
import re
import warnings

import numpy as np
import pyarrow.csv
import pytest

import goodfit
from goodfit.data.io.blocks import Blocks, open_blocks
from goodfit.data.splits.hashed import TEST, TRAIN, VALIDATION, hashed_splits
from goodfit.data.table import Source, read_table
from goodfit.errors import ConfigError, DataError, ExamError, SplitError
from goodfit.experiment.block_training import prepare_blocks
from goodfit.experiment.opening import open_table
from goodfit.experiment.settings import Settings

N_ROWS = 6_000
FEW = {"memory": "1MB", "hidden": (6,), "epochs": 6, "learning_rate": [0.003, 0.03], "l2": [0, 0.001]}
HEADER = "amount;city;joined;member;gap;target\n"


def lines(n_rows=N_ROWS, seed=0):
    """Rows with decimal commas, dates, booleans and words for missing cells, sorted by class."""
    rng = np.random.default_rng(seed)
    amount, city = rng.normal(1_000, 500, n_rows), rng.choice(["Bonn", "Köln", "Rom"], n_rows)
    member, gap = rng.random(n_rows) < 0.5, rng.random(n_rows) < 0.1
    y = (amount / 500 + 2 * (city == "Rom") + member + rng.normal(0, 0.5, n_rows)) > 3
    order = np.argsort(y, kind="stable")
    return [
        f"{amount[i]:.2f}".replace(".", ",")
        + f";{city[i]};{1 + i % 28}.{1 + i % 12}.2024;{'True' if member[i] else 'FALSE'}"
        + f";{'n/a' if gap[i] else i % 7};{'yes' if y[i] else 'no'}\n"
        for i in order
    ]


@pytest.fixture(scope="module")
def rows():
    return lines()


@pytest.fixture(scope="module")
def path(rows, tmp_path_factory):
    file = tmp_path_factory.mktemp("blocks") / "sorted.csv"
    file.write_text(HEADER + "".join(rows))
    return file


def trained(path, **given):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return goodfit.train(path, **{**FEW, **given})


@pytest.fixture(scope="module")
def run(path, tmp_path_factory):
    return trained(path, out=tmp_path_factory.mktemp("runs") / "run")


def test_all_rows_are_split_and_a_sample_of_them_is_kept(run):
    whole, splits = run.record.streamed, run.splits
    expected = hashed_splits(np.arange(N_ROWS), test_size=0.2, validation_split=0.2, seed=0)
    assert [whole.train, whole.validation, whole.test] == [np.sum(expected == s) for s in (TRAIN, VALIDATION, TEST)]
    assert whole.n_rows == run.record.n_rows == N_ROWS
    assert len(splits.known) == len(splits.test) == whole.n_sampled < N_ROWS / 10
    for split, numbers in zip((TRAIN, VALIDATION, TEST), splits.arrays().values(), strict=True):
        assert (expected[numbers] == split).all()


def test_contenders_are_trained_on_all_rows_and_one_of_them_is_selected(run):
    table = run.sweep.table.to_pylist()
    assert [row["rung"] for row in table].count(0) == 4
    assert table[run.sweep.selection.trial]["rung"] == 1
    assert {run.sweep.table["rung"][i].as_py() for member in run.ensemble.members for i in member.trials} == {1}
    assert run.scores["accuracy"].value > 0.85


def test_a_table_sorted_by_class_is_learned_as_well_as_a_shuffled_one(run, rows, tmp_path):
    shuffled = tmp_path / "shuffled.csv"
    shuffled.write_text(HEADER + "".join(np.random.default_rng(1).permutation(rows).tolist()))
    assert run.test(reason="again").scores["accuracy"].value > trained(shuffled).test().scores["accuracy"].low - 0.01


def test_the_run_is_loaded_predicts_and_says_which_rows_it_saw(run, path):
    loaded = goodfit.load(run.path)
    assert loaded.record.streamed == run.record.streamed
    assert np.array_equal(loaded.predict(path).values, run.predict(path).values)
    assert (loaded.predict(path).values == read_table(path).values("target")).mean() > 0.85
    page = run.report().read_text("utf-8")
    assert "All 6,000 rows were read, in blocks." in page
    assert f"{run.record.streamed.train:,} training" in str(run) or f"{run.record.streamed.train:,} train" in str(run)


def test_the_exam_is_taken_once_by_the_sealed_rows_of_the_file(run, path, tmp_path):
    loaded = goodfit.load(trained(path, out=tmp_path / "run", l2=0, learning_rate=0.03).path)
    opening = loaded.test()
    assert sum(map(sum, opening.confusion)) == len(loaded.splits.test)
    assert opening.scores["accuracy"].value > 0.85
    with pytest.raises(ExamError, match="scored once"):
        loaded.test()
    changed = tmp_path / "changed.csv"
    changed.write_text(path.read_text().replace("Bonn", "Berlin"))
    with pytest.raises(ExamError, match="not the rows that were sealed"):
        loaded.test(changed, reason="another file")


def test_nothing_but_the_seal_depends_on_features_of_test_rows(run, rows, tmp_path):
    splits = hashed_splits(np.arange(N_ROWS), test_size=0.2, validation_split=0.2, seed=0)
    other = [
        re.sub(r"^[^;]*;[^;]*", "9999,5;Oslo", row) if split == TEST else row
        for row, split in zip(rows, splits, strict=True)
    ]
    file = tmp_path / "other.csv"
    file.write_text(HEADER + "".join(other))
    again = trained(file)
    assert again.record.seal != run.record.seal
    assert again.record.encoder == run.record.encoder
    assert again.sweep.table.equals(run.sweep.table)


def test_blocks_are_read_and_encoded_as_the_table_in_memory(path):
    blocks = open_blocks(path, block_bytes=1 << 14)
    prepared = prepare_blocks(blocks, "target", Settings(memory="1MB"))
    whole, schema = read_table(path), prepared.table.schema
    found = list(prepared.blocks.training_rows(schema))
    assert len(found) > 5
    for table in found:
        same = whole.take(table.row_numbers)
        assert table.arrow.to_pydict() == same.arrow.to_pydict()
        assert np.array_equal(prepared.encoder.transform(table), prepared.encoder.transform(same))


def test_ranges_are_those_of_all_training_rows(run, path):
    training = hashed_splits(np.arange(N_ROWS), test_size=0.2, validation_split=0.2, seed=0) == TRAIN
    amounts = read_table(path).values("amount")[training]
    [amount] = [feature for feature in run.record.encoder.features if feature.name == "amount"]
    low, high = amount.span
    assert low <= amounts.min()
    assert high >= amounts.max()
    assert max(amounts.min() - low, high - amounts.max()) < 0.02 * np.ptp(amounts)


def test_a_rare_class_is_in_the_sample(rows, tmp_path):
    file = tmp_path / "rare.csv"
    file.write_text(HEADER + "".join(rows[:-4]) + "".join(row.replace(";yes", ";rare") for row in rows[-4:]))
    prepared = prepare_blocks(open_blocks(file, block_bytes=1 << 14), "target", Settings(memory="1MB"))
    assert prepared.target.classes == ("no", "rare", "yes")


def test_a_quantity_is_predicted_and_rows_without_it_are_left_out(rows, tmp_path):
    file = tmp_path / "quantity.csv"
    file.write_text(HEADER + "".join(rows).replace("1;1.", "?;1."))
    lacking = rows[0].split(";")
    body = [";".join(["", *lacking[1:]])] * 40 + rows
    file.write_text(HEADER + "".join(body))
    with pytest.warns(UserWarning, match="40 of 6,040 rows have no value of 'amount' and are left out"):
        run = goodfit.train(file, "amount", **{**FEW, "l2": 0, "learning_rate": 0.01})
    assert sum(run.record.sizes.values()) == N_ROWS
    low, high = run.record.target.limits
    assert low < -500
    assert high > 2_500
    with pytest.raises(DataError, match="is missing in rows 1, 2, 3"):
        trained(file, target="amount", missing_target="error")


def test_a_training_that_was_interrupted_on_all_rows_goes_on_bit_for_bit(run, path, tmp_path, monkeypatch):
    class Stop(Exception):
        pass

    epochs = []

    def stop(progress):
        epochs.append(progress.rung)
        if epochs.count(1) == 3:
            raise Stop

    monkeypatch.setattr("goodfit.experiment.run_folder.journal.FoldJournal.is_due", lambda *_: True)
    with pytest.raises(Stop):
        trained(path, out=tmp_path / "run", on_progress=stop)
    epochs.clear()
    given = {**dict.fromkeys(FEW), "resume": tmp_path / "run", "on_progress": lambda p: epochs.append(p.rung)}
    resumed = trained(goodfit.workflow.DEFAULT_TABLE, **given)
    assert epochs.count(1) == FEW["epochs"] - 2  # two were saved before the third was interrupted
    assert resumed.sweep.table.equals(run.sweep.table)
    assert json.dumps(resumed.record.ensemble.out_of_fold.losses) == json.dumps(run.record.ensemble.out_of_fold.losses)


def test_a_folder_of_parquet_files_is_one_table(path, tmp_path):
    table = pyarrow.csv.read_csv(path, parse_options=pyarrow.csv.ParseOptions(delimiter=";"))
    for number, begin in enumerate((0, 2_500)):
        pyarrow.parquet.write_table(table.slice(begin, 2_500 if not number else N_ROWS), tmp_path / f"{number}.parquet")
    run = trained(tmp_path, l2=0, learning_rate=0.03)
    assert run.record.streamed.n_rows == N_ROWS
    assert run.scores["accuracy"].value > 0.85


def test_a_file_that_fits_is_read_into_memory(path):
    assert isinstance(open_table(path, Settings(memory="1GB")), Source)
    assert isinstance(open_table(path, Settings(memory="1MB")), Blocks)
    assert isinstance(open_table(path.parent, Settings(memory="1GB")), Blocks)


@pytest.mark.parametrize(
    ("given", "error", "told"),
    [
        ({"folds": 5}, ConfigError, "folds=5 needs the table in memory"),
        ({"group": "city"}, SplitError, "not by split='group'"),
        ({"test_size": 500}, SplitError, "must be a share"),
        ({"target": "tarxet"}, DataError, "did you mean 'target'"),
        ({"memory": "little"}, ConfigError, "memory must be a size of at least 1MB"),
        ({"memory": 1000}, ConfigError, "memory must be a size of at least 1MB"),
    ],
)
def test_what_needs_the_table_in_memory_is_refused(path, given, error, told):
    with pytest.raises(error, match=told):
        trained(path, **given)


def test_a_folder_and_a_table_larger_than_the_machine_are_told_of_memory(path, monkeypatch):
    with pytest.raises(DataError, match="memory='1GB' to read all in blocks"):
        goodfit.train(path.parent)
    monkeypatch.setattr("goodfit.experiment.opening.memory", lambda: 10**6)
    with pytest.raises(DataError, match=r"needs about 0 GB of memory, and .* read it in blocks with memory='1GB'"):
        goodfit.train(path)
