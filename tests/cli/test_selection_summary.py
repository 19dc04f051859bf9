"""What the summary of a search says of L2."""

from types import SimpleNamespace

import pytest

from goodfit.cli.selection_summary import _gain
from goodfit.search.selection import Gain

THAN = "than λ = 0 at its best learning rate"


def selection(gain, l2=0.01):
    return SimpleNamespace(gain=gain, chosen=SimpleNamespace(config={"l2": l2}, mean=0.5))


@pytest.mark.parametrize(
    ("gain", "said"),
    [
        (Gain(0.1, 0.02, 0.0), "L2 gives a lower loss: 0.1000 ± 0.0200 lower than λ = 0 at its best learning rate."),
        (
            Gain(-0.1, 0.02, 0.03),
            "L2 gives a higher loss: 0.1000 ± 0.0200 higher than λ = 0 at its best learning rate.",
        ),
        (
            Gain(0.01, 0.02, 0.003),
            f"L2 makes no measurable difference: 0.0100 ± 0.0200 lower {THAN}. "
            "Of this, about 0.0030 is selection bias.",
        ),
        (None, "The effect of L2 is unknown: the grid has no λ = 0."),
    ],
    ids=["better", "worse", "within one standard error", "unknown"],
)
def test_the_effect_of_l2(gain, said):
    assert _gain(selection(gain)) == said


def test_no_l2_may_be_best():
    assert _gain(selection(Gain(0.0, 0.0, 0.0), l2=0.0)).startswith("L2 did not help")
