"""What is said under the pictures follows the numbers, also where they do not show what the guide says."""

from dataclasses import replace

import numpy as np
import pytest

from goodfit.guided_tour import cycle, fits, paths, penalty, steps
from goodfit.reporting.charts.table import SHOWN, named_features
from goodfit.reporting.trials import Trial
from goodfit.training.fit import Outcome, Training
from goodfit.training.history import History

CURVE = np.zeros(3)


def a_fit(l2, loss, val_loss):
    return fits.Fit(l2, loss, val_loss, CURVE)


def a_trial(l2=0.0, rate=0.01, loss=(1.0, 0.5), val_loss=(1.0, 0.6), width=1.0):
    spread = np.linspace(-width, width, 201)
    return Trial(0, l2, rate, np.array(loss), np.array(val_loss), len(loss), "finished", spread)


def a_training(val_loss, *, best_epoch, **columns):
    values = {"val_loss": val_loss, **columns}
    history = History({name: np.array(column, float) for name, column in values.items()})
    return Training((), (), history, Outcome.FINISHED, best_epoch)


def test_three_fits_are_named_by_their_losses_and_not_by_their_penalties():
    first, second, third = several = [a_fit(0.1, 0.1, 0.2), a_fit(0.01, 0.5, 0.6), a_fit(0.0, 0.05, 0.9)]
    assert [fits.verdict(fit, several) for fit in several] == ["good fit", "underfitting", "overfitting"]
    assert fits.verdict(a_fit(1.0, 0.5, 0.201), [first, second, third]) == "as good"
    said = fits.said(several, 30, 200)
    assert "λ 0.01 is underfitting" in said
    assert "on the 30 training points and on 200 new ones" in said


def test_a_penalty_that_does_harm_is_said_to():
    without, penalised = a_trial(), a_trial(l2=0.1, val_loss=(1.0, 0.9))
    assert "validation loss rises from 0.6000 to 0.9000" in penalty.of_losses(without, penalised)
    assert "the validation loss falls" in penalty.of_losses(penalised, without)


def test_the_regularization_path_says_where_the_loss_is_lowest_and_whether_the_top_underfits():
    none, some = a_trial(width=2.0, val_loss=(1.0, 0.9)), a_trial(l2=0.01)
    flat = a_trial(l2=1.0, loss=(2.0, 2.0), val_loss=(2.0, 2.01), width=0.001)
    assert "shrinks from ±1.8 at λ 0 to ±0.0009 at λ 1." in penalty.of_weights([none, some, flat])
    assert "lowest at λ 0.01, 0.6000" in penalty.of_best([none, some, flat])
    assert "at the smallest λ" in penalty.of_best([some, none, flat])
    assert "2.0100, equal and high: too much penalty is underfitting" in penalty.of_top([none, some, flat])
    assert penalty.of_top([none, some]) == ""


def test_only_a_curve_that_jumps_is_said_to_jump():
    calm = a_trial(val_loss=np.linspace(1, 0.5, 20), loss=np.linspace(1, 0.5, 20))
    wild = a_trial(rate=0.1, val_loss=1 + np.resize([0.3, -0.3], 20), loss=np.ones(20))
    assert "changes by 0.6000 per epoch on average at 0.1" in steps.of_jumps([calm, wild], calm)
    assert steps.of_jumps([calm, replace(calm, learning_rate=0.1)], calm) == ""
    assert steps.of_jumps([calm, wild], wild) == ""


def test_a_path_is_named_by_its_turns():
    straight = np.column_stack([np.arange(30.0), np.zeros(30)])
    zigzag = straight + np.column_stack([np.zeros(30), np.resize([0.0, 5.0], 30)])
    walks = {"one": paths.measure(straight), "other": paths.measure(zigzag)}
    assert [walk.manner for walk in walks.values()] == ["smooth path", "zigzag"]
    assert walks["one"].length == pytest.approx(walks["one"].way)
    assert "none of 29 steps turn back" in paths.of_paths(walks)
    assert paths.Walk(20, 5, 1.0, 1.0).manner == "some turns"


def test_lines_of_equal_loss_are_lines_of_equal_loss():
    centre, curvature = np.array([8.0, 1.0]), np.array([[2.0, 0.7], [0.7, 9.0]])
    away = paths.ellipse(centre, curvature, 3.0) - centre
    assert 0.5 * np.einsum("ni,ij,nj->n", away, curvature, away) == pytest.approx(3.0)


def test_a_valley_says_how_steep_it_is_and_from_which_rate_on_sgd_blows_up():
    said = paths.of_valley(np.diag([2.0, 400.0]))
    assert "200 times as steep across the valley as along it" in said
    assert "diverges above a learning rate of 0.005" in said


def test_rare_words_are_said_to_have_longer_steps_only_if_they_do():
    features = [(f"w{n}", 1 / n, 0.01 * n) for n in range(1, 30)]
    assert "times as long" in steps.of_rarest(features)
    assert "not longer than" in steps.of_rarest([(word, share, 0.1) for word, share, _ in features])


def test_words_shown_are_the_most_frequent_and_some_of_the_rarest():
    features = [("the", 0.5, 0.1), ("of", 0.6, 0.1), *((f"rare{n:02}", 0.01, 0.5) for n in range(20))]
    shown = [word for word, _, _ in named_features(features)]
    assert shown[:2] == ["of", "the"]
    assert shown[-1] == "rare19"
    assert len(set(shown)) == len(shown) <= 2 * SHOWN
    said = steps.of_words(named_features(features), 100)
    assert "“of” is in 60.0% of 100 lines" in said


def test_splits_that_are_not_alike_are_named_with_both_ends():
    sizes = {"train": 6, "validation": 2, "test": 2}
    alike = {"train": np.array([3, 3]), "validation": np.array([1, 1]), "test": np.array([1, 1])}
    assert "Of each digit, 60% of the rows" in cycle.of_splits(sizes, alike)
    other = {**alike, "train": np.array([2, 4])}
    assert "between 50% and 67% of the rows" in cycle.of_splits(sizes, other)


def test_training_scores_are_called_optimistic_only_where_they_are():
    training = a_training([1.0], best_epoch=1, accuracy=[0.9], val_accuracy=[0.7])
    assert "too optimistic" in cycle.of_optimism(training)
    other = a_training([1.0], best_epoch=1, accuracy=[0.7], val_accuracy=[0.9])
    assert "too optimistic" not in cycle.of_optimism(other)


def test_the_restored_weights_are_those_of_the_best_epoch():
    longer = a_training([1.0, 0.5, 0.7, 0.9], best_epoch=2)
    said = cycle.of_restored(a_training([1.0, 0.5, 0.7], best_epoch=2), longer)
    assert "epoch 2, 0.5000; at the last epoch the loss is 0.7000" in said
    assert "0.9000 after 4 epochs" in said
    said = cycle.of_restored(a_training([1.0, 0.5], best_epoch=2), longer)
    assert "those of the last epoch, with a validation loss of 0.5000" in said
