"""Whether a race finds what the full grid finds, and whether the score on known rows is honest.

Each draw is a table, split and initialised by another seed. goodfit is trained as by default; its test rows say whether
the score of the ensemble on the known rows was right, and its verdict is counted. In the first draws of each table all
configs are trained on all five folds as well. A result is a line of the file given by `--cache`, so that an interrupted
benchmark resumes there:

    python -m benchmarks.racing --cache racing.jsonl --rounds 30
"""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import goodfit
from benchmarks.harness import say, show, start
from benchmarks.tables import TABLES, load
from goodfit.data.table import open_source
from goodfit.experiment.experiment import plan_for
from goodfit.experiment.prepare import arrays_of, prepare, prepare_folds
from goodfit.experiment.settings import settings_from
from goodfit.search.sweep import sweep

MODULE = "benchmarks.racing"
NOISE = "noise"
DRAWN = ("iris", "wine", "breast cancer", "titanic", "german credit", "diabetes", "red wine", NOISE)
DRAWS = 30
"""Seeds of each table."""
FULL_GRIDS = 15
"""Seeds of each table on which the full grid is trained, too."""
SCORED = {"binary": "log_loss", "multiclass": "log_loss", "regression": "rmse"}
QUICK = {"hidden": (4,), "epochs": 2, "l2": (0.0, 0.01), "learning_rate": (0.01,)}
Draw = dict[str, Any]


def table_of(name: str, seed: int) -> object:
    """Return a table as `goodfit.train` takes it; of noise another one for each seed. None where it is not there."""
    if name != NOISE:
        return load(name)
    rng = np.random.default_rng(seed)
    columns = {f"column_{i}": rng.normal(size=500) for i in range(10)}
    return pd.DataFrame({**columns, "target": rng.integers(0, 2, 500)})


def draw(name: str, seed: int, *, full: bool, **settings: Any) -> Draw | None:  # noqa: ANN401
    """Train on one table with one seed, and return what is counted."""
    source = table_of(name, seed)
    if source is None:
        return None
    task = TABLES.get(name)
    target, options = "target", {"seed": seed, **settings}
    if task is not None:
        target, options = task.target, {"drop": task.drop, "task": task.task, **options}
    run = goodfit.train(source, target=target, **options)
    assert run.sweep is not None and run.ensemble is not None
    metric = SCORED[run.record.target.task]
    known, interval = run.ensemble.scores[metric], run.ensemble.expected(metric, len(run.splits.test))
    verdict = goodfit.diagnose(run)
    found = {
        "metric": metric,
        "known": known.value,
        "low": interval.low,
        "high": interval.high,
        "test": run.test().scores[metric].value,
        "loss": run.ensemble.loss,
        "baseline": run.ensemble.baseline_scores[metric],
        "trials": len(run.sweep.table),
        "verdict": verdict.word,
        "sentence": verdict.sentence,
    }
    return {**found, **full_grid(source, target, options, run.config)} if full else found


def full_grid(source: object, target: str, options: Mapping[str, Any], config: Mapping[str, float]) -> Draw:
    """Train every config on every fold, and return how far behind the best of them a config is."""
    folds = prepare_folds(prepare(open_source(source), target, settings_from(options)))
    found = sweep(plan_for(folds[0]), [arrays_of(prepared) for prepared in folds])
    table = found.trial_table()
    best, raced = int(np.argmin(table.means)), table.index(dict(config))
    assert raced is not None
    behind = float(table.means[raced] - table.means[best])
    error = table.standard_error(raced, best) if raced != best else 0.0
    return {"behind": behind, "error": error, "all_trials": len(found.table)}


def summary(name: str, draws: Sequence[Draw]) -> list[str]:
    """Return a line of the table: of one table, or of all."""
    raced = [each for each in draws if "behind" in each]
    near = sum(each["behind"] <= each["error"] for each in raced)
    share = max((each["trials"] / each["all_trials"] for each in raced), default=np.nan)
    inside = sum(each["low"] <= each["test"] <= each["high"] for each in draws)
    # A difference of losses is divided by what the interval expects, so that tables can be averaged.
    gaps = np.array([(each["test"] - each["known"]) / ((each["high"] - each["low"]) / 3.92) for each in draws])
    error = gaps.std(ddof=1) / np.sqrt(len(gaps)) if len(gaps) > 1 else np.nan
    return [
        name,
        f"{near} of {len(raced)}",
        f"{share:.0%}",
        f"{inside} of {len(draws)}",
        f"{gaps.mean():+.2f} ± {error:.2f}",
        f"{sum(each['verdict'] != 'cannot tell' for each in draws)} of {len(draws)}",
    ]


def main(
    *, quick: bool = False, rounds: int = DRAWS, only: Sequence[str] = DRAWN, cache: str | None = None
) -> dict[str, list[Draw]]:
    """Draw tables and seeds; ``rounds`` is the number of seeds of each table."""
    path = Path(cache) if cache else None
    lines = path.read_text().splitlines() if path and path.exists() else []
    done: dict[tuple[str, int], Draw] = {(each["table"], each["seed"]): each for each in map(json.loads, lines)}
    for seed in range(rounds):
        for name in only:
            if (name, seed) in done:
                continue
            say(f"draw {seed + 1} of {rounds}: {name}")
            found = draw(name, seed, full=seed < FULL_GRIDS, **(QUICK if quick else {}))
            if found is None:
                continue
            done[name, seed] = {"table": name, "seed": seed, **found}
            if path:
                with path.open("a") as file:
                    file.write(json.dumps(done[name, seed]) + "\n")
    by_table = {name: [each for (table, _), each in sorted(done.items()) if table == name] for name in only}
    by_table = {name: draws for name, draws in by_table.items() if draws}
    every = [each for draws in by_table.values() for each in draws]
    noise = by_table.get(NOISE, [])
    beating = sum(each["known"] < each["baseline"] for each in noise)
    words = Counter(each["verdict"] for each in every)
    show(
        MODULE,
        "Racing, and the score on known rows",
        ("", "within one SE of the full grid's best", "most trials", "test in 95 % interval", "test − known", "a word"),
        [summary(name, draws) for name, draws in by_table.items()] + [summary("all", every)],
        "*test − known*: mean and standard error, in standard deviations that the interval expects. *a word*: verdicts "
        f"that are not “cannot tell” ({', '.join(f'{code} {n}' for code, n in words.most_common())}). "
        f"On noise the ensemble scores better than the baseline in {beating} of {len(noise)} draws.",
    )
    return by_table


if __name__ == "__main__":
    options = {
        "cache": {"metavar": "FILE", "help": "keep results here, and measure only those that are not there"},
    }
    start(None, main, names=DRAWN, values=options)
