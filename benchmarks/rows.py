"""From a thousand rows to a million: seconds, memory and test loss of a whole training, beside scikit-learn's.

A row has 28 numbers and a target of two classes, a built function of five of them with noise (``benchmarks.scale``).
All learn from the same rows in memory and are scored on 50,000 others. ``alone`` is one configuration by itself on all
training rows, as in ``python -m benchmarks.rows alone 1000000 0 0.001``.
"""

import math
import resource
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from benchmarks.harness import Numbers, fresh, peak, show, start, take_turns, timed
from benchmarks.scale import make_rows

MODULE = "benchmarks.rows"
SIZES = (1_000, 10_000, 30_000, 100_000, 300_000, 1_000_000)
N_TEST, MB = 50_000, 2**20
SEED = 7


def goodfit_run(table: Any, **choices: Any) -> Callable[[Any], np.ndarray]:  # noqa: ANN401
    """A function from a table to the probability of ``yes``."""
    import goodfit

    run = goodfit.train(table, "target", **choices)
    return lambda rows: np.asarray(run.predict(rows).probabilities)[:, 1]


def sklearn_model(name: str, table: Any) -> Callable[[Any], np.ndarray]:  # noqa: ANN401
    """A model of scikit-learn by its defaults; the network has early stopping and scaled columns."""
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.neural_network import MLPClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    models = {
        "HistGradientBoosting": HistGradientBoostingClassifier(random_state=0),
        "MLPClassifier": make_pipeline(StandardScaler(), MLPClassifier((64, 64), early_stopping=True, random_state=0)),
    }
    fitted = models[name].fit(_numbers(table), table["target"].to_numpy(zero_copy_only=False))
    return lambda rows: fitted.predict_proba(_numbers(rows))[:, 1]


def _numbers(table: Any) -> np.ndarray:  # noqa: ANN401
    return np.column_stack([table[name].to_numpy() for name in table.column_names if name != "target"])


CONTESTANTS: dict[str, Callable[[Any], Callable[[Any], np.ndarray]]] = {
    "goodfit": goodfit_run,
    "HistGradientBoosting": partial(sklearn_model, "HistGradientBoosting"),
    "MLPClassifier": partial(sklearn_model, "MLPClassifier"),
}


def measure(name: str, n_rows: str, l2: str = "", learning_rate: str = "") -> Numbers:
    """Seconds by the clock and of all cores, peak memory in megabytes, and test log loss."""
    table, test = make_rows(int(n_rows), 0), make_rows(N_TEST, SEED)
    before = peak()
    if name == "alone":
        predict, seconds = timed(
            lambda: goodfit_run(table, l2=float(l2), learning_rate=float(learning_rate), folds=1, keep="one")
        )
    else:
        predict, seconds = timed(lambda: CONTESTANTS[name](table))
    used = resource.getrusage(resource.RUSAGE_SELF)
    found = predict(test).clip(1e-15, 1 - 1e-15)
    loss = -np.log(np.where(np.asarray(test["target"]) == "yes", found, 1 - found)).mean()
    return {
        "s": seconds,
        "cpu": used.ru_utime + used.ru_stime,
        "peak": (peak() - before) / MB,
        "table": table.nbytes / MB,
        "loss": float(loss),
    }


def slope(sizes: list[int], seconds: list[float]) -> float:
    """The slope of a line through the logarithms of rows and seconds.

    >>> round(slope([10, 100, 1000], [1, 3, 9]), 2)
    0.48
    """
    return float(np.polyfit(np.log(sizes), np.log(seconds), 1)[0]) if len(sizes) > 1 else math.nan


def main(rounds: int = 1, *, quick: bool = False) -> None:
    """Time, memory and test loss of a training by the number of rows."""
    sizes = (300, 600) if quick else SIZES
    turns = {f"{name} {n}": partial(fresh, MODULE, name, str(n)) for n in sizes for name in CONTESTANTS}
    found = take_turns(turns, rounds=rounds)
    rows = []
    for n in sizes:
        of_each = [found[f"{name} {n}"] for name in CONTESTANTS]
        cells = [f"{one['s']:.1f} ({one['cpu']:.0f}) | {one['loss']:.4f}" for one in of_each]
        rows.append([f"{n:,}", *cells, f"{of_each[0]['peak']:,.0f}", f"{of_each[0]['peak'] / of_each[0]['table']:.1f}"])
    large = [n for n in sizes if n >= 10_000 or quick]
    slopes = {name: slope(large, [found[f"{name} {n}"]["cpu"] for n in large]) for name in CONTESTANTS}
    columns = [text for name in CONTESTANTS for text in (f"{name}, s (CPU)", "log loss")]
    show(
        MODULE,
        "Rows: a whole training with 28 numbers",
        ["rows", *columns, "more memory, MB", "× the table"],
        rows,
        "Slope of the logarithms of CPU seconds and rows, from 10,000 rows: "
        + ", ".join(f"{name} {value:.2f}" for name, value in slopes.items())
        + ".",
    )


if __name__ == "__main__":
    start(measure, main)
