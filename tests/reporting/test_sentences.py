"""The sentence under each picture says what its numbers say."""

import json

import numpy as np
import pytest

from goodfit.diagnosis.comparisons import Comparison
from goodfit.reporting import sentences
from goodfit.reporting.charts.reasons import LEAST, reason_chart
from goodfit.reporting.trials import Grid, Trial


def trial(rate=0.01, l2=0.0, *, loss=(0.5, 0.3, 0.2), val_loss=(0.6, 0.4, 0.45), best=2, outcome="finished", reach=1.0):
    return Trial(
        number=0,
        l2=l2,
        learning_rate=rate,
        loss=np.array(loss),
        val_loss=np.array(val_loss),
        best_epoch=best,
        outcome=outcome,
        quantiles=np.linspace(-reach, reach, 201),
    )


def test_curves_that_stopped_early_say_where_to_stop_and_what_the_gap_is():
    said = sentences.of_curves(trial(outcome="stopped_early"), patience=1)
    assert said == (
        "Stop here: the validation loss is lowest at epoch 2, 0.4000, nothing got lower in the 1 epoch of patience "
        "after it, and the shaded gap to the training loss, 0.3000, is 0.1000."
    )


@pytest.mark.parametrize(
    ("training", "said"),
    [
        (trial(val_loss=(0.6, 0.4, 0.3), best=3), "The best epoch is the last one"),
        (trial(outcome="diverged"), "The loss blew up after epoch 3"),
        (trial(best=0, outcome="diverged"), "No epoch has a finite loss"),
        (trial(val_loss=(), best=3), "no rows validate it"),
    ],
)
def test_other_ends_are_told_as_what_they_are(training, said):
    assert said in sentences.of_curves(training)


def reason(name, gain, error=0.2):
    limits = {"clear": 1.0, "open_from": 1.0, "doubt": 1.25}
    return Comparison(name=name, side="frees", gain=gain, error=error, **limits, reason="")


@pytest.mark.parametrize(
    ("strengths", "said"),
    [
        ((-3.0, 0.1), "None of 2 alternatives compared on the same validation rows does clearly better;"),
        ((0.9, 0.1), "Of 2 alternatives compared on the same validation rows, λ 0 may do clearly better, or not;"),
        ((2.0, 1.0), "Of 2 alternatives compared on the same validation rows, λ 0 surely did clearly better;"),
    ],
)
def test_changes_are_told_as_sure_as_they_are(strengths, said):
    found = [reason(what, strength) for what, strength in zip(("λ 0", "rate 0.1"), strengths, strict=True)]
    assert sentences.of_reasons(found).startswith(said)


def test_a_change_beyond_the_axis_stands_at_its_end():
    drawn = reason_chart([reason("λ 0", -9.0), reason("λ 0.1", 0.5, error=0.5)]).to_dict()
    held = [rows if isinstance(rows, list) else json.loads(rows) for rows in drawn["datasets"].values()]
    first, second = next(rows for rows in held if "what" in rows[0])
    assert (first["gain"], first["low"], first["high"], first["better"]) == (LEAST, LEAST, LEAST, "not better")
    assert (second["gain"], second["better"]) == (0.5, "perhaps better")
    assert second["high"] == pytest.approx(1.125)


def test_the_grid_names_the_lowest_and_what_was_chosen_instead():
    low, chosen = trial(l2=0.001), trial(l2=0.1)
    grid = Grid({m.cell: m for m in (low, chosen)}, {low.cell: 0.25, chosen.cell: 0.5}, low.cell, low.cell, 1)
    assert sentences.of_grid(grid) == (
        "The validation loss is lowest, 0.2500, at λ 0.001 and learning rate 0.01, and goes up to 0.5000; "
        "that pair was chosen."
    )
    simpler = Grid(grid.trials, grid.means, chosen.cell, low.cell, 1)
    assert "chosen was λ 0.1, the largest within one standard error" in sentences.of_grid(simpler)


