"""What is said of a training that went well, badly, or nowhere."""

import io
from dataclasses import replace
from pathlib import Path

import pytest

import goodfit
from goodfit.cli import plain_console
from goodfit.cli.results import show_training
from goodfit.training.fit import Outcome
from goodfit.training.history import History


@pytest.fixture(scope="module")
def run():
    return goodfit.train("iris", epochs=3, patience=2, l2=0.001, learning_rate=0.001)


def shown(run, *, outcome=Outcome.STOPPED_EARLY, best_epoch=2, intervals=None, **settings):
    """What is shown of this run, had it gone otherwise."""
    record = run.record
    record = replace(
        record,
        training=replace(record.training, outcome=outcome, best_epoch=best_epoch),
        settings=replace(record.settings, **settings),
        measurements=replace(record.measurements, intervals=intervals or record.measurements.intervals),
    )
    console = plain_console()
    console.file = io.StringIO()
    show_training(replace(run, record=record), Path("r/report.html"), console)
    return " ".join(console.file.getvalue().split())


def test_the_number_of_epochs_waited_is_that_of_the_patience(run):
    text = shown(run)
    assert "Stopped early after epoch 3: no lower validation loss for 2 epochs." in text
    assert "Restored the weights of epoch 2" in text


def test_who_stopped_the_training_is_said(run):
    assert "Stopped by you after epoch 3 of 3" in shown(run, outcome=Outcome.STOPPED_BY_USER)
    assert "All 3 epochs completed" in shown(run, outcome=Outcome.FINISHED)


def test_a_training_ends_with_the_verdict_and_where_the_report_is(run):
    verdict = goodfit.diagnose(run)
    text = shown(run, outcome=run.training.outcome, best_epoch=run.training.best_epoch)
    assert f"verdict {verdict.word}: {verdict.sentence}" in text
    assert "report r/report.html" in text


def test_weighted_losses_are_said_to_be(run):
    assert "Losses are weighted by class, metrics are not." in shown(run, class_weight="balanced")
    assert "weighted" not in shown(run)


def test_a_training_stopped_before_its_first_epoch_can_be_shown(run):
    empty = History({name: values[:0] for name, values in run.history.items()})
    record = replace(run.record, training=replace(run.record.training, history=empty))
    text = shown(replace(run, record=record), outcome=Outcome.STOPPED_BY_USER, best_epoch=0)
    assert "after epoch 0 of 3" in text
    assert "No epoch has a finite loss" in text


def test_losses_of_a_quantity_are_said_to_be_standardised(run):
    target = replace(run.record.target, task="regression", mean=12.5)
    scores = {"rmse": 1.0, "mae": 0.5, "r2": 0.9}
    without = {"rmse": 2.0, "mae": 1.0, "r2": 0.0}
    references = {"linear": scores, "trees": scores}
    evidence = replace(run.record.measurements, baseline_scores=without, reference_scores=references, confusion=())
    record = replace(run.record, target=target, measurements=evidence)
    text = shown(replace(run, record=record), intervals={name: (value,) * 3 for name, value in scores.items()})
    assert "predicts 12.50, the mean" in text and "Losses are mean squared errors of the standardised target" in text
