"""One training of `benchmarks.quality`: a contestant learns a table and is judged on the rows that goodfit seals.

Only public names of goodfit are used, so that a source tree of another version can be measured, too.
"""

import os
from collections.abc import Sequence
from functools import partial
from hashlib import sha256
from typing import Any

import numpy as np

import goodfit
from benchmarks.harness import say, timed
from benchmarks.peers import PEERS, Options, Rows
from benchmarks.tables import TABLES, load

CLIP = 1e-15
"""The least probability that the true class is given, as scikit-learn's log_loss had it for long."""
Result = dict[str, Any]


def losses(predicted: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Return the loss of each row: squared error of values (n,), −log p of the true class of probabilities (n, k)."""
    if predicted.ndim == 1:
        return np.square(predicted - truth)
    return -np.log(np.clip(predicted[np.arange(len(truth)), truth], CLIP, 1))


def score(predicted: np.ndarray, truth: np.ndarray) -> float:
    """Return R² of values, accuracy of probabilities."""
    if predicted.ndim == 1:
        return float(1 - np.square(predicted - truth).mean() / np.var(truth))
    return float((predicted.argmax(axis=1) == truth).mean())


def truth_of(values: np.ndarray, classes: Sequence[Any]) -> np.ndarray:
    """Return values, or the number of each row's class."""
    if not classes:
        return values.astype(np.float64)
    label, number = type(classes[0]), {name: i for i, name in enumerate(classes)}
    return np.array([number[label(value)] for value in values])


def result(predicted: np.ndarray, truth: np.ndarray, rows: np.ndarray, seconds: float) -> Result:
    """Return what is kept of a training; ``rows`` tells whether others were judged on the same ones."""
    return {
        "rows": sha256(np.asarray(rows, "<i8").tobytes()).hexdigest()[:12],
        "regression": predicted.ndim == 1,
        "score": score(predicted, truth),
        "seconds": seconds,
        "losses": [float(f"{loss:.6g}") for loss in losses(predicted, truth)],
    }


def examine_goodfit(name: str, seed: int, **settings: object) -> Result:
    """Train goodfit on a table of ``TABLES`` and judge it on its test rows."""
    task, source = TABLES[name], load(name)
    chosen = {"drop": task.drop, "task": task.task, "seed": seed, **settings}
    run, seconds = timed(lambda: goodfit.train(source, target=task.target, **chosen))
    test = goodfit.read_table(source).take(run.splits.test)
    found = run.predict(test)
    predicted = found.values if found.probabilities is None else found.probabilities
    return result(predicted, truth_of(test.values(task.target), run.record.target.classes), run.splits.test, seconds)


def examine_peers(peers: Sequence[str], name: str, options: Options) -> dict[str, Result]:
    """Train peers on all rows that goodfit does not seal, and judge them on those; one that fails is left out."""
    known, test = known_and_test(name, options.seed)
    found = {}
    for peer in peers:
        try:
            predict, seconds = timed(partial(PEERS[peer].fit, known, options))
            found[peer] = result(predict(test.x), test.y, test.places, seconds)
        except Exception as error:  # whatever a library raises
            say(f"left out: {peer} failed on {name}, seed {options.seed}: {error!r}")
    return found


def known_and_test(name: str, seed: int) -> tuple[Rows, Rows]:
    """Return the rows that goodfit trains and validates on, and those it seals, with the columns that it uses."""
    task, source, found = TABLES[name], load(name), []
    goodfit.dry_run(source, target=task.target, drop=task.drop, task=task.task, seed=seed, on_prepared=found.append)
    schema, classes, splits = found[0].table.schema, found[0].target.classes, found[0].splits
    used = {column.name: column.kind for column in schema if column.used and column.kind in ("number", "category")}
    table = goodfit.read_table(source, kinds=used)
    x = table.arrow.select([column for column in used if column != task.target]).to_pandas()
    y = truth_of(table.values(task.target), classes)
    categories = [column for column in x.columns if used[column] == "category"]
    rows = (splits.known, splits.test)
    known, test = (Rows(x.iloc[places], y[places], categories, not classes, places) for places in rows)
    return known, test


def limit_cores(threads: int) -> None:
    """Let this process run on so many cores, which JAX asks for."""
    if hasattr(os, "sched_setaffinity"):
        cores = sorted(os.sched_getaffinity(0))
        first = os.getpid() % len(cores)  # not always the same ones
        os.sched_setaffinity(0, (cores[first:] + cores[:first])[:threads])
