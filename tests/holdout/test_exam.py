"""The test rows are opened once, on record, and what the record says can be trusted."""

import errno
import json
import math
import os
import threading
from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa
import pytest

from goodfit import files
from goodfit.data.table import Column, Source
from goodfit.errors import ExamError
from goodfit.holdout.ledger import Ledger, Opening
from goodfit.holdout.scoring import Result, open_exam
from goodfit.holdout.sealed_rows import SealedRows
from goodfit.stats import Estimate

ROWS = [1, 3, 4]


SCHEMA = (Column("x", "number", 0, True, ""), Column("k", "category", 1, True, ""))


def sealed(rows=ROWS, x=(1.0, 2.0, 3.0, 4.0, 5.0), k=("a", "b", "a", None, "b"), order=slice(None)):
    """These rows of a table, sealed."""
    columns = {"x": pa.array(np.array(x)[order], pa.float64()), "k": pa.array(np.array(k)[order], pa.string())}
    return SealedRows(Source(pa.table(columns), "people.csv"), np.array(rows, np.int64), SCHEMA)


@pytest.fixture(params=["file", "memory"])
def ledger(request, tmp_path):
    return Ledger(tmp_path / "ledger.jsonl" if request.param == "file" else None)


@pytest.fixture
def written(tmp_path):
    ledger = Ledger(tmp_path / "ledger.jsonl")
    for reason in (None, "a row was wrong", "once more"):
        sit(ledger, reason=reason)
    return ledger


SCORED = Result({"accuracy": Estimate(0.75, 0.5, 0.9)}, ((2, 0), (1, 0)))


def sit(ledger, *, reason=None, rows=None, score=lambda _: SCORED, seal=None):
    return open_exam(seal or sealed().seal(), ledger, score, sealed=rows or sealed(), model="abc", reason=reason)


def test_the_first_opening_gives_the_score_and_records_it(ledger):
    opening = sit(ledger)
    assert opening.scores == {"accuracy": Estimate(0.75, 0.5, 0.9)}
    assert opening.confusion == ((2, 0), (1, 0))
    assert (opening.number, opening.model, opening.reason) == (1, "abc", None)
    assert datetime.now(UTC) - datetime.fromisoformat(opening.time) < timedelta(minutes=1)
    assert ledger.openings() == [opening]


@pytest.mark.parametrize("reason", [None, "", "   "])
def test_a_second_opening_is_refused_before_anything_is_scored(ledger, reason):
    first = sit(ledger)
    scored = []
    with pytest.raises(ExamError) as refusal:
        sit(ledger, reason=reason, score=lambda _: scored.append(1) or SCORED)
    assert not scored and ledger.openings() == [first]
    for part in ("scored once", first.when, "reason"):
        assert part in str(refusal.value)


def test_a_reason_opens_again_and_stays_on_record(ledger):
    sit(ledger)
    second = sit(ledger, reason="  labels were repaired ")
    assert (second.number, second.reason) == (2, "labels were repaired")
    assert [opening.number for opening in ledger.openings()] == [1, 2]
    with pytest.raises(ExamError, match="scored 2 times"):
        sit(ledger)


def test_the_line_is_on_disk_before_the_score_is_returned(tmp_path, monkeypatch):
    path = tmp_path / "ledger.jsonl"
    synced = []
    monkeypatch.setattr(os, "fsync", lambda handle: synced.append(os.fstat(handle).st_ino))
    sit(Ledger(path))
    assert synced == [path.stat().st_ino, tmp_path.stat().st_ino]
    content = path.read_bytes()
    assert content.endswith(b"\n") and json.loads(content)["scores"] == {"accuracy": [0.75, 0.5, 0.9]}


def test_no_score_leaves_when_the_record_cannot_be_written(tmp_path):
    with pytest.raises(
        ExamError, match=r"ledger .* cannot be written \(No such file or directory\): no score is shown"
    ):
        sit(Ledger(tmp_path / "nowhere" / "ledger.jsonl"))


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS, errno.EACCES])
def test_where_the_ledger_cannot_be_written_no_score_is_shown(number, tmp_path, monkeypatch):
    def refuse(*_):
        raise OSError(number, os.strerror(number))

    ledger = Ledger(tmp_path / "ledger.jsonl")
    with monkeypatch.context() as full, pytest.raises(ExamError, match=f"{os.strerror(number)}.*no score is shown"):
        full.setattr(files, "_made", refuse)
        sit(ledger)
    assert not ledger.openings() and sit(ledger).number == 1


def test_a_score_that_fails_is_no_opening(ledger):
    with pytest.raises(ZeroDivisionError):
        sit(ledger, score=lambda _: Result({"accuracy": Estimate(1 / 0, 0, 0)}))
    assert ledger.openings() == []


def test_an_undefined_score_is_kept(ledger):
    sit(ledger, score=lambda _: Result({"auc": Estimate(math.nan, math.nan, math.nan)}))
    assert math.isnan(ledger.openings()[0].scores["auc"].value)


def test_changed_test_rows_are_not_examined(ledger):
    with pytest.raises(ExamError, match=r"people\.csv are not the rows that were sealed"):
        sit(ledger, rows=sealed(x=(1.0, 2.5, 3.0, 4.0, 5.0)))
    assert ledger.openings() == []


@pytest.mark.parametrize(
    "change",
    [{"x": (1.0, 2.0, 3.0, 4.0, 5.5)}, {"k": ("a", "b", "a", "x", "b")}, {"x": (2.0, 1.0, 3.0, 4.0, 5.0)}],
)
def test_the_seal_sees_any_change_in_its_rows(change):
    with pytest.raises(ExamError, match="sealed"):
        sealed(**change).open(sealed().seal())


