"""How often each data check finds a fault that is there, and reports one that is not: `python -m benchmarks.checks`.

Built tables of several sizes, tasks and seeds, with one fault each or with none but what looks like one; and real
tables, with a known fault or without. A fault counts as found if its check reports it as a warning or as serious, and
names the right columns; any other warning is a false alarm of its check. Takes about five minutes on one core.
"""

import zipfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow.csv

from benchmarks.harness import shared, show, start
from goodfit.checks.registry import Check, check_table
from goodfit.data.row_keys import row_keys
from goodfit.data.splits.splits import Splits, make_splits
from goodfit.data.table import Table, read_table
from goodfit.data.target import fit_target

MODULE = "benchmarks.checks"
SIZES, TASKS = (200, 600, 2000), ("binary", "multiclass", "regression")
CODES = ("duplicates", "leak", "time_order", "groups", "id", "drift", "rare_class")

Columns = dict[str, npt.NDArray[Any]]
Random = np.random.Generator


@dataclass(frozen=True)
class Case:
    """A way to build a table: ``fault`` is the code that is to be found, in ``columns``, or "" for none."""

    name: str
    fault: str
    columns: tuple[str, ...]
    build: Callable[[Random, int, str], Columns]
    split: str = "random"
    tasks: tuple[str, ...] = TASKS


def check_known_rows(table: Table, splits: Splits, **settings: Any) -> tuple[Check, ...]:  # noqa: ANN401
    """What is found in the known rows; of the test rows the checks see the keys only."""
    known = np.sort(np.concatenate([splits.train, splits.validation]))
    train, validation = (np.searchsorted(known, rows) for rows in (splits.train, splits.validation))
    inner = replace(splits, train=train, validation=validation, test=splits.test[:0])
    sealed = table.take(splits.test)
    return check_table(table.take(known), inner, held_out=lambda rule: row_keys(sealed, rule), **settings)


def find(source: object, target: str, *, seed: int = 0, split: str = "random") -> tuple[Check, ...]:
    """What training on a table would report."""
    table = read_table(source)
    found = fit_target(table, target, np.arange(table.n_rows))
    stratify = None if found.task == "regression" or split != "random" else found.encode(table)
    splits = make_splits(table.n_rows, seed=seed, stratify=stratify, split=split)
    return check_known_rows(table, splits, target=target, task=found.task, seed=seed)


# Building blocks


def features(rng: Random, n: int) -> Columns:
    """Six numbers, one of them with missing cells and one whole, and two categories."""
    columns: Columns = {f"x{i}": rng.normal(size=n) for i in range(5)}
    columns["x4"] = np.where(rng.random(n) < 0.1, np.nan, columns["x4"])
    columns["age"] = rng.integers(18, 80, n)
    return columns | {"kind": rng.choice(list("abcd"), n), "shop": rng.choice(list("uvwxyz"), n)}


