"""The truth about each training of the bank, by intervention: what would have come out if one thing had been changed.

For every training the true loss (fresh rows, weights given back) is compared with that of the same training where one
thing is different, mean over the folds:

  frees       less penalty; a larger network; more epochs (with early stopping: three times as many and no stop)
  restrains   more penalty; an earlier epoch (where the last is given back)
  rate        ten times the learning rate, and a tenth of it, in the same epochs: frees where the greater part of the
              gain is on the training rows too, restrains where it is not

A gain is counted in units of CLEAR of the distance from the baseline's true loss to the lowest known of the data set
(at least FLOOR of the baseline's loss), or of two standard errors over the folds if that is more. Where one fold's
training is judged, and not the mean of all, it must show half of the gain itself. A training that some change improves
by more than 1 fits badly, one that none improves fits well; from ½ to 1½ is unclear. Unclear is also a training of
which one can only say that there is nothing to learn: no change improves it and it is still no better than the
baseline; or nothing on this data set is, and it is as good.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from benchmarks.bank.trainings import SCHEMES, Trained
from benchmarks.bank.views import View
from goodfit.diagnosis.observations import Observations

CLEAR = 0.05
FLOOR = 0.02
UNCLEAR = (0.5, 1.5)
MIXED = 0.7
"""Where freeing and restraining both help, the lesser by this share of the greater, the word is unclear."""


class Labelled(NamedTuple):
    """A training with its truth.

    word: ``underfitting``, ``good fit``, ``overfitting``; rate: ``too small``, ``right``, ``too large``. clear_word,
    clear_rate: whether the interventions say so clearly. gains: of each intervention, in clear gains. wins: whether no
    other training of the grid has a lower validation loss.
    """

    source: str
    hidden: tuple[int, ...]
    scheme: str
    obs: Observations
    word: str
    clear_word: bool
    rate: str
    clear_rate: bool
    gains: dict[str, float]
    wins: bool


class _Gain(NamedTuple):
    """In units of a clear gain; share: how much of it is on the training rows too."""

    size: float
    share: float


NONE = _Gain(0.0, 0.0)


def label(trained: Sequence[Trained], view: View) -> Iterator[Labelled]:
    """All trainings of one data set with their truths, as a view shows them."""
    by_place = {(one.hidden, one.scheme): one for one in trained}
    lowest = min(one.truth[np.isfinite(one.truth)].min() for one in trained)
    baseline = trained[0].baseline
    clear = max(CLEAR * (baseline - lowest), FLOOR * baseline)
    nothing = baseline + CLEAR * baseline if baseline - lowest < FLOOR * baseline else -np.inf
    networks = list(dict.fromkeys(one.hidden for one in trained))
    for one in trained:
        larger = [by_place[hidden, one.scheme] for hidden in networks[networks.index(one.hidden) + 1 :]]
        long = by_place[one.hidden, SCHEMES[1]]
        observed = {place: view(one, place) for place in np.ndindex(one.truth.shape[:2])}
        known = {place: obs for place, obs in observed.items() if obs is not None}
        n_folds = max((obs.n_folds for obs in known.values()), default=1)  # a race has one to all
        best = min((obs.restored_val_loss for obs in known.values() if obs.n_folds == n_folds), default=np.nan)
        for place, obs in known.items():
            gains = _gains(one, larger, long, place, clear, one_fold=obs.n_folds == 1)
            found = _labelled(one, obs, gains, one.truth[place].mean(), clear, nothing)
            yield found._replace(wins=obs.n_folds == n_folds and obs.restored_val_loss == best)


def _gains(
    one: Trained,
    larger: Sequence[Trained],
    long: Trained,
    place: tuple[int, int],
    clear: float,
    *,
    one_fold: bool,
) -> dict[str, _Gain]:
    """What each intervention would have gained."""
    i, j = place

    def gain(other: Trained, at: tuple[int, int]) -> _Gain:
        return _gain(one, place, other, at, clear, one_fold=one_fold)

    n_l2, n_rates, _ = one.truth.shape
    return {
        "less penalty": _best(gain(one, (k, j)) for k in range(i)),
        "larger network": _best(gain(other, place) for other in larger),
        "more epochs": gain(long, place) if one.scheme == "stopping" else NONE,
        "more penalty": _best(gain(one, (k, j)) for k in range(i + 1, n_l2)),
        "earlier epoch": gain(long, place) if one.scheme == "last" else NONE,
        "ten times the rate": gain(one, (i, j + 1)) if j + 1 < n_rates else NONE,
        "a tenth of the rate": gain(one, (i, j - 1)) if j > 0 else NONE,
    }


def _labelled(
    one: Trained, obs: Observations, gains: dict[str, _Gain], mean: float, clear: float, nothing: float
) -> Labelled:
    word, clear_word = _word(gains)
    if mean < nothing or (word == "good fit" and one.baseline - mean < clear):
        clear_word = False
    rate, clear_rate = _rate(gains)
    sizes = {name: found.size for name, found in gains.items()}
    return Labelled(one.source, one.hidden, one.scheme, obs, word, clear_word, rate, clear_rate, sizes, wins=False)


def _best(gains: Iterator[_Gain]) -> _Gain:
    return max(gains, key=lambda found: found.size, default=NONE)


def _gain(
    one: Trained, place: tuple[int, int], other: Trained, at: tuple[int, int], clear: float, *, one_fold: bool
) -> _Gain:
    """How much lower the true loss is there; 1 is a clear gain of the mean over folds, and of the fold judged."""
    here, there = one.truth[place], other.truth[at]
    if not np.isfinite(there).all():
        return NONE
    if not np.isfinite(here).all():
        return _Gain(np.inf, 1.0)
    gain = here - there
    threshold = max(clear, 2 * gain.std(ddof=1) / np.sqrt(len(gain)))
    size = min(gain.mean() / threshold, gain[0] / (0.5 * threshold) if one_fold else np.inf)
    learned = float((one.loss[place] - other.loss[at]).mean())
    return _Gain(max(0.0, float(size)), learned / gain.mean() if gain.mean() > 0 else 0.0)


def _word(gains: dict[str, _Gain]) -> tuple[str, bool]:
    rates = [gains["ten times the rate"], gains["a tenth of the rate"]]
    frees = [gains[name].size for name in ("less penalty", "larger network", "more epochs")]
    frees += [found.size for found in rates if found.share >= 0.5]
    restrains = [gains[name].size for name in ("more penalty", "earlier epoch")]
    restrains += [found.size for found in rates if found.share < 0.5]
    return _side(max(frees), max(restrains), "underfitting", "overfitting", "good fit")


def _rate(gains: dict[str, _Gain]) -> tuple[str, bool]:
    return _side(gains["ten times the rate"].size, gains["a tenth of the rate"].size, "too small", "too large", "right")


def _side(one: float, other: float, named: str, other_named: str, neither: str) -> tuple[str, bool]:
    """Which of two gains rules, and whether that is clear."""
    larger, lesser = max(one, other), min(one, other)
    side = named if one > other else other_named
    if larger < 1:
        return neither, larger <= UNCLEAR[0]
    return side, larger >= UNCLEAR[1] and not (lesser >= 1 and lesser >= MIXED * larger)
