"""A diagnosis as a list of measured comparisons: what was compared, its gain, and what would have to be changed.

Findings, verdict, chart and next step are views of this list. Advice is taken from it, or is checked against it: it is
never something that the grid has measured as worse, and two findings never pull one argument in opposite directions.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

from goodfit.diagnosis.observations import Neighbour, Observations, jumps
from goodfit.diagnosis.thresholds import Thresholds

TENFOLD = 10
"""An untested learning rate or penalty is advised ten times as large, or a tenth."""


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """One alternative to the training, or one question that its curves leave open.

    Attributes:
        name: the alternative, such as ``λ = 0.01``.
        side: ``frees`` if the alternative fits the training rows better, too, so that a gain means underfitting;
            ``restrains`` if it fits them less, so that a gain means overfitting; "" if it says neither.
        gain: by how much its validation loss is lower. Of curves: the size of what they show.
        error: standard error of the gain; 0 if it was not measured on rows.
        prior: standard deviation of true gains around 0 before anything is measured; infinite where none is known.
        clear: gains from here on are clear.
        open_from: gains from here on leave the question open, if they are not clear.
        most: the largest gain there can be; a loss is not below 0.
        doubt: standard errors by which a gain must lie above what is clear to be clear, and below it not to be open.
        reason: the comparison as half a sentence.
        advice, change: the next step in words, and as keyword arguments of ``goodfit.train``.
    """

    name: str
    side: Literal["frees", "restrains", ""]
    gain: float
    error: float
    prior: float = math.inf
    clear: float
    open_from: float
    most: float = math.inf
    doubt: float
    reason: str
    advice: str = ""
    change: Mapping[str, Any] = field(default_factory=dict)

    @property
    def trust(self) -> float:
        """The share of the measured gain that is believed: τ² / (τ² + SE²), where τ is the prior."""
        return (self.prior / math.hypot(self.prior, self.error)) ** 2 if math.isfinite(self.prior) else 1.0

    @property
    def expected(self) -> float:
        """The expected true gain: the measured one, shrunken towards 0."""
        return self.trust * self.gain

    @property
    def spread(self) -> float:
        """The standard deviation of the true gain around what is expected."""
        return math.sqrt(self.trust) * self.error

    @property
    def strength(self) -> float:
        """The expected gain in units of what is clear."""
        return self.expected / self.clear

    @property
    def clear_from(self) -> float:
        """The measured gain from which on the alternative is clear: shrunken, and less the doubt, it is ``clear``."""
        return (self.clear + self.doubt * self.spread) / self.trust if self.trust else math.inf

    @property
    def is_clear(self) -> bool:
        """Whether the alternative is clearly better, whichever rows had been drawn."""
        return self.gain >= self.clear_from

    @property
    def is_open(self) -> bool:
        """Whether the alternative is clearly better, or may be."""
        return min(self.expected + self.doubt * self.spread, self.most) >= self.open_from


@dataclass(frozen=True)
class Diagnosis:
    """Observations and thresholds with the scales that follow from them, and all comparisons."""

    obs: Observations
    thresholds: Thresholds
    comparisons: tuple[Comparison, ...] = ()

    @cached_property
    def learnable(self) -> float:
        """The learnable loss: from the baseline's down to the lowest seen, at least a share of the baseline's."""
        obs, least = self.obs, self.thresholds.least_learned
        return max(obs.start - obs.lowest_seen, least * abs(obs.start), 1e-12)

    @cached_property
    def relative_gap(self) -> float:
        """The gap as a share of what was learned on the training rows: how much of that does not generalise."""
        obs, least = self.obs, self.thresholds.least_learned
        return obs.gap / max(obs.start - obs.restored_loss, least * abs(obs.start), 1e-12)

    @property
    def is_selected(self) -> bool:
        """Whether there is a grid in which no other config has a lower validation loss."""
        others = [n.val_loss for n in self.obs.neighbours]
        return bool(others) and self.obs.restored_val_loss <= min(others)

    @property
    def prior(self) -> float:
        """The prior of another config's or model's true gain, in units of what is clear; infinite for none."""
        return self.thresholds.prior if self.is_selected else math.inf

    @property
    def has_large_gap(self) -> bool:
        """Whether something was learned, and a large share of it does not hold for unseen rows."""
        return self.has_learned and self.relative_gap > self.thresholds.large_gap

    @property
    def has_learned(self) -> bool:
        """Whether the training loss is clearly below the baseline's."""
        return self.obs.start - self.obs.restored_loss > self.clear_gain(self.thresholds.frees)

    @property
    def has_large_error(self) -> bool:
        """Whether the standard error of the validation loss is a large share of the learnable loss."""
        return self.obs.error > self.thresholds.large_error * self.learnable

    @property
    def beats_baseline(self) -> bool:
        """Whether the network is significantly better than the baseline, or nobody knows."""
        if self.obs.baseline_difference is None:
            return True
        gain, error = self.obs.baseline_difference
        return gain > self.thresholds.significant * error

    def clear_gain(self, share: float) -> float:
        """Return from where on a gain is clear, for a share of the learnable loss."""
        return share * self.learnable

    def jumps(self, values: tuple[float, ...]) -> float:
        """Return how much a loss jumps from epoch to epoch, as a share of the baseline's loss."""
        return jumps(values) / max(abs(self.obs.start), 1e-12)

    @property
    def at_the_end(self) -> bool:
        """Whether all epochs were run and the best is among the last."""
        obs = self.obs
        return obs.outcome == "finished" and obs.best_epoch > (1 - self.thresholds.last_epochs) * obs.n_epochs

    @cached_property
    def late_fall(self) -> float:
        """By how much the validation loss fell within the last epochs, if the best is among them; else 0."""
        curve = self.obs.curve
        last = max(1, math.floor(self.thresholds.last_epochs * len(curve)))
        if not self.at_the_end or len(curve) <= last:
            return 0.0
        before, after = curve[:-last].min(), curve.min()
        return float(before - after) if math.isfinite(before) else 0.0

    @property
    def is_still_falling(self) -> bool:
        """Whether the validation loss was still falling when all epochs were run."""
        return self.late_fall >= self.thresholds.still_falling * self.learnable

    def next_rate(self, *, larger: bool) -> Neighbour | None:
        """The neighbour with the same penalty and the next larger, or smaller, learning rate."""
        sign = 1 if larger else -1
        near = [(sign * math.log(n.learning_rate / own), n) for n, own in self._rates()]
        return min([each for each in near if each[0] > math.log(self.thresholds.rates_apart)], default=(0.0, None))[1]

    def _rates(self) -> list[tuple[Any, float]]:
        own = self.obs.learning_rate or 0.0
        same = [n for n in self.obs.neighbours if n.l2 == self.obs.l2 and math.isfinite(n.val_loss)]
        return [(n, own) for n in same if own > 0 and n.learning_rate and n.learning_rate > 0]

    def best(self, argument: str) -> Comparison | None:
        """The clear comparison with the largest gain that changes an argument; None where none is clear."""
        clear = [each for each in self.comparisons if argument in each.change and each.is_clear]
        return max(clear, key=lambda each: each.strength, default=None)

    def pull(self, argument: str) -> int:
        """Whether a clear comparison, or else an end of the grid, asks for a larger (1) or smaller (−1) value."""
        if best := self.best(argument):
            return self.direction(argument, best.change[argument])
        return {"high": 1, "low": -1}.get(self.obs.edges.get(argument, ""), 0)

    def direction(self, argument: str, value: Any) -> int:  # noqa: ANN401
        """Whether a value is larger (1) or smaller (−1) than that of the training; 0 if neither can be said."""
        own = getattr(self.obs, argument, None)
        if argument == "hidden":
            own, value = sum(own or ()), sum(value)
        if isinstance(value, str) or own is None:
            return 0
        return int(value > own) - int(value < own)

    def untested(self, argument: str, value: Any) -> dict[str, Any]:  # noqa: ANN401
        """Return the change of one argument, unless something measured speaks against it; then {}.

        Against it speaks a config of the grid in the same direction (if that were better, it would be advised itself),
        or a clear comparison that pulls the other way.
        """
        way = self.direction(argument, value)
        tried = any(self.direction(argument, getattr(n, argument, None)) == way != 0 for n in self._beside(argument))
        return {} if tried or self.pull(argument) == -way != 0 else {argument: value}

    def times(self, argument: str, factor: float) -> dict[str, Any]:
        """Return a multiple of an argument as an untested change; {} where the argument is not known."""
        own = getattr(self.obs, argument)
        return self.untested(argument, own * factor) if own and math.isfinite(own * factor) else {}

    def smaller(self, argument: str, value: float) -> dict[str, Any]:
        """Return the change of an argument to a value, if that is smaller than its own."""
        own = getattr(self.obs, argument)
        return {argument: value} if own is None or own > value else {}

    def _beside(self, argument: str) -> list[Neighbour]:
        other = {"l2": "learning_rate", "learning_rate": "l2"}.get(argument)
        same = [n for n in self.obs.neighbours if other and getattr(n, other) == getattr(self.obs, other)]
        return [n for n in same if getattr(n, argument) is not None]