def target(signal: npt.NDArray[Any], task: str) -> npt.NDArray[Any]:
    """Classes of equal size by the signal, or the signal."""
    if task == "regression":
        return signal
    n_classes = 2 if task == "binary" else 4
    return np.array(list("abcd"))[np.argsort(np.argsort(signal)) * n_classes // len(signal)]


def signal(columns: Columns, rng: Random, noise: float = 0.7) -> npt.NDArray[Any]:
    x = [np.nan_to_num(columns[f"x{i}"]) for i in range(4)]
    return (
        x[0] + x[1] * (columns["kind"] == "a") + 0.7 * x[2] + 0.03 * columns["age"] + noise * rng.normal(size=len(x[0]))
    )


def clean(rng: Random, n: int, task: str) -> Columns:
    columns = features(rng, n)
    return columns | {"y": target(signal(columns, rng), task)}


def walk(rng: Random, n: int, memory: float = 0.98) -> npt.NDArray[Any]:
    steps = rng.normal(size=n)
    for i in range(1, n):
        steps[i] += memory * steps[i - 1]
    return steps / steps.std()


def days(n: int) -> npt.NDArray[Any]:
    return np.datetime64("2020-01-01", "us") + np.arange(n) * np.timedelta64(86_400_000_000, "us")


def reordered(columns: Columns, order: npt.NDArray[Any]) -> Columns:
    return {name: values[order] for name, values in columns.items()}


# With a fault


def repeated(rng: Random, n: int, task: str, *, rounded: bool, share: float = 0.25) -> Columns:
    columns = clean(rng, n - int(share * n), task)
    again = rng.integers(len(columns["y"]), size=int(share * n))
    copy = {k: v[again] for k, v in columns.items()}
    if rounded:
        copy = {k: v.astype(np.float32) if v.dtype == float and k != "y" else v for k, v in copy.items()}
    return reordered({k: np.concatenate([v, copy[k]]) for k, v in columns.items()}, rng.permutation(n))


def recoded(rng: Random, n: int, task: str) -> Columns:
    columns = clean(rng, n, task)
    y = columns["y"]
    return columns | {"later": np.exp(y / y.std()) if task == "regression" else np.char.add("code ", y)}


def nearly_known(rng: Random, n: int, task: str) -> Columns:
    """A column that is known only after the outcome, and columns that know something of their own."""
    columns = features(rng, n)
    truth = signal(columns, rng, noise=1.2)
    return columns | {"later": truth + 0.12 * rng.normal(size=n), "y": target(truth, task)}


def spent(rng: Random, n: int, task: str) -> Columns:
    """Cards are used by those who were given one, 98 % of them; the share of income is derived from that."""
    columns = features(rng, n)
    given = signal(columns, rng, noise=2.0) > 0.6
    income = rng.lognormal(size=n)
    money = np.where(given & (rng.random(n) < 0.98), rng.lognormal(size=n) * income, 0.0)
    return columns | {
        "income": income,
        "share": (money + 1e-3) / income,
        "expenditure": money,
        "y": np.where(given, "yes", "no"),
    }


def filled_in_later(rng: Random, n: int, task: str) -> Columns:
    """Missing unless the outcome was one of two, but for a few rows."""
    columns = clean(rng, n, task)
    known = (columns["y"] == "a") ^ (rng.random(n) < 0.02)
    return columns | {"boat": np.where(known, rng.integers(1, 20, n), np.nan)}


def series(rng: Random, n: int, task: str, *, when: bool) -> Columns:
    """A target that remembers; with a date, or only with another series that runs along."""
    columns = features(rng, n)
    level = walk(rng, n)
    columns |= {"date": days(n)} if when else {"price": walk(rng, n) + 0.1 * level, "rate": walk(rng, n)}
    return columns | {"y": target(2 * level + signal(columns, rng), task)}


def seasons(rng: Random, n: int, task: str) -> Columns:
    """A monthly series that repeats and rises, as of passengers; 144 months."""
    month = np.arange(144)
    y = np.sin(2 * np.pi * month / 12) + month / 50 + 0.1 * rng.normal(size=144)
    return {"time": 1949 + month / 12, "y": target(y, task)}


def changing_rule(rng: Random, n: int, task: str) -> Columns:
    columns, share = features(rng, n), rng.permutation(np.linspace(0, 1, n))
    y = 2 * (1 - 2 * share) * columns["x0"] + 2 * share * columns["x1"] + 0.3 * rng.normal(size=n)
    return {"year": 1990 + np.floor(30 * share)} | columns | {"y": target(y, task)}


def grouped(rng: Random, n: int, task: str, *, name: str, text: bool) -> Columns:
    group = rng.integers(0, n // 8, n)
    columns, own = features(rng, n), rng.normal(size=(n // 8, 4))
    columns |= {f"x{i}": own[group, i] + 0.2 * rng.normal(size=n) for i in range(4)}
    effect = rng.normal(size=n // 8)[group]
    labels = np.array([f"land {g}" for g in group]) if text else group
    return {name: labels} | columns | {"y": target(effect + 0.2 * rng.normal(size=n), task)}


def counted(rng: Random, n: int, task: str, *, name: str, shuffled: bool) -> Columns:
    return {name: (rng.permutation(n) if shuffled else np.arange(n)) + 1} | clean(rng, n, task)


def sorted_by(rng: Random, n: int, task: str, *, name: str) -> Columns:
    columns = clean(rng, n, task)
    return reordered(columns, np.argsort(columns[name], kind="stable"))


def rare(rng: Random, n: int, task: str) -> Columns:
    columns = clean(rng, n, task)
    return columns | {"y": np.where(rng.permutation(n) < 6, "seldom", columns["y"])}


# Without


def coarse(rng: Random, n: int, task: str) -> Columns:
    x = rng.integers(0, 3, (n, 5))
    return {f"x{i}": x[:, i] for i in range(5)} | {"y": target(x.sum(1) + rng.normal(size=n), task)}


def one_size(rng: Random, n: int, task: str) -> Columns:
    """One strong cause that three columns know."""
    size = rng.lognormal(size=n)
    sides = {k: size * np.exp(0.05 * rng.normal(size=n)) for k in ("length", "width", "depth")}
    return sides | {"y": target(3 * size + 0.1 * rng.normal(size=n), task)}


def dated(rng: Random, n: int, task: str) -> Columns:
    return {"date": days(n)} | clean(rng, n, task)


def unlike_groups(rng: Random, n: int, task: str) -> Columns:
    return {"patient": rng.integers(0, n // 8, n)} | clean(rng, n, task)


def smooth_age(rng: Random, n: int, task: str) -> Columns:
    columns = features(rng, n)
    return columns | {"y": target(2 * np.sin(columns["age"] / 10) + signal(columns, rng), task)}


CASES = (
    Case("exact duplicates", "duplicates", (), partial(repeated, rounded=False)),
    Case("rounded duplicates", "duplicates", (), partial(repeated, rounded=True)),
    Case("the target in another form", "leak", ("later",), recoded),
    Case("known after the outcome", "leak", ("later",), nearly_known, tasks=("binary",)),
    Case("0 for one class, and a derived column", "leak", ("expenditure",), spent, tasks=("binary",)),
    Case("filled in for one class", "leak", ("boat",), filled_in_later, tasks=("binary",)),
    Case("series with dates", "time_order", ("date",), partial(series, when=True)),
    Case("series without dates", "time_order", (), partial(series, when=False)),
    Case("144 months", "time_order", ("time",), seasons, tasks=("regression",)),
    Case("a rule that changes by year", "time_order", ("year",), changing_rule),
    Case("patients", "groups", ("patient",), partial(grouped, name="patient", text=False)),
    Case("countries", "groups", ("Country",), partial(grouped, name="Country", text=True)),
    Case("1 to n", "id", ("rownames",), partial(counted, name="rownames", shuffled=False)),
    Case("numbers in another order", "id", ("lot",), partial(counted, name="lot", shuffled=True)),
    Case("sorted rows, last rows held out", "drift", ("x0",), partial(sorted_by, name="x0"), split="last"),
    Case("six rows of a class", "rare_class", ("y",), rare, tasks=("binary", "multiclass")),
    Case("nothing", "", (), clean),
    Case("three levels in five columns", "", (), coarse),
    Case("one cause, three columns", "", (), one_size),
    Case("dates without effect", "", (), dated),
    Case("patients without effect", "", (), unlike_groups),
    Case("a smooth effect of age", "", (), smooth_age),
    Case("sorted by a feature", "", (), partial(sorted_by, name="x0")),
    Case("sorted by the target", "", (), partial(sorted_by, name="y")),
    Case("sorted by a category", "", (), partial(sorted_by, name="kind")),
)


@dataclass(frozen=True)
class Outcome:
    """What one table showed: whether its fault was found, and the codes that were reported without a fault."""

    name: str
    fault: str
    found: bool
    alarms: tuple[str, ...]


def judged(name: str, faults: dict[str, tuple[str, ...]], found: tuple[Check, ...]) -> Iterator[Outcome]:
    """One outcome for each fault of a table, or one for a table without."""
    loud = [check for check in found if check.severity != "note"]
    alarms = tuple(check.code for check in loud if check.code not in faults)
    for fault, columns in faults.items() or [("", ())]:
        hit = any(check.code == fault and set(columns) <= set(check.columns) for check in loud)
        yield Outcome(name, fault, hit, alarms if fault in ("", next(iter(faults), "")) else ())


def built(case: Case, sizes: tuple[int, ...], seeds: tuple[int, ...]) -> Iterator[Outcome]:
    """The outcomes of one way to build a table."""
    for n in sizes:
        for task in case.tasks:
            for seed in seeds:
                rng = np.random.default_rng([seed, n, TASKS.index(task), len(case.name)])
                columns = case.build(rng, n, task)
                found = find(columns, "y", seed=seed, split=case.split)
                yield from judged(case.name, {case.fault: case.columns} if case.fault else {}, found)


REAL: tuple[tuple[str, str, dict[str, tuple[str, ...]]], ...] = (
    ("bank_marketing", "y", {"leak": ("duration",), "time_order": ()}),
    ("wine_quality/winequality-red.csv", "column_12", {"duplicates": (), "rare_class": ()}),
    ("wine_quality/winequality-white.csv", "column_12", {"duplicates": (), "rare_class": ()}),
    ("california_housing/housing.csv", "median_house_value", {}),
    ("diamonds/diamonds.csv", "price", {}),
    ("telco_churn/Telco-Customer-Churn.csv", "Churn", {}),
    ("titanic/train.csv", "Survived", {}),
    ("adult/adult.data", "column_15", {}),
    *((name, "target", {}) for name in ("breast_cancer", "digits", "wine", "iris", "diabetes")),
)
"""Tables with what is known to be wrong with them. bank_marketing is in order of date, says its source."""


def real(seeds: tuple[int, ...]) -> Iterator[Outcome]:
    """The outcomes of the real tables that are there."""
    for name, column, faults in REAL:
        source = source_of(name)
        if source is not None:
            table = read_table(source)
            for seed in seeds:
                yield from judged(name, faults, find(table, column, seed=seed))


def source_of(name: str) -> object:
    """A built-in set, a file of the shared folder, or the file in the archive of bank_marketing; None if not there."""
    if name != "bank_marketing":
        return shared(*name.split("/")) if "/" in name else name
    path = shared(name, "bank-additional.zip")
    if path is None:
        return None
    with zipfile.ZipFile(path) as archive, archive.open("bank-additional/bank-additional-full.csv") as file:
        return pyarrow.csv.read_csv(file, parse_options=pyarrow.csv.ParseOptions(delimiter=";"))


def ratio(k: int, n: int) -> str:
    return f"{k} of {n}" if n else "–"


def rates(outcomes: Sequence[Outcome]) -> Iterator[list[str]]:
    """Of each check: faults found, and false alarms in tables without its fault."""
    for code in CODES:
        faulty = [each for each in outcomes if each.fault == code]
        others = [each for each in outcomes if each.fault != code]
        yield [
            code,
            ratio(sum(each.found for each in faulty), len(faulty)),
            ratio(sum(code in each.alarms for each in others), len(others)),
        ]


def by_table(outcomes: Sequence[Outcome]) -> Iterator[list[str]]:
    """Of each kind of table: faults found, and which false alarms there were."""
    for name, fault in dict.fromkeys((each.name, each.fault) for each in outcomes):
        of = [each for each in outcomes if (each.name, each.fault) == (name, fault)]
        alarms = Counter(code for each in of for code in each.alarms)
        found = ratio(sum(each.found for each in of), len(of)) if fault else "–"
        yield [name, fault or "none", found, ", ".join(f"{code} {n}" for code, n in alarms.items()) or "–"]


def main(*, quick: bool = False, rounds: int = 4) -> None:
    """Detection and false alarms of every data check."""
    sizes, seeds = (SIZES[:1], (0,)) if quick else (SIZES, tuple(range(rounds)))
    made = [outcome for case in CASES for outcome in built(case, sizes, seeds)]
    found = list(real(seeds[:3]))
    columns = ["table", "fault", "found", "false alarms"]
    show(MODULE, "Built tables", columns, by_table(made))
    show(MODULE, "Real tables", columns, by_table(found))
    show(MODULE, "All tables", ["check", "found", "false alarms"], rates([*made, *found]))


if __name__ == "__main__":
    start(None, main)
