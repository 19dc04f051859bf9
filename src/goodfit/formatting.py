"""Numbers, names and lists as people write them."""

import math
import re
from collections.abc import Iterable, Sequence

METRIC_LABELS = {
    "accuracy": "accuracy",
    "balanced_accuracy": "balanced accuracy",
    "precision": "precision",
    "recall": "recall",
    "f1": "F1",
    "specificity": "specificity",
    "auc": "AUC",
    "average_precision": "average precision",
    "log_loss": "log loss",
    "rmse": "RMSE",
    "mae": "MAE",
    "median_absolute_error": "median abs. error",
    "mape": "MAPE",
    "r2": "R²",
}
OTHER = "other"
"""Name of the classes that no known row has."""
CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")
"""Characters that steer a terminal, and those that change the writing direction."""
MAX_NAME_CHARS = 40
MAX_NUMBER_CHARS = 9


def numbers(*values: float) -> list[str]:
    """Format numbers shown together with the same decimals: four digits of the largest, four decimals below 10.

    >>> numbers(0.97802, 0.5), numbers(68432.4, 115321.9), numbers(0.00042, math.nan), numbers(1, -0.00001)
    (['0.9780', '0.5000'], ['68,432', '115,322'], ['0.0004200', '–'], ['1.0000', '0.0000'])
    """
    largest = max((abs(value) for value in values if math.isfinite(value)), default=0.0)
    if largest and not 1e-6 <= largest < 1e9:
        return [_finite(value, ".3e") for value in values]
    exponent = math.floor(math.log10(largest)) if largest else 0
    decimals = max(0, 3 - exponent) if exponent > 0 or exponent < -3 else 4
    return [_finite(value, f",.{decimals}f") for value in values]


def grid_numbers(values: Iterable[float]) -> list[str]:
    """Format numbers of a grid with the decimals of the lowest; those far above it in scientific notation.

    >>> grid_numbers([0.0931, 0.2, 123456.0, math.inf])
    ['0.0931', '0.2000', '1.2e+05', '–']
    """
    values = list(values)
    lowest = min((value for value in values if math.isfinite(value)), default=0.0)
    decimals = len(numbers(lowest)[0].partition(".")[2])
    return [_short(value, decimals) for value in values]


def value(number: float) -> str:
    """Format a number that a user chose, with all its digits.

    >>> value(0.00001), value(0.01), value(10.0), value(1e-9)
    ('0.00001', '0.01', '10', '1e-09')
    """
    text = f"{number:g}"
    return f"{number:.12f}".rstrip("0") if "e-" in text and number >= 1e-6 else text


def short_value(number: float, digits: int = 3) -> str:
    """λ or a learning rate with three digits.

    >>> short_value(0.0001), short_value(0.000879923)
    ('0.0001', '0.00088')
    """
    return value(float(f"{number:.{digits}g}"))


def exact(number: float) -> str:
    """Return all digits of a number but for rounding errors, without an exponent where ``value`` has none.

    >>> exact(0.00001), exact(0.1234567891), exact(0.1 * 1e30)
    ('0.00001', '0.1234567891', '1e+29')
    """
    short = value(number)
    return short if math.isclose(float(short), number, rel_tol=1e-15) else repr(number)


def share(part: float, whole: float, *, decimals: int = 1) -> str:
    """Format part/whole as a percentage; what is there is never 0 %, and what lacks a part never 100 %.

    >>> share(1, 8), share(0, 8), share(1, 9_000), share(8_999, 9_000), share(0.004, 1, decimals=0)
    ('12.5%', '0.0%', '< 0.1%', '> 99.9%', '< 1%')
    """
    text, step = f"{100 * part / whole:.{decimals}f}", 10**-decimals
    if part > 0 and not float(text):
        return f"< {step:g}%"
    return f"> {100 - step:g}%" if part < whole and float(text) == 100 else f"{text}%"


def count(n: int, noun: str, plural: str = "") -> str:
    """Format a number of things.

    >>> count(1, "row"), count(1200, "row"), count(2, "class", "classes")
    ('1 row', '1,200 rows', '2 classes')
    """
    return f"{n:,} {noun if n == 1 else plural or noun + 's'}"


def printable(name: object, *, longest: int = MAX_NAME_CHARS) -> str:
    """Return a name from a table, or a sentence with one in it, on one line.

    Control characters are escaped, so that they cannot steer a terminal; long text is cut.

    >>> printable("a\\tb"), len(printable("x" * 10_000))
    ('a\\\\tb', 40)
    """
    text = str(name)
    return cut(text if text.isprintable() else repr(text)[1:-1], longest)


def cut(text: str, longest: int) -> str:
    """Return a text of at most so many characters."""
    return text if len(text) <= longest else text[: longest - 1] + "…"


def without_controls(text: str) -> str:
    """Return a text without characters that steer a terminal or change the writing direction: each becomes a ▯.

    >>> without_controls("a\\x1b[2Jb\\u202ec\\n")
    'a▯[2Jb▯c\\n'
    """
    return CONTROLS.sub("▯", text)


def join(words: Iterable[object], *, most: int | None = None, longest: int = 200) -> str:
    """Join the first words, at most ``most`` and about ``longest`` characters, and say how many more there are.

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
    """Draw a curve in one line of blocks from low to high, on a logarithmic scale if low is above 0.

    >>> sparkline([8.0, 4.0, 2.0, 1.0], 1.0, 8.0, width=10)
    '█▆▃▁'
    """
    if low > 0:
        low, high, values = math.log(low), math.log(high), [_log(value) for value in values]
    return "".join(_block((value - low) / (high - low) if high > low else 0.0) for value in _thinned(values, width))


def _short(value: float, decimals: int) -> str:
    text = _finite(value, f",.{decimals}f")
    return text if len(text) <= MAX_NUMBER_CHARS else f"{value:.1e}"


def _log(value: float) -> float:
    return -math.inf if value <= 0 else math.log(value)


def _block(height: float) -> str:
    if math.isnan(height):
        return " "
    return "▁▂▃▄▅▆▇█"[round(7 * min(max(height, 0.0), 1.0))]


def _thinned(values: Sequence[float], width: int) -> list[float]:
    """At most ``width`` values at even distances, the last one included."""
    n = min(width, len(values))
    return [values[(i + 1) * len(values) // n - 1] for i in range(n)]


def _finite(value: float, form: str) -> str:
    if not math.isfinite(value):
        return "–"
    return format(value, f"z{form}")  # z: no minus before what is rounded to zero
