"""The test rows are opened once, on record, and what the record says can be trusted."""

import json
import math
import os
from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa
import pytest
from scipy.stats import binomtest

from goodfit.data.table import Column, Table
from goodfit.errors import ExamError
from goodfit.holdout.exam import Ledger, Opening, Seal, open_exam
from goodfit.stats import Estimate, bootstrap_intervals, wilson_interval

ROWS = [1, 3, 4]


def make_table(x=(1.0, 2.0, 3.0, 4.0, 5.0), k=("a", "b", "a", None, "b")):
    arrow = pa.table({"x": pa.array(x, pa.float64()), "k": pa.array(k, pa.string())})
    return Table(arrow, (Column("x", "number", 0, True, ""), Column("k", "category", 1, True, "")), "people.csv")


@pytest.fixture(params=["file", "memory"])
def ledger(request, tmp_path):
    return Ledger(tmp_path / "ledger.jsonl" if request.param == "file" else None)


@pytest.fixture
def written(tmp_path):
    ledger = Ledger(tmp_path / "ledger.jsonl")
    for reason in (None, "a row was wrong", "once more"):
        sit(ledger, reason=reason)
    return ledger


def sit(ledger, *, reason=None, table=None, seal=None, score=lambda: {"accuracy": Estimate(0.75, 0.5, 0.9)}):
    table = table or make_table()
    return open_exam(seal or Seal.of(make_table(), ROWS), ledger, score, table=table, model="abc", reason=reason)


def test_the_first_opening_gives_the_score_and_records_it(ledger):
    opening = sit(ledger)
    assert opening.scores == {"accuracy": Estimate(0.75, 0.5, 0.9)}
    assert (opening.number, opening.model, opening.reason) == (1, "abc", None)
    assert datetime.now(UTC) - datetime.fromisoformat(opening.time) < timedelta(minutes=1)
    assert ledger.openings() == [opening]


@pytest.mark.parametrize("reason", [None, "", "   "])
def test_a_second_opening_is_refused_before_anything_is_scored(ledger, reason):
    first = sit(ledger)
    scored = []
    with pytest.raises(ExamError) as refusal:
        sit(ledger, reason=reason, score=lambda: scored.append(1) or {})
    assert not scored and ledger.openings() == [first]
    for part in ("opened once", first.time, "accuracy 0.7500 [0.5000, 0.9000]", "reason"):
        assert part in str(refusal.value)


def test_a_reason_opens_again_and_stays_on_record(ledger):
    sit(ledger)
    second = sit(ledger, reason="  labels were repaired ")
    assert (second.number, second.reason) == (2, "labels were repaired")
    assert [opening.number for opening in ledger.openings()] == [1, 2]
    with pytest.raises(ExamError, match="opened 2 times"):
        sit(ledger)


def test_the_line_is_on_disk_before_the_score_is_returned(tmp_path, monkeypatch):
    path = tmp_path / "ledger.jsonl"
    synced = []
    monkeypatch.setattr(os, "fsync", lambda handle: synced.append((os.fstat(handle).st_ino, path.read_bytes())))
    sit(Ledger(path))
    inode, content = synced[0]
    assert inode == path.stat().st_ino
    assert content.endswith(b"\n") and json.loads(content)["scores"] == {"accuracy": [0.75, 0.5, 0.9]}


def test_no_score_leaves_when_the_record_cannot_be_written(tmp_path):
    with pytest.raises(OSError):
        sit(Ledger(tmp_path / "nowhere" / "ledger.jsonl"))


def test_a_score_that_fails_is_no_opening(ledger):
    with pytest.raises(ZeroDivisionError):
        sit(ledger, score=lambda: {"accuracy": Estimate(1 / 0, 0, 0)})
    assert ledger.openings() == []


def test_an_undefined_score_is_kept(ledger):
    sit(ledger, score=lambda: {"auc": Estimate(math.nan, math.nan, math.nan)})
    assert math.isnan(ledger.openings()[0].scores["auc"].value)


def test_changed_test_rows_are_not_examined(ledger):
    with pytest.raises(ExamError, match=r"people\.csv are not the rows that were sealed"):
        sit(ledger, table=make_table(x=(1.0, 2.5, 3.0, 4.0, 5.0)))
    assert ledger.openings() == []


@pytest.mark.parametrize(
    "change",
    [{"x": (1.0, 2.0, 3.0, 4.0, 5.5)}, {"k": ("a", "b", "a", "", "b")}, {"x": (2.0, 1.0, 3.0, 4.0, 5.0)}],
)
def test_the_seal_sees_any_change_in_its_rows(change):
    with pytest.raises(ExamError, match="sealed"):
        Seal.of(make_table(), ROWS).verify(make_table(**change))


def test_the_seal_sees_rows_that_changed_places_or_are_gone():
    seal = Seal.of(make_table(), ROWS)
    for rows in ([0, 3, 2, 1, 4], [0, 1, 2, 3]):
        with pytest.raises(ExamError, match="sealed"):
            seal.verify(make_table().take(rows))


def test_other_rows_may_change():
    Seal.of(make_table(), ROWS).verify(make_table(x=(9.0, 2.0, 9.0, 4.0, 5.0), k=("z", "b", "z", None, "b")))


def test_a_seal_comes_back_from_json():
    seal = Seal.of(make_table(), np.array(ROWS))
    assert Seal.from_json(json.loads(json.dumps(seal.to_json()))) == seal
    for damaged in ({}, {"rows": [], "digest": "a"}, {"rows": [-1], "digest": "a"}, {"rows": [1.5], "digest": "a"}):
        with pytest.raises(ExamError, match="damaged"):
            Seal.from_json(damaged)


