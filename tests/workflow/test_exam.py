"""The exam: opened once, on the rows that were sealed."""

import numpy as np
import pytest
from sklearn.metrics import (
    accuracy_score,
    average_precision_score,
    balanced_accuracy_score,
    confusion_matrix,
    f1_score,
    log_loss,
    precision_score,
    recall_score,
    roc_auc_score,
)

from goodfit import (
    ExamError,
    load,
)
from tests.workflow.employees import TABLE, fit


def test_the_exam_is_opened_once_and_again_only_with_a_reason():
    run = fit()
    first = run.test()
    y, p = TABLE["left"].to_numpy()[run.splits.test] == "Yes", run.predict(TABLE).probabilities[run.splits.test, 1]
    values = {name: score.value for name, score in first.scores.items()}
    assert values == pytest.approx(
        {
            "accuracy": accuracy_score(y, p > 0.5),
            "balanced_accuracy": balanced_accuracy_score(y, p > 0.5),
            "precision": precision_score(y, p > 0.5),
            "recall": recall_score(y, p > 0.5),
            "f1": f1_score(y, p > 0.5),
            "specificity": recall_score(~y, p <= 0.5),
            "auc": roc_auc_score(y, p),
            "average_precision": average_precision_score(y, p),
            "log_loss": log_loss(y, p),
        },
        rel=1e-6,
    )
    assert np.array_equal(first.confusion, confusion_matrix(y, p > 0.5))
    assert all(score.low <= score.value <= score.high for score in first.scores.values())
    with pytest.raises(ExamError, match=r"The test rows were scored once, last on .* UTC.* give a reason"):
        run.test()
    second = run.test(reason="a reader asked")
    assert (first.number, first.reason) == (1, None)
    assert (second.number, second.reason) == (2, "a reader asked")
    assert second.scores == first.scores


def test_scores_of_a_quantity_are_in_its_unit(pay):
    score = pay.test(reason="seen here and in other tests").scores
    rows = pay.splits.test
    error = TABLE["pay"].to_numpy()[rows] - pay.predict(TABLE).values[rows]
    assert score["rmse"].value == pytest.approx(np.sqrt(np.mean(error**2)), rel=1e-6)
    assert score["mae"].low < np.mean(np.abs(error)) < score["mae"].high
    assert score["median_absolute_error"].value == pytest.approx(np.median(np.abs(error)), rel=1e-6)
    assert score["mape"].value == pytest.approx(np.mean(np.abs(error / TABLE["pay"].to_numpy()[rows])), rel=1e-6)
    assert pay.ledger.openings()[0].confusion == ()


def test_without_test_rows_there_is_no_exam():
    with pytest.raises(ExamError, match="no test rows: train with test_size above 0"):
        fit(test_size=0).test()


def test_the_exam_of_a_loaded_run_wants_the_table_as_it_was(tmp_path):
    run = fit(out=tmp_path / "run")
    loaded = load(tmp_path / "run")
    with pytest.raises(ExamError, match="trained on a table in memory or from a pipe: give it again as table="):
        loaded.test()
    changed = TABLE.copy()
    changed.loc[run.splits.test[0], "age"] = 99
    for table in (changed, TABLE.head(20), TABLE[::-1]):
        with pytest.raises(ExamError, match="are not the rows that were sealed"):
            loaded.test(table)
    opening = loaded.test(TABLE)
    assert opening.number == 1
    with pytest.raises(ExamError, match="were scored once"):
        load(tmp_path / "run").test(TABLE)
    with pytest.raises(ExamError, match="were scored once"):
        run.test()
    assert run.test(reason="to compare").scores == opening.scores
    assert len({each.model for each in run.ledger.openings()}) == 1


def test_rows_that_were_not_sealed_may_change_before_the_exam(tmp_path):
    run = fit(out=tmp_path / "run")
    changed = TABLE.copy()
    changed.loc[run.splits.train, "age"] = 0
    assert load(tmp_path / "run").test(changed).number == 1


def test_the_exam_reads_the_table_where_it_was(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    TABLE.to_csv("table.csv", index=False)
    fit(table="table.csv", out="run")
    monkeypatch.chdir("/")
    expected = load(tmp_path / "run").test().scores
    (tmp_path / "table.csv").rename(tmp_path / "moved.csv")
    with pytest.raises(ExamError, match="The exam needs the table that the run was trained on: there is no file"):
        load(tmp_path / "run").test(reason="again")
    found = load(tmp_path / "run").test(tmp_path / "moved.csv", reason="again")
    assert found.scores == expected
