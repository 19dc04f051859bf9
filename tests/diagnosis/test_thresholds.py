"""Every threshold has a pair of observations, just below and just above it, that end differently."""

import math
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from typing import Any

import pytest

from goodfit.diagnosis.observations import Neighbour, Observations
from goodfit.diagnosis.thresholds import THRESHOLDS, Thresholds
from goodfit.diagnosis.verdict import diagnose
from tests.diagnosis.built import EPOCHS, falling, good, jumping

LOSS, VAL_LOSS, BASELINE = 0.5, 0.5, 1.0
FLAT = {"loss": (LOSS,) * EPOCHS, "val_loss": (VAL_LOSS,) * EPOCHS, "restored_epoch": 1, "outcome": "stopped_early"}
"""Half of the baseline's loss is learned, without a gap; so 0.5 is what can be learned."""
NO_MODEL: dict[str, Any] = {"linear_difference": None, "linear_loss": None, "dead_units": ()}
LEARNABLE = BASELINE - VAL_LOSS
WORSE = Neighbour(0.001, 0.1, 0.9, 0.9, -0.4, 0.0)
"""A neighbour that gains nothing, so that there is a grid."""


def flat(*neighbours: Neighbour, **changes: Any) -> Observations:
    """Curves without a question, in a grid if there are neighbours."""
    return good(**FLAT | NO_MODEL | {"neighbours": neighbours, "penalty": ()} | changes)


def neighbour(
    gain: float, error: float = 0.0, *, l2: float = 0.001, rate: float = 0.001, loss: float = 0.5
) -> Neighbour:
    """A neighbour with this gain; what can be learned does not grow with it."""
    return Neighbour(l2, rate, loss, VAL_LOSS, gain, error)


def word(obs: Observations, limits: Thresholds) -> str:
    return diagnose(obs, thresholds=limits).word


def codes(code: str) -> Callable[[Observations, Thresholds], bool]:
    return lambda obs, limits: diagnose(obs, thresholds=limits).find(code) is not None


@dataclass(frozen=True)
class Boundary:
    """Observations as a function of a value that is compared with the threshold; what is looked at, below and above."""

    at: Callable[[float], Observations]
    see: Callable[[Observations, Thresholds], Any]
    below: Any
    above: Any


def less_penalty(share: float) -> Observations:
    return flat(neighbour(share * LEARNABLE, l2=0.0))


def more_penalty(share: float) -> Observations:
    return flat(neighbour(share * LEARNABLE, l2=0.1))


def undecided(prior: float) -> Observations:
    """A config with the lowest loss, and a neighbour that may gain just what is clear if this is the prior."""
    error, clear, doubt = 0.05, THRESHOLDS.restrains, THRESHOLDS.doubt
    trust = (prior * clear) ** 2 / ((prior * clear) ** 2 + error**2)
    gain = (clear - doubt * math.sqrt(trust) * error) / trust
    return flat(neighbour(gain * LEARNABLE, error * LEARNABLE, l2=0.1))


def late_fall(share: float) -> Observations:
    """Both losses fall by this share of 0.5 in the last tenth of the epochs, and are level before."""
    curve = (VAL_LOSS + share * LEARNABLE,) * (EPOCHS - 6) + (VAL_LOSS,) * 6
    curves = {"val_loss": curve, "loss": curve, "restored_epoch": EPOCHS, "outcome": "finished"}
    return flat(WORSE, **curves)


def last_epochs(share: float) -> Observations:
    """The validation loss falls clearly once, this share of 100 epochs before the end."""
    n = 100
    since = round(share * n)
    val_loss = (0.6,) * (n - since) + (0.5,) * since
    return flat(WORSE, loss=val_loss, val_loss=val_loss, restored_epoch=n - since + 1, outcome="finished")


def gap(share: float) -> Observations:
    """A training alone whose gap is this share of what was learned."""
    return flat(loss=(0.2,) * EPOCHS, val_loss=(0.2 + 0.8 * share,) * EPOCHS)


def smooth(share: float) -> Observations:
    """A training alone that is still falling, with this share of its way upwards."""
    curve = falling(0.2, speed=0.02)
    bump = share * (curve[0] - curve[-1]) / (1 - 2 * share)
    loss = (*curve[:21], curve[20] + bump, *curve[20:-2])
    return flat(loss=loss, val_loss=curve, restored_epoch=EPOCHS, outcome="finished")


