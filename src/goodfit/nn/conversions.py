"""Strengths of an L2 penalty in other libraries, and what they are here.

Libraries differ in the ½ before the penalty, and in the number of rows that divides loss or penalty. The objective
here is mean loss + l2·Σw².
"""

from collections.abc import Callable, Mapping

from goodfit.errors import ConfigError

_Sizes = Mapping[str, int | None]


def _need(sizes: _Sizes, name: str, library: str) -> int:
    """Return a size; ConfigError if it is not given."""
    size = sizes[name]
    if size is None or size < 1:
        raise ConfigError(f"{library} divides by {name}: give it, 1 or larger.")
    return size


FACTORS: dict[str, Callable[[_Sizes], float]] = {
    "goodfit": lambda _: 1.0,
    "keras": lambda _: 1.0,
    "torch": lambda _: 0.5,
    "MLPClassifier": lambda sizes: 0.5 / _need(sizes, "batch_size", "MLPClassifier"),
    "MLPRegressor": lambda sizes: 1 / _need(sizes, "batch_size", "MLPRegressor"),
    "Ridge": lambda sizes: 1 / _need(sizes, "n_rows", "Ridge"),
    "LogisticRegression": lambda sizes: 0.5 / _need(sizes, "n_rows", "LogisticRegression"),
    "glmnet": lambda _: 1.0,
}
"""l2 for a strength of 1 in each library."""
INVERSE = "LogisticRegression"
"""Its C is the inverse of a strength."""


def convert(
    strength: float, source: str, target: str = "goodfit", *, batch_size: int | None = None, n_rows: int | None = None
) -> float:
    """Return the strength of an L2 penalty in one library that acts as a strength in another.

    ============================ ========================================== ===================
    library                      its parameter                              l2 of goodfit
    ============================ ========================================== ===================
    ``keras``                    c of ``L2(c)``                             c
    ``torch``                    ``weight_decay`` of Adam or SGD            weight_decay / 2
    ``MLPClassifier``            ``alpha``                                  alpha / (2·batch_size)
    ``MLPRegressor``             ``alpha``; its loss is half of ours        alpha / batch_size
    ``Ridge``                    ``alpha``; our loss mean squared error     alpha / n_rows
    ``LogisticRegression``       ``C``                                      1 / (2·C·n_rows)
    ``glmnet``                   λ of ridge, gaussian; our loss as Ridge's  λ
    ============================ ========================================== ===================

    The decay of AdamW has no equivalent: it bypasses the adaptive step size. The columns must be scaled alike, and
    glmnet standardises them.

    Args:
        strength: in the library ``source``.
        source, target: a name of the table, or ``goodfit``.
        batch_size: of MLPClassifier or MLPRegressor.
        n_rows: training rows of Ridge or LogisticRegression.

    Raises:
        ConfigError: an unknown library, a size that is needed and not given, or a strength out of range.

    >>> convert(0.0001, "MLPClassifier", batch_size=200)
    2.5e-07
    >>> convert(0.001, "goodfit", "torch")
    0.002
    """
    for library in (source, target):
        if library not in FACTORS:
            raise ConfigError(f"{library!r} is not known: choose from {', '.join(FACTORS)}.")
    if not 0 <= strength < float("inf") or (strength == 0 and INVERSE in (source, target)):
        raise ConfigError(f"{strength!r} is no strength that {source} and {target} both have.")
    sizes = {"batch_size": batch_size, "n_rows": n_rows}
    l2 = FACTORS[source](sizes) * (1 / strength if source == INVERSE else strength)
    found = l2 / FACTORS[target](sizes)
    return 1 / found if target == INVERSE else found
