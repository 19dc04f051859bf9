"""The results of `benchmarks.quality` as tables in Markdown."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from benchmarks.harness import show

Results = Mapping[str, Mapping[str, Sequence[Mapping[str, Any]]]]
"""By table and contestant the results of each seed."""
NONE = "–"
LINEAR = "linear"


def loss(results: Sequence[Mapping[str, Any]]) -> float:
    """Return the mean over seeds of the log loss, or of the root of the mean squared error."""
    means = [np.mean(found["losses"]) for found in results]
    return float(np.mean(np.sqrt(means) if results[0]["regression"] else means))


def difference(ours: Sequence[Mapping[str, Any]], theirs: Sequence[Mapping[str, Any]]) -> tuple[float, float]:
    """Return our loss minus theirs and its standard error, paired over the test rows of all seeds.

    For values the error is that of the delta method: how much each row moves the root of the mean squared error. Test
    rows of several seeds overlap, which makes the error a little too small.
    """
    pairs = [(np.array(a["losses"]), np.array(b["losses"])) for a, b in zip(ours, theirs, strict=True)]
    if ours[0]["regression"]:
        pairs = [tuple(each / (2 * np.sqrt(each.mean())) for each in pair) for pair in pairs]
    rows = np.concatenate([a - b for a, b in pairs])
    return loss(ours) - loss(theirs), float(rows.std(ddof=1) / np.sqrt(len(rows)))


def multiples(results: Results, base: str) -> dict[str, dict[str, float]]:
    """Return each contestant's loss on each table as a multiple of that of the base, on the seeds that both have."""
    found: dict[str, dict[str, float]] = {}
    for table, of in results.items():
        both = {name: _paired(each, of.get(base, ())) for name, each in of.items()}
        found[table] = {name: loss(a) / loss(b) for name, (a, b) in both.items() if a}
    return found


def _paired(ours: Sequence[Mapping[str, Any]], theirs: Sequence[Mapping[str, Any]]) -> tuple[list, list]:
    """Return the results of the same test rows."""
    rows = {found["rows"]: found for found in theirs}
    same = [found for found in ours if found["rows"] in rows]
    return same, [rows[found["rows"]] for found in same]


def geometric_mean(values: Sequence[float]) -> float:
    return float(np.exp(np.mean(np.log(values))))


def report(results: Results, module: str, *, base: str, groups: Mapping[str, Sequence[str]]) -> None:
    """Print losses, differences from the linear model, scores and seconds.

    Args:
        base: the contestant of whose loss the others' are multiples.
        groups: tables over which geometric means are taken, by the name of the line.
    """
    contestants = list(dict.fromkeys(name for of in results.values() for name in of))
    columns, found = ["", *contestants], multiples(results, base)
    rows = [[table, *(_cell(of.get(name), ".3f") for name in contestants)] for table, of in found.items()]
    for name, tables in groups.items():
        rows.append([f"**{name}**", *(_mean(found, each, tables) for each in contestants)])
    note = f"Multiples of the test loss of {base}: log loss, or root of the mean squared error. Below 1 is better."
    show(module, "Test loss", columns, rows, note + " In brackets: on how many tables.")
    _each(results, module, "Seconds of a training", columns, lambda each: f"{_mean_of(each, 'seconds'):.1f}")
    _each(results, module, "Accuracy, or R²", columns, lambda each: f"{_mean_of(each, 'score'):.4f}")
    _differences(results, module)


def _mean(found: Mapping[str, Mapping[str, float]], name: str, tables: Sequence[str]) -> str:
    values = [found[table][name] for table in tables if name in found.get(table, {})]
    return f"{geometric_mean(values):.3f} ({len(values)})" if values else NONE


def _each(
    results: Results,
    module: str,
    title: str,
    columns: Sequence[str],
    cell: Callable[[Sequence[Mapping[str, Any]]], str],
) -> None:
    names = columns[1:]
    rows = [[table, *(cell(of[name]) if name in of else NONE for name in names)] for table, of in results.items()]
    show(module, title, columns, rows, "Means over the seeds.")


def _differences(results: Results, module: str) -> None:
    """Print how the loss of goodfit, and of goodfit before, differs from that of the linear model."""
    ours = [name for name in dict.fromkeys(n for of in results.values() for n in of) if name.startswith("goodfit")]
    rows = []
    for table, of in results.items():
        if LINEAR in of:
            cells = [_against_linear(of[name], of[LINEAR]) if name in of else NONE for name in ours]
            found = of[LINEAR][0]
            rows.append([table, f"{loss(of[LINEAR]):.4g}", *cells, f"{len(of[LINEAR])} × {len(found['losses']):,}"])
    note = "± is the standard error of the difference, paired over the test rows of all seeds; these overlap."
    show(module, "Test loss minus that of the linear model", ["", LINEAR, *ours, "seeds × test rows"], rows, note)


def _against_linear(ours: Sequence[Mapping[str, Any]], theirs: Sequence[Mapping[str, Any]]) -> str:
    a, b = _paired(ours, theirs)
    if not a:
        return NONE
    gap, error = difference(a, b)
    return f"{gap:+.4g} ± {error:.2g}"


def _cell(value: float | None, digits: str) -> str:
    return NONE if value is None else format(value, digits)


def _mean_of(results: Sequence[Mapping[str, Any]], name: str) -> float:
    return float(np.mean([found[name] for found in results]))
