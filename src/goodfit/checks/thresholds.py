"""The thresholds of all data checks, in one place; docs/checks.md has the measurements behind them."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class CheckThresholds:
    """When a data check reports something.

    "Measured" means: other values were compared on the tables of ``benchmarks.checks``. "Kept" means: chosen earlier on
    real and built tables, and only confirmed by that benchmark. "Convention" means: not measured. Each field has a test
    that fails when it is changed by a third.
    """

    # All checks
    standard_errors: float = 2.5
    """Standard errors that a difference must exceed. Measured: 3 misses 4 of 6 series of 800 rows without dates."""
    serious_score_loss: float = 0.05
    """A score that is too high by this much is serious. Convention."""
    min_rows: int = 100
    """Fewest known rows for leakage, time order and groups. With 200 a monthly series of 12 years was missed."""
    min_side_rows: int = 5
    """Fewest rows that a mean is taken of: of a class, of rows with and without a duplicate. Convention."""

    # Duplicates
    strict_share: float = 2 / 3
    """Of the pairs by a looser rule, the share that duplicates have by the strict one; chance pairs have less."""
    saturated_share: float = 0.9
    """Of more duplicates than this no rows are left to compare them with. Convention."""
    min_score_gain: float = 0.005
    """Duplicates that add less than this to the score are only a note. Convention."""

    # Leakage
    copy_agreement: float = 0.999
    """A column whose neighbouring values predict the target this well is a copy of it. Kept."""
    indicator_agreement: float = 0.95
    """Balanced accuracy from which "is this one value" or "is missing" gives a class away. New, one value tried."""
    known_share: float = 0.98
    """If the other columns reach this share of the way from chance to certainty, nothing is given away. Kept."""
    strong_share: float = 0.75
    """Share of the way from chance to certainty that is reached with a leaking column. Kept."""
    lost_share: float = 0.25
    """Share of it that is lost without the column; the next column may lose this share of that. Kept."""
    informed_share: float = 0.2
    """Where the other columns reach less, the strong column may be the only cause: a note. Kept."""

    # Time order and groups
    min_error_growth: float = 0.1
    """Relative growth of the squared error on rows of a later time or a new group. Kept."""
    min_groups: int = 20
    """Fewest values of a column that names groups; a time column has a quarter of them. Convention."""
    max_group_rows: int = 50
    """Most rows a value, on average; larger groups are categories. Convention."""
    group_correlation: float = 0.2
    """Correlation of a row's target with the mean of the rest of its group. Kept."""

    # Drift
    drift_error_rate: float = 0.001
    """Share of tables without drift that are reported, at most, over all columns together. A proven bound."""
    min_drift_distance: float = 0.1
    """Smallest Kolmogorov–Smirnov distance, or difference of a category's share, that is reported. Convention."""

    # Imbalance
    rare_share: float = 0.05
    """A class with a smaller share of the training rows is rare; at most half of an even share. Convention."""


THRESHOLDS = CheckThresholds()