def leaps(size: float) -> Observations:
    """A training alone whose training loss goes up and down by this much."""
    return flat(loss=jumping(0.5 - size, size), val_loss=(0.5,) * EPOCHS)


BOUNDARIES: dict[str, Boundary] = {
    "doubt": Boundary(
        lambda doubt: flat(Neighbour(0.0, 0.001, LOSS, 0.4, 0.08 * 0.6 + doubt * 0.1, 0.1)),
        word,
        "cannot tell",
        "underfitting",
    ),
    "frees": Boundary(less_penalty, word, "good fit", "underfitting"),
    "restrains": Boundary(more_penalty, word, "good fit", "overfitting"),
    "rate_factor": Boundary(
        lambda factor: flat(neighbour(0.08 * LEARNABLE * factor, rate=0.01, loss=0.1)), word, "good fit", "underfitting"
    ),
    "prior": Boundary(undecided, word, "cannot tell", "good fit"),
    "model": Boundary(
        lambda share: flat(WORSE, trees_difference=(-share * LEARNABLE, 0.0)), word, "good fit", "underfitting"
    ),
    "least_learned": Boundary(
        lambda share: flat(
            neighbour(0.08 * share, l2=0.0)._replace(val_loss=0.9), loss=(0.9,) * EPOCHS, val_loss=(0.9,) * EPOCHS
        ),
        word,
        "good fit",
        "underfitting",
    ),
    "large_gap": Boundary(gap, word, "cannot tell", "overfitting"),
    "same_rows": Boundary(
        lambda share: flat(
            WORSE,
            val_loss=(0.5,) * 30 + (0.5 + 0.08 * LEARNABLE + THRESHOLDS.doubt * share * 0.1,) * 30,
            restored_epoch=EPOCHS,
            val_loss_error=0.1,
        ),
        word,
        "cannot tell",
        "overfitting",
    ),
    "still_falling": Boundary(late_fall, codes("out_of_epochs"), False, True),
    "last_epochs": Boundary(last_epochs, codes("out_of_epochs"), True, False),
    "smooth": Boundary(smooth, word, "underfitting", "good fit"),
    "jumps": Boundary(leaps, codes("rate_too_large"), False, True),
    "heavy_penalty": Boundary(lambda share: flat(penalty=(share,) * EPOCHS), word, "cannot tell", "underfitting"),
    "open_question": Boundary(
        lambda share: flat(trees_difference=(-share * 0.3 * LEARNABLE, 0.0)), word, "good fit", "cannot tell"
    ),
    "large_error": Boundary(
        lambda share: flat(val_loss_error=share * LEARNABLE), codes("validation_too_small"), False, True
    ),
    "significant": Boundary(
        lambda errors: flat(WORSE, baseline_difference=(errors * 0.1, 0.1)), word, "cannot tell", "good fit"
    ),
    "dead_share": Boundary(
        lambda share: flat(units=(1000,), dead_units=(round(1000 * share),)), codes("dead_units"), False, True
    ),
    "rows_of_class": Boundary(
        lambda rows: flat(confusion=((40, 0), (round(rows), 0))), codes("class_ignored"), False, True
    ),
    "rates_apart": Boundary(
        lambda ratio: flat(neighbour(0.3, rate=0.001 * ratio, loss=0.1)), word, "good fit", "underfitting"
    ),
}


def outcomes(name: str, limits: Thresholds) -> tuple[Any, Any]:
    """What is seen a tenth below a threshold's own value, and a tenth above."""
    value, boundary = getattr(THRESHOLDS, name), BOUNDARIES[name]
    return tuple(boundary.see(boundary.at(value * factor), limits) for factor in (0.9, 1.11))


def test_every_threshold_has_a_boundary():
    assert set(BOUNDARIES) == {field.name for field in fields(Thresholds)}


@pytest.mark.parametrize("name", BOUNDARIES)
def test_what_is_said_changes_at_the_threshold(name):
    assert outcomes(name, THRESHOLDS) == (BOUNDARIES[name].below, BOUNDARIES[name].above)


@pytest.mark.parametrize("factor", (2 / 3, 4 / 3))
@pytest.mark.parametrize("name", BOUNDARIES)
def test_a_threshold_changed_by_a_third_would_be_noticed(name, factor):
    changed = replace(THRESHOLDS, **{name: getattr(THRESHOLDS, name) * factor})
    assert outcomes(name, changed) != (BOUNDARIES[name].below, BOUNDARIES[name].above)
