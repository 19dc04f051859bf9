"""The sentence under each picture says what its numbers say."""

import json
from dataclasses import replace

import numpy as np
import pytest

from goodfit.diagnosis.comparisons import Comparison
from goodfit.reporting import sentences
from goodfit.reporting.charts.alternatives import alternatives_chart, axis_ends, is_cut
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


def test_curves_that_stopped_early_name_the_best_epoch_the_patience_and_the_gap():
    said = sentences.of_curves(trial(outcome="stopped_early"), patience=1)
    assert said == (
        "The validation loss is lowest at epoch 2, 0.4000, and did not improve in the 1 epoch of patience after it. "
        "It is 0.1000 above the training loss, 0.3000; the gap is shaded."
    )


@pytest.mark.parametrize(
    ("training", "said"),
    [
        (trial(val_loss=(0.6, 0.4, 0.3), best=3), "0.3000, the last epoch."),
        (trial(outcome="diverged"), "diverged after epoch 3"),
        (trial(best=0, outcome="diverged"), "No epoch has a finite loss"),
        (trial(val_loss=(), best=3), "there are no validation rows"),
        (trial(loss=(0.9, 0.8, 0.7)), "The training loss of that epoch is higher, 0.8000."),
    ],
)
def test_other_ends_are_named(training, said):
    assert said in sentences.of_curves(training)


def reason(name, gain, error=0.2):
    limits = {"clear": 1.0, "open_from": 1.0, "doubt": 1.25}
    return Comparison(name=name, side="frees", gain=gain, error=error, **limits, reason="")


@pytest.mark.parametrize(
    ("strengths", "said"),
    [
        ((-3.0, 0.1), "None of 2 alternatives compared on the same validation rows is clearly better. Points: "),
        ((0.9, 0.1), "Of 2 alternatives compared on the same validation rows, undecided: λ 0. Points: "),
        ((2.0, 1.0), "Of 2 alternatives compared on the same validation rows, clearly better: λ 0. Points: "),
    ],
)
def test_changes_are_told_as_sure_as_they_are(strengths, said):
    found = [reason(what, strength) for what, strength in zip(("λ 0", "rate 0.1"), strengths, strict=True)]
    assert sentences.of_alternatives(found, "the network").startswith(said)


def drawn_rows(compared, field):
    held = alternatives_chart(compared).to_dict()["datasets"].values()
    lists = [rows if isinstance(rows, list) else json.loads(rows) for rows in held]
    return [rows for rows in lists if rows and field in rows[0]]


def test_alternatives_are_drawn_as_measured_differences_on_one_axis():
    """Numbers of the grid: one alternative is shrunken towards 0 by its prior, which moves its tick, not its point."""
    certain, shrunken = reason("λ 0", 0.5, error=0.1), replace(reason("λ 0.1", -0.3, error=0.4), prior=0.3)
    first, second = drawn_rows([certain, shrunken], "clear")[0]
    assert (first["difference"], second["difference"]) == (-0.5, 0.3)
    assert (first["low"], first["high"]) == pytest.approx((-0.5 - 1.96 * 0.1, -0.5 + 1.96 * 0.1))
    assert first["clear"] == pytest.approx(-(1.0 + 1.25 * 0.1))  # that which is clear, and the doubt
    trust = 0.3**2 / (0.3**2 + 0.4**2)
    assert second["clear"] == pytest.approx(-(1.0 + 1.25 * trust**0.5 * 0.4) / trust)


def test_a_change_far_beyond_the_others_is_cut_off_with_a_triangle():
    others = [reason(f"λ {place}", 0.01 * place, error=0.01) for place in (1, 2, 3)]
    for compared in others:
        assert not is_cut([compared, compared])
    left, right = axis_ends([*others, reason("λ 1", -9.0)])
    assert -0.2 < left < 0 < right < 0.3
    [_, [mark]] = drawn_rows([*others, reason("λ 1", -9.0)], "at")
    assert (mark["name"], mark["at"], mark["better"]) == ("λ 1", right, "not better")
    [_, [mark]] = drawn_rows([*others, reason("λ 1", 9.0)], "at")
    assert mark["at"] == axis_ends([*others, reason("λ 1", 9.0)])[0] and mark["better"] == "clearly better"
    assert drawn_rows(others, "at") == [[{"at": 0}]]


def test_the_grid_names_the_lowest_and_what_was_chosen_instead():
    low, chosen = trial(l2=0.001), trial(l2=0.1)
    grid = Grid({m.cell: m for m in (low, chosen)}, {low.cell: 0.25, chosen.cell: 0.5}, low.cell, low.cell, 1, 2)
    lowest = "lowest validation loss, 0.2500, is at λ 0.001 and learning rate 0.01 (selected)"
    assert sentences.of_grid(grid) == f"The {lowest}; the highest of all is 0.5000."
    raced = Grid(grid.trials, {low.cell: 0.25, chosen.cell: 0.2}, low.cell, low.cell, 5, 1)
    assert sentences.of_grid(raced).startswith(f"Of the 1 configuration trained on all folds, the {lowest}")
    simpler = Grid(grid.trials, grid.means, chosen.cell, low.cell, 1, 2)
    assert "Selected: λ 0.1, the largest within one standard error" in sentences.of_grid(simpler)