def test_the_seal_sees_rows_that_changed_places_or_are_gone():
    for order in ([0, 3, 2, 1, 4], [0, 1, 2, 3]):
        with pytest.raises(ExamError, match="sealed"):
            sealed(order=order).open(sealed().seal())


def test_other_rows_may_change():
    sealed(x=(9.0, 2.0, 9.0, 4.0, 5.0), k=("z", "b", "z", None, "b")).open(sealed().seal())


def test_there_is_no_exam_without_rows():
    with pytest.raises(ExamError, match="test_size above 0"):
        sealed(rows=[]).seal()


def test_a_ledger_of_other_rows_is_refused(ledger):
    sit(ledger)
    with pytest.raises(ExamError, match="other test rows"):
        sit(ledger, seal=sealed(rows=[0]).seal(), reason="again")


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
        (lambda lines: [lines[0], lines[1][:40] + b"\n", lines[2]], 2),
        (lambda lines: [*lines, b"\xff\x00\n"], 4),
        (lambda lines: [*lines, b"[1]\n"], 4),
        (lambda lines: [lines[0].replace(b'"number": 1', b'"number": "1"'), *lines[1:]], 1),
        (lambda lines: [lines[0].replace(b'"number"', b'"more": 1, "number"'), *lines[1:]], 1),
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


@pytest.mark.parametrize("torn", [b"{", b'{"number": 4, "time": "2026', b"\0" * 100])
def test_a_last_line_that_was_cut_short_is_replaced_by_the_next_opening(torn, written):
    """Its score was not shown: a score is returned only when its line is on disk, whole."""
    whole = written.path.read_bytes()
    written.path.write_bytes(whole + torn)
    assert len(written.openings()) == 3
    sit(written, reason="after a crash")
    assert [opening.number for opening in written.openings()] == [1, 2, 3, 4]
    assert written.path.read_bytes().startswith(whole)


def test_a_last_line_that_lacks_its_end_only_counts(written):
    written.path.write_bytes(written.path.read_bytes()[:-1])
    assert len(written.openings()) == 3
    sit(written, reason="again")
    assert len(written.openings()) == 4


def test_of_openings_at_the_same_instant_one_counts(tmp_path):
    barrier, outcomes = threading.Barrier(8), []

    def score(_):
        barrier.wait(10)
        return Result({"accuracy": Estimate(0.5, 0.4, 0.6)})

    def open_it():
        try:
            outcomes.append(sit(Ledger(tmp_path / "ledger.jsonl"), score=score).number)
        except ExamError as error:
            outcomes.append(str(error))

    threads = [threading.Thread(target=open_it) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert outcomes.count(1) == 1 and sum("at the same time" in str(outcome) for outcome in outcomes) == 7
    assert len(Ledger(tmp_path / "ledger.jsonl").openings()) == 1


def test_a_ledger_belongs_to_its_run(tmp_path):
    sit(Ledger(tmp_path / "ledger.jsonl", "one"))
    assert len(Ledger(tmp_path / "ledger.jsonl", "one").openings()) == 1
    with pytest.raises(ExamError, match=r"Line 1 of the ledger .* is of another run"):
        Ledger(tmp_path / "ledger.jsonl", "two").openings()


def test_a_ledger_of_other_metrics_is_not_of_this_run(tmp_path):
    sit(Ledger(tmp_path / "ledger.jsonl"))
    with pytest.raises(ExamError, match="Line 1 of the ledger"):
        Ledger(tmp_path / "ledger.jsonl", metrics=("rmse",)).openings()


@pytest.mark.skipif(os.name != "posix", reason="pipes, devices and links of POSIX")
@pytest.mark.parametrize("kind", ["pipe", "device", "dangling link", "sparse"])
def test_a_ledger_that_is_no_file_is_neither_read_nor_written(kind, tmp_path):
    path, outside = tmp_path / "ledger.jsonl", tmp_path / "outside"
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "sparse":
        with open(path, "wb") as file:
            file.truncate(12 << 30)
    else:
        path.symlink_to("/dev/zero" if kind == "device" else outside)
    with pytest.raises(ExamError, match="cannot be read"):
        sit(Ledger(path))
    assert not outside.exists()


def test_a_line_that_was_replaced_by_another_sound_one_breaks_the_chain(written, tmp_path):
    other = Ledger(tmp_path / "other.jsonl")
    sit(other, score=lambda _: Result({"accuracy": Estimate(0.95, 0.9, 0.99)}))
    rewrite(written, lambda lines: [other.path.read_bytes(), *lines[1:]])
    with pytest.raises(ExamError, match="Line 2 of the ledger"):
        written.openings()


def test_a_line_taken_from_the_end_shows_in_the_head(written):
    before = written.head
    rewrite(written, lambda lines: lines[:-1])
    assert len(written.openings()) == 2 and written.head != before


def test_an_opening_in_between_is_not_written_over(ledger):
    def meanwhile(_):
        sit(ledger)
        return Result({"accuracy": Estimate(0.5, 0.4, 0.6)})

    with pytest.raises(ExamError, match="at the same time"):
        sit(ledger, score=meanwhile)
    assert len(ledger.openings()) == 1


def test_an_opening_reads_well():
    opening = Opening(1, "2026-01-31T12:00:00+00:00", "s", "m", None, {"rmse": Estimate(1.0, 0.5, 2.0)})
    assert opening.when == "2026-01-31 12:00:00 UTC"
    assert all(part in str(opening) for part in (opening.when, "RMSE", "1.0000", "0.5000 to 2.0000"))
