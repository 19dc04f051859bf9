"""Fine-tuning at 100 rows of another distribution, beside training from scratch on the same rows.

An earlier network is trained on the rows of one half of a table, such as the north of California. Then, for each seed,
100 rows of the other half are drawn, and goodfit is trained from the earlier network and, as by default, from scratch.
The other rows of that half say which of the two predicts better.
"""

import tempfile
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

import goodfit
from benchmarks.harness import say, shared, show, start
from goodfit.data.table import Table
from goodfit.nn.losses import SMALLEST_PROBABILITY

MODULE = "benchmarks.fine_tuning"
N_NEW, N_EARLIER, N_SCORED = 100, 4_000, 4_000
QUICK = {"hidden": (4,), "epochs": 2, "l2": 0.01, "learning_rate": 0.01}


class Halves(NamedTuple):
    """A table, its target, and the column by which it is halved: rows up to the limit are new, the others earlier."""

    table: str
    target: str
    column: str
    limit: float


CASES = {
    "california housing: south from north": Halves(
        "california_housing/housing.csv", "median_house_value", "latitude", 36.0
    ),
    "diamonds: small from large": Halves("diamonds/diamonds.csv", "price", "carat", 0.7),
    "adult: young from old": Halves("adult/adult.data", "column_15", "column_1", 37.0),
}


def measure(case: Halves, path: Path, rounds: int, **settings: Any) -> list[Mapping[str, Any]]:  # noqa: ANN401
    """Return, for each seed, the losses of both on rows that neither has seen, and what the transfer says of itself."""
    table = goodfit.read_table(path)
    rng = np.random.default_rng(0)
    is_new = table.values(case.column) <= case.limit
    earlier, new = (rng.permutation(np.flatnonzero(which)) for which in (~is_new, is_new))
    with tempfile.TemporaryDirectory() as folder:
        begun = goodfit.train(
            table.take(np.sort(earlier[:N_EARLIER])), case.target, out=Path(folder) / "run", **settings
        )
        layers = {name: settings[name] for name in ("hidden",) if name in settings}
        own = {name: value for name, value in settings.items() if name not in layers}
        found = []
        for seed in range(rounds):
            drawn = np.random.default_rng(seed).permutation(new)
            known, scored = table.take(drawn[:N_NEW]), table.take(drawn[N_NEW : N_NEW + N_SCORED])
            both = {"seed": seed, "test_size": 0, **own}
            tuned = goodfit.train(known, case.target, start=begun, **both)
            scratch = goodfit.train(known, case.target, **both, **layers)
            assert tuned.transfer is not None
            losses = {name: loss_of(run, scored) for name, run in (("tuned", tuned), ("scratch", scratch))}
            losses["unchanged"] = loss_of(begun, scored)
            transfer = tuned.transfer
            clear = transfer.gain > 2 * transfer.standard_error
            found.append({**losses, "selected": transfer.selected, "gain": transfer.gain, "clear": clear})
            say(f"{path.name}, seed {seed}: {found[-1]}")
    return found


def loss_of(run: goodfit.Run, rows: Table) -> float:
    """Return the log loss of classes, or the RMSE of a quantity."""
    found, truth = run.predict(rows), rows.values(run.record.target.name)
    if found.probabilities is None:
        return float(np.sqrt(np.mean((found.values - truth) ** 2)))
    codes = run.record.target.encode(rows).astype(int)
    p = found.probabilities[np.arange(len(codes)), codes]
    return float(-np.log(p.clip(SMALLEST_PROBABILITY)).mean())


def row(name: str, found: list[Mapping[str, Any]]) -> list[str]:
    """Return how often fine-tuning is better, medians, and what the runs say."""
    better = sum(each["tuned"] < each["scratch"] for each in found)
    tuned, scratch, unchanged = (
        np.median([each[name] for each in found]) for name in ("tuned", "scratch", "unchanged")
    )
    return [
        name,
        f"{better} of {len(found)}",
        *(f"{value:,.4g}" for value in (tuned, scratch, unchanged)),
        f"{sum(each['selected'] for each in found)}",
        f"{sum(each['clear'] for each in found)}",
    ]


def main(rounds: int = 20, *, quick: bool = False, only: str | None = None) -> None:
    """Fine-tuning beside training from scratch."""
    rows = []
    for name, case in CASES.items():
        path = shared(*case.table.split("/"))
        if path is None or (only and name not in only):
            continue
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", goodfit.DataWarning)
            rows.append(row(name, measure(case, path, 1 if quick else rounds, **(QUICK if quick else {}))))
    show(
        MODULE,
        f"Fine-tuning: {N_NEW} rows, from a network of {N_EARLIER:,} rows of another distribution",
        ["", "better than scratch", "fine-tuned", "scratch", "earlier network", "kept", "clearly better"],
        rows,
        f"Medians over {1 if quick else rounds} draws, of the RMSE or log loss of up to {N_SCORED:,} other rows.",
        "Kept: the validation rows chose the fine-tuned network. Clearly better: by more than two standard errors.",
    )


if __name__ == "__main__":
    start(None, main, names=CASES)