@pytest.mark.parametrize(
    ("reach", "said"), [(0.1, "10 times as narrow"), (0.6, "1.7 times as narrow"), (1.0, "little effect")]
)
def test_how_much_narrower_the_weights_are_is_said(reach, said):
    assert said in sentences.of_pair(trial(), trial(l2=0.1, reach=reach))


def test_rates_are_too_small_well_chosen_and_too_large():
    small = trial(1e-5, val_loss=(0.7, 0.69, 0.68), best=3)
    right = trial(0.001, val_loss=(0.5, 0.2, 0.25))
    large = trial(0.1, val_loss=(0.9, 0.5, 1.5))
    assert sentences.of_rates([small, right, large], right) == (
        "Lowest validation loss by learning rate: 0.00001 (too small) 0.6800 at epoch 3; "
        "0.001 (selected) 0.2000 at epoch 2; 0.1 (too large) 0.5000 at epoch 2."
    )
    assert sentences.caption(small, right) == "0.00001 · too small"
    assert [sentences.caption(each, right, guide=True) for each in (small, right, large)] == [
        "0.00001 · too small (baby steps)",
        "0.001 · selected (perfect pace)",
        "0.1 · too large (jumping around)",
    ]


def test_a_rate_that_does_as_well_is_neither_too_small_nor_too_large():
    right = trial(0.001, val_loss=(0.5, 0.2, 0.25))
    for rate in (0.0001, 0.01):
        assert sentences.pace(trial(rate, val_loss=(0.5, 0.202, 0.3)), right) == "as good"
    diverged = trial(0.1, val_loss=(np.nan, np.nan, np.nan), best=0, outcome="diverged")
    assert sentences.caption(diverged, right) == "0.1 · too large (diverges)"
    assert "0.1 diverged at once" in sentences.of_rates([right, diverged], right)
    later = trial(0.1, val_loss=(0.5, 0.2, np.nan), outcome="diverged")
    assert "0.1 (too large) 0.2000 at epoch 2, then it diverged" in sentences.of_rates([right, later], right)


def test_the_regularization_path_names_weights_gap_and_the_best_penalty():
    steps = [
        trial(l2=0.0),
        trial(l2=0.01, val_loss=(0.6, 0.35, 0.4)),
        trial(l2=1.0, loss=(0.6, 0.6, 0.6), reach=0.1),
    ]
    said = sentences.of_l2_path(steps)
    assert "goes from 1.8000 to 0.1800" in said
    assert said.endswith("The validation loss is lowest at λ 0.01.")


def test_steps_compare_the_rarest_third_with_the_most_frequent():
    features = [("a", 0.01, 8.0), ("b", 0.5, 3.0), ("c", 0.9, 1.0)]
    assert "8.0 times as large as" in sentences.of_steps(features)
    assert "about as large as" in sentences.of_steps([("a", 0.01, 1.0), ("b", 0.5, 1.0), ("c", 0.9, 1.0)])


def test_confusion_counts_what_is_right_and_names_the_worst_mistake():
    assert sentences.of_confusion([[50, 2], [3, 45]], ["no", "yes"], "validation row") == (
        "95 of 100 validation rows are classified correctly. Most frequent error: 3 rows of class yes predicted as no."
    )
    assert sentences.of_confusion([[1, 0], [0, 1]], ["no", "yes"], "row") == "All 2 rows are classified correctly."
    of_unseen = sentences.of_confusion([[5, 0], [1, 4], [0, 2]], ["no", "yes", "other"], "test row")
    assert of_unseen.startswith("9 of 12 test rows") and of_unseen.endswith("2 rows of class other predicted as yes.")


def test_calibration_says_which_side_it_leans_to():
    high = sentences.of_calibration([(0.3, 0.1, 10), (0.9, 0.7, 10)], probabilities=True)
    assert "by 20.0 percentage points on average; overall they are too high" in high
    assert "overall" not in sentences.of_calibration([(0.3, 0.2, 10), (0.7, 0.8, 10)], probabilities=True)
    assert "differ by 2.0000" in sentences.of_calibration([(10, 12, 5), (20, 18, 5)], probabilities=False)


def test_residuals_say_how_far_half_of_them_are_off():
    bins = [(-3.0, -1.0, 2), (-1.0, 1.0, 6), (1.0, 3.0, 4)]
    said = sentences.of_residuals(bins)
    assert "within about 0.0000 of the true value" in said
    assert "33.3% of the rows" in said


def test_splits_say_whether_the_exam_is_still_sealed():
    sizes = {"train": 640, "validation": 160, "test": 200}
    assert sentences.of_splits(sizes, 0) == (
        "64% of the rows train the network and 16% validate it; the other 20% are sealed for the exam."
    )
    assert "scored once" in sentences.of_splits(sizes, 1)
    assert "scored 3 times" in sentences.of_splits(sizes, 3)
    assert "no exam" in sentences.of_splits({"train": 80, "validation": 20, "test": 0}, 0)


def test_weights_that_a_penalty_has_pressed_to_nothing_are_called_so():
    assert sentences.of_weights(trial(reach=1e-20)) == "90% of the weights are practically 0"
    assert "are between -" in sentences.of_weights(trial(reach=0.01))
