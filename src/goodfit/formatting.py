"""How numbers, names and lists are written for people."""

import math
from collections.abc import Iterable, Sequence

METRIC_LABELS = {
    "accuracy": "accuracy",
    "balanced_accuracy": "balanced accuracy",
    "auc": "AUC",
    "log_loss": "log loss",
    "rmse": "RMSE",
    "mae": "MAE",
    "r2": "R²",
}
LONGEST_NAME = 40
WIDEST_NUMBER = 9


def numbers(*values: float) -> list[str]:
    """Numbers that stand together, with the same decimals: four digits of the largest, four decimals below 10.

    >>> numbers(0.97802, 0.5), numbers(68432.4, 115321.9), numbers(0.00042, math.nan)
    (['0.9780', '0.5000'], ['68,432', '115,322'], ['0.0004200', '–'])
    """
    largest = max((abs(value) for value in values if math.isfinite(value)), default=0.0)
    if largest and not 1e-6 <= largest < 1e9:
        return [_finite(value, ".3e") for value in values]
    exponent = math.floor(math.log10(largest)) if largest else 0
    decimals = max(0, 3 - exponent) if exponent > 0 or exponent < -3 else 4
    return [_finite(value, f",.{decimals}f") for value in values]


def grid_numbers(values: Iterable[float]) -> list[str]:
    """Numbers of a grid with the decimals of the lowest, and those far above it short.

    >>> grid_numbers([0.0931, 0.2, 123456.0, math.inf])
    ['0.0931', '0.2000', '1.2e+05', '–']
    """
    values = list(values)
    lowest = min((value for value in values if math.isfinite(value)), default=0.0)
    decimals = len(numbers(lowest)[0].partition(".")[2])
    return [_short(value, decimals) for value in values]


def value(number: float) -> str:
    """A number that was chosen, with its own digits.

    >>> value(0.00001), value(0.01), value(10.0), value(1e-9)
    ('0.00001', '0.01', '10', '1e-09')
    """
    text = f"{number:g}"
    return f"{number:.12f}".rstrip("0") if "e-" in text and number >= 1e-6 else text


def share(part: float, whole: float) -> str:
    """A share of 100.

    >>> share(1, 8)
    '12.5%'
    """
    return f"{100 * part / whole:.1f}%"


def count(n: int, noun: str, plural: str = "") -> str:
    """A number of things.

    >>> count(1, "row"), count(1200, "row"), count(2, "class", "classes")
    ('1 row', '1,200 rows', '2 classes')
    """
    return f"{n:,} {noun if n == 1 else plural or noun + 's'}"


def printable(name: object, *, longest: int = LONGEST_NAME) -> str:
    """A name out of a table, or words with one in them, on one line.

    What a terminal would obey is spelled out, what is long is cut.

    >>> printable("a\\tb"), len(printable("x" * 10_000))
    ('a\\\\tb', 40)
    """
    text = str(name)
    text = text if text.isprintable() else repr(text)[1:-1]
    return text if len(text) <= longest else text[: longest - 1] + "…"


def join(words: Iterable[object], *, most: int | None = None, longest: int = 200) -> str:
    """The first words, at most ``most`` and about ``longest`` characters of them, and how many more there are.

    >>> join(["a", "b", "c"]), join(range(9), most=2), join(["long", "longer", "longest"], longest=8)
    ('a, b, c', '0, 1 and 7 more', 'long and 2 more')
    """
    words = list(words)
    text, taken = "", 0
    for word in words[:most]:
        longer = f"{text}, {word}" if text else str(word)
        if text and len(longer) > longest:
            break
        text, taken = longer, taken + 1
    return f"{text} and {len(words) - taken:,} more" if taken < len(words) else text


def sparkline(values: Sequence[float], low: float, high: float, *, width: int) -> str:
    """A curve in one line of blocks, on a logarithmic scale from low to high where these are above 0.

    >>> sparkline([8.0, 4.0, 2.0, 1.0], 1.0, 8.0, width=10)
    '█▆▃▁'
    """
    if low > 0:
        low, high, values = math.log(low), math.log(high), [_log(value) for value in values]
    return "".join(_block((value - low) / (high - low) if high > low else 0.0) for value in _thinned(values, width))


def _short(value: float, decimals: int) -> str:
    text = _finite(value, f",.{decimals}f")
    return text if len(text) <= WIDEST_NUMBER else f"{value:.1e}"


def _log(value: float) -> float:
    return -math.inf if value <= 0 else math.log(value)


def _block(height: float) -> str:
    if math.isnan(height):
        return " "
    return "▁▂▃▄▅▆▇█"[round(7 * min(max(height, 0.0), 1.0))]


def _thinned(values: Sequence[float], width: int) -> list[float]:
    """At most ``width`` values, the last one among them, evenly apart."""
    n = min(width, len(values))
    return [values[(i + 1) * len(values) // n - 1] for i in range(n)]


def _finite(value: float, form: str) -> str:
    return format(value, form) if math.isfinite(value) else "–"
