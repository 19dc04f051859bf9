"""Every threshold of the diagnosis, in one place."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Thresholds:
    """From where on a difference counts. docs/verdict.md tells how often the words are right under these values.

    Shares are of the learnable loss unless something else is said: from the baseline's loss down to the lowest seen.
    They were chosen on 62 data sets of ``benchmarks/bank/seen.py`` (2026-11-24), except where another number of data
    sets is named and for the last three, which are conventions.
    """

    doubt: float = 1.5
    """Standard errors by which a gain must lie above what is clear to be clear, and below it for the question to be
    closed: a level of 7 % on each side. Chosen with ``restrains`` and ``prior`` on 38 data sets (2026-11-28)."""
    frees: float = 0.08
    """A gain of this share is clear if the alternative fits the training rows better, too."""
    restrains: float = 0.055
    """The same for an alternative that fits them less."""
    rate_factor: float = 1.4
    """For another learning rate these shares are multiplied by this: its training shares less of the randomness."""
    prior: float = 0.55
    """Standard deviation of the true gains of other configs and reference models over the config with the lowest loss
    of its grid, in units of what is clear; the prior of Bayes' rule."""
    model: float = 0.3
    """The same share for a reference model, which may simply suit the data better than any network."""
    least_learned: float = 0.4
    """At least this share of the baseline's loss counts as learnable, and as learned when a gap is divided by it, so
    that where little is learned small differences are not large."""
    large_gap: float = 0.6
    """Above this share of what was learned, the gap is large; without a grid it names overfitting."""
    same_rows: float = 0.2
    """Standard error of the difference of two epochs, as a share of that of the loss: most randomness is shared."""
    still_falling: float = 0.025
    """A validation loss was still falling if it fell by this share within the last epochs."""
    last_epochs: float = 0.1
    """The last epochs are this share of all."""
    smooth: float = 0.005
    """A training loss falls smoothly if less than this share of its way leads upwards."""
    jumps: float = 0.05
    """A loss jumps if the standard deviation of its steps is above this share of the baseline's loss."""
    heavy_penalty: float = 0.5
    """A penalty of this share of the baseline's loss is heavy."""
    open_question: float = 0.4
    """Without a grid, a question is open from this share of what would be clear on."""
    large_error: float = 0.15
    """A standard error of this share of the learnable loss is large."""
    significant: float = 2.0
    """Standard errors by which the network must beat the baseline: a level of about 95 %."""
    dead_share: float = 0.5
    """Dead units are reported from this share of a layer on."""
    rows_of_class: int = 5
    """A class that is never predicted is reported if at least this many validation rows have it."""
    rates_apart: float = 3.0
    """Learning rates are compared if their ratio is above this."""


THRESHOLDS = Thresholds()