def test_there_is_no_exam_without_rows():
    with pytest.raises(ExamError, match="test_size above 0"):
        Seal.of(make_table(), [])


def test_a_ledger_of_other_rows_is_refused(ledger):
    sit(ledger)
    with pytest.raises(ExamError, match="other test rows"):
        sit(ledger, seal=Seal.of(make_table(), [0]), reason="again")


def rewrite(ledger, change):
    lines = ledger.path.read_bytes().splitlines(keepends=True)
    ledger.path.write_bytes(b"".join(change(lines)))


@pytest.mark.parametrize(
    ("change", "line"),
    [
        (lambda lines: [lines[0].replace(b"0.75", b"0.95"), *lines[1:]], 1),
        (lambda lines: [*lines[:2], lines[2].replace(b"0.75", b"0.95")], 3),
        (lambda lines: lines[1:], 1),
        (lambda lines: [lines[0], lines[2]], 2),
        (lambda lines: [lines[1], lines[0], lines[2]], 1),
        (lambda lines: [*lines[:2], lines[2][:40]], 3),
        (lambda lines: [*lines[:2], lines[2][:-1]], 3),
        (lambda lines: [*lines, b"\xff\x00\n"], 4),
        (lambda lines: [*lines, b"[1]\n"], 4),
        (lambda lines: [*lines, b"[" * 100_000 + b"\n"], 4),
        (lambda lines: [*lines, lines[2]], 4),
    ],
)
def test_a_ledger_that_was_cut_or_edited_opens_nothing(written, change, line):
    rewrite(written, change)
    with pytest.raises(ExamError, match=f"Line {line} of the ledger"):
        written.openings()
    with pytest.raises(ExamError, match=f"Line {line} of the ledger"):
        sit(written, reason="again")


def test_a_line_that_was_replaced_by_another_sound_one_breaks_the_chain(written, tmp_path):
    other = Ledger(tmp_path / "other.jsonl")
    sit(other, score=lambda: {"accuracy": Estimate(0.95, 0.9, 0.99)})
    rewrite(written, lambda lines: [other.path.read_bytes(), *lines[1:]])
    with pytest.raises(ExamError, match="Line 2 of the ledger"):
        written.openings()


def test_a_line_taken_from_the_end_shows_in_the_head(written):
    before = written.head
    rewrite(written, lambda lines: lines[:-1])
    assert len(written.openings()) == 2 and written.head != before


def test_an_opening_in_between_is_not_written_over(ledger):
    def meanwhile():
        sit(ledger)
        return {"accuracy": Estimate(0.5, 0.4, 0.6)}

    with pytest.raises(ExamError, match="at the same time"):
        sit(ledger, score=meanwhile)
    assert len(ledger.openings()) == 1


def test_an_opening_reads_well():
    opening = Opening(1, "2026-01-31T12:00:00+00:00", "s", "m", None, {"rmse": Estimate(1.0, 0.5, 2.0)})
    assert str(opening) == "2026-01-31T12:00:00+00:00: rmse 1.0000 [0.5000, 2.0000]"


@pytest.mark.parametrize(("k", "n"), [(0, 10), (10, 10), (8, 10), (1, 1), (170, 200), (14_000, 16_281)])
@pytest.mark.parametrize("confidence", [0.9, 0.95, 0.99])
def test_the_wilson_interval_is_that_of_scipy(k, n, confidence):
    peer = binomtest(k, n).proportion_ci(confidence, method="wilson")
    assert wilson_interval(k, n, confidence=confidence) == pytest.approx((peer.low, peer.high), abs=1e-12)


@pytest.mark.parametrize(("k", "n", "confidence"), [(1, 0, 0.95), (-1, 5, 0.95), (6, 5, 0.95), (1, 5, 1.0)])
def test_an_interval_of_nothing_is_refused(k, n, confidence):
    with pytest.raises(ExamError, match="No interval"):
        wilson_interval(k, n, confidence=confidence)


RIGHT = np.arange(400) < 300


def shares(weights):
    """Share of the rows that are right, and a metric that only draws with the first row have."""
    return np.stack(
        [weights @ RIGHT[: weights.shape[1]] / weights.sum(axis=1), np.where(weights[:, 0], 0.5, np.nan)], 1
    )


def test_the_bootstrap_of_a_share_is_the_binomial_interval():
    (low, high), _ = bootstrap_intervals(shares, 400, seed=1, n_resamples=4000)
    half = 1.96 * math.sqrt(0.75 * 0.25 / 400)
    assert (low, high) == pytest.approx((0.75 - half, 0.75 + half), abs=0.005)


def test_the_weights_are_counts_in_blocks_and_the_seed_decides(monkeypatch):
    seen = []
    intervals = bootstrap_intervals(lambda w: seen.append(w) or shares(w), 3, seed=3, n_resamples=50)
    counts = np.concatenate(seen)
    assert counts.shape == (50, 3) and set(counts.sum(axis=1)) == {3} and counts.max() > 1
    monkeypatch.setattr("goodfit.stats.BLOCK_CELLS", 3 * 20)
    assert bootstrap_intervals(shares, 3, seed=3, n_resamples=50) == intervals


def test_draws_on_which_a_metric_is_undefined_are_left_out():
    assert bootstrap_intervals(shares, 3, seed=0)[1] == (0.5, 0.5)
    never = bootstrap_intervals(lambda w: np.full((len(w), 1), np.nan), 3, seed=0, n_resamples=3)
    assert all(map(math.isnan, never[0]))


def test_no_rows_have_no_interval():
    with pytest.raises(ExamError, match="no rows to draw from"):
        bootstrap_intervals(shares, 0, seed=0)