@pytest.mark.parametrize(
    ("reach", "said"), [(0.1, "weights near zero"), (0.6, "closer to zero"), (1.0, "hardly pulls")]
)
def test_weights_are_near_zero_only_where_they_are(reach, said):
    assert said in sentences.of_pair(trial(), trial(l2=0.1, reach=reach))


def test_rates_are_baby_steps_perfect_pace_and_jumping_around():
    small = trial(1e-5, val_loss=(0.7, 0.69, 0.68), best=3)
    right = trial(0.001, val_loss=(0.5, 0.2, 0.25))
    large = trial(0.1, val_loss=(0.9, 0.5, 1.5))
    assert sentences.of_rates([small, right, large], right) == (
        "Validation loss by learning rate: 0.00001 takes baby steps and is only down to 0.6800 after 3 epochs; "
        "0.001 is the perfect pace, down to 0.2000 in 2 epochs; 0.1 is jumping around and gets no lower than 0.5000."
    )


def test_a_rate_that_does_as_well_is_neither_too_small_nor_too_large():
    right = trial(0.001, val_loss=(0.5, 0.2, 0.25))
    for rate, word in ((0.0001, "smaller"), (0.01, "larger")):
        assert sentences.pace(trial(rate, val_loss=(0.5, 0.202, 0.3)), right) == f"{word}: gets there as well"
    blown = trial(0.1, val_loss=(np.nan, np.nan, np.nan), best=0, outcome="diverged")
    assert sentences.pace(blown, right) == "too large: it blows up"
    assert "blows up at once" in sentences.of_rates([right, blown], right)


def test_the_ladder_tells_weights_gap_and_the_best_step():
    steps = [
        trial(l2=0.0),
        trial(l2=0.01, val_loss=(0.6, 0.35, 0.4)),
        trial(l2=1.0, loss=(0.6, 0.6, 0.6), reach=0.1),
    ]
    said = sentences.of_ladder(steps)
    assert "within ±0.9000 to within ±0.0900" in said
    assert said.endswith("the validation loss is lowest at λ 0.01.")


def test_steps_compare_the_rarest_third_with_the_most_frequent():
    features = [("a", 0.01, 8.0), ("b", 0.5, 3.0), ("c", 0.9, 1.0)]
    assert "8.0 times as long as" in sentences.of_steps(features)
    assert "about as long as" in sentences.of_steps([("a", 0.01, 1.0), ("b", 0.5, 1.0), ("c", 0.9, 1.0)])


def test_confusion_counts_what_is_right_and_names_the_worst_mistake():
    assert sentences.of_confusion([[50, 2], [3, 45]], ["no", "yes"]) == (
        "95 of 100 validation rows are right; the most frequent mistake is yes taken for no, 3 rows."
    )
    assert sentences.of_confusion([[1, 0], [0, 1]], ["no", "yes"]).endswith("none is taken for another class.")


def test_calibration_says_which_side_it_leans_to():
    high = sentences.of_calibration([(0.3, 0.1, 10), (0.9, 0.7, 10)], probabilities=True)
    assert "differ by 20.0 points on average, too high on the whole" in high
    assert "on the whole" not in sentences.of_calibration([(0.3, 0.2, 10), (0.7, 0.8, 10)], probabilities=True)
    assert "differ by 2.0000" in sentences.of_calibration([(10, 12, 5), (20, 18, 5)], probabilities=False)


def test_residuals_say_how_far_half_of_them_are_off():
    bins = [(-3.0, -1.0, 2), (-1.0, 1.0, 6), (1.0, 3.0, 4)]
    said = sentences.of_residuals(bins)
    assert "within about 0.0000 of the truth" in said
    assert "33.3% of the rows" in said


def test_splits_say_whether_the_exam_is_still_sealed():
    sizes = {"train": 640, "validation": 160, "test": 200}
    assert sentences.of_splits(sizes, 0) == (
        "64% of the rows teach, 16% choose, and 20% are sealed for the exam: nothing has looked at them."
    )
    assert "opened once" in sentences.of_splits(sizes, 1)
    assert "opened 3 times" in sentences.of_splits(sizes, 3)
    assert "no exam" in sentences.of_splits({"train": 80, "validation": 20, "test": 0}, 0)
