"""What is said of a training that went well, badly, or nowhere."""

import io
from dataclasses import replace

import pytest

import goodfit
from goodfit.terminal import plain_console
from goodfit.terminal.results import show_training
from goodfit.training.fitting import Outcome
from goodfit.training.history import History


@pytest.fixture(scope="module")
def run():
    return goodfit.train("iris", epochs=3, patience=2, l2=0.001, learning_rate=0.001)


def shown(run, *, outcome=Outcome.STOPPED_EARLY, best_epoch=2, scores=None, **settings):
    """What is shown of this run, had it gone otherwise."""
    record = run.record
    training = replace(record.training, outcome=outcome, best_epoch=best_epoch)
    record = replace(
        record,
        training=training,
        settings=replace(record.settings, **settings),
        validation_scores=scores or {**record.baseline_scores, "log_loss": 0.1},
    )
    console = plain_console()
    console.file = io.StringIO()
    show_training(replace(run, record=record), console)
    return " ".join(console.file.getvalue().split())


def test_the_number_of_epochs_waited_is_that_of_the_patience(run):
    text = shown(run)
    assert "Stopped early after epoch 3: no lower validation loss for 2 epochs." in text
    assert "The weights of epoch 2 are given back" in text
    assert "try" not in text


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ({"outcome": Outcome.DIVERGED}, "try --learning-rate 0.0001"),
        ({"outcome": Outcome.FINISHED, "best_epoch": 3}, "still falling: try --epochs 6"),
        ({"best_epoch": 1}, "never fell after the first epoch"),
        ({"scores": {"accuracy": 0.3, "log_loss": 1.2}}, "No better than the baseline"),
        ({"scores": {"balanced_accuracy": 0.3, "log_loss": 0.1}, "class_weight": "balanced"}, "No better than"),
        ({"outcome": Outcome.STOPPED_BY_USER}, "Stopped by you after epoch 3 of 3"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_training_that_went_wrong_is_said_to_with_what_to_try(run, how, said):
    assert said in shown(run, **how)


def test_class_weights_may_raise_the_log_loss_above_the_baseline(run):
    scores = {"balanced_accuracy": 0.9, "log_loss": 1.2}
    assert "No better" not in shown(run, scores=scores, class_weight="balanced")


def test_a_training_that_could_not_be_judged_yet_is_not_called_useless(run):
    scores = {"accuracy": 0.3, "log_loss": 1.2}
    assert "No better" not in shown(run, scores=scores, outcome=Outcome.FINISHED, best_epoch=3)


def test_weighted_losses_are_said_to_be(run):
    assert "Losses are weighted by class, metrics are not." in shown(run, class_weight="balanced")
    assert "weighted" not in shown(run)


def test_a_training_stopped_before_its_first_epoch_can_be_shown(run):
    empty = History({name: values[:0] for name, values in run.history.items()})
    record = replace(run.record, training=replace(run.record.training, history=empty))
    text = shown(replace(run, record=record), outcome=Outcome.STOPPED_BY_USER, best_epoch=0)
    assert "after epoch 0 of 3" in text
    assert "No epoch can be given back" in text


def test_losses_of_a_quantity_are_said_to_be_standardised(run):
    target = replace(run.record.target, task="regression", mean=12.5)
    scores = {"rmse": 1.0, "mae": 0.5, "r2": 0.9}
    record = replace(run.record, target=target, baseline_scores={"rmse": 2.0, "mae": 1.0, "r2": 0.0})
    text = shown(replace(run, record=record), scores=scores)
    assert "always 12.50, the mean" in text and "Losses are of the standardised target" in text
