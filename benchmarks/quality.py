"""Test loss on real tables: goodfit, goodfit as it was, and peers, all with default arguments on the same rows.

goodfit splits each table by a seed. Its test rows, 20 %, judge every contestant; a peer is given all other rows, and
the columns of numbers and categories that goodfit uses. Each training of goodfit has a process of its own. A result is
a line of the file given by `--cache`: an interrupted benchmark resumes there, and one contestant can be measured anew:

    python -m benchmarks.quality --cache quality.jsonl --before ../goodfit-before --threads 1
    python -m benchmarks.quality --cache quality.jsonl --before ../goodfit-before --only goodfit --tag racing
"""

import json
import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import goodfit
from benchmarks.examination import Result, examine_goodfit, examine_peers, limit_cores
from benchmarks.harness import ROOT, fresh, installed, n_cores, say, start
from benchmarks.peers import PEERS, Options
from benchmarks.quality_report import Results, report
from benchmarks.tables import DESIGN, TABLES, load

MODULE = "benchmarks.quality"
BEFORE = "goodfit before"
OURS = {"goodfit": {}, "goodfit, one network": {"keep": "one"}}
CONTESTANTS = (BEFORE, *OURS, *PEERS)
QUICK = {"l2": 0.001, "learning_rate": 0.01, "hidden": (4,), "epochs": 2}


class Key(NamedTuple):
    """Names a training; the tag is goodfit's version, and empty for a peer."""

    table: str
    seed: int
    contestant: str
    tag: str


class Cache:
    """Results by key, a JSON line each; a later line replaces an earlier one."""

    def __init__(self, path: str | None = None) -> None:
        self.path = Path(path) if path else None
        lines = self.path.read_text().splitlines() if self.path and self.path.exists() else []
        self.results: dict[Key, Result] = {Key(*(found := json.loads(line)).pop("key")): found for line in lines}

    def add(self, key: Key, found: Result) -> None:
        self.results[key] = found
        if self.path:
            with self.path.open("a") as file:
                file.write(json.dumps({"key": key, **found}) + "\n")


def measure(contestants: str, table: str, seed: str, threads: str, quick: str = "") -> dict[str, Result]:
    """Train in this process: goodfit, or some peers one after the other."""
    limit_cores(int(threads))
    names = contestants.split("+")
    if set(names) <= set(PEERS):
        return examine_peers(names, table, Options(int(seed), int(threads)))
    return {name: examine_goodfit(table, int(seed), **OURS.get(name, {}), **(QUICK if quick else {})) for name in names}


def why_not(contestant: str, before: str) -> str:
    """Return why a contestant cannot be measured; "" if it can."""
    if contestant == BEFORE:
        return "" if before else "--before names no source tree"
    if contestant in PEERS:
        return "" if installed(PEERS[contestant].package) else f"{PEERS[contestant].package} is not installed"
    unknown = set(OURS[contestant]) - set(goodfit.Settings.__dataclass_fields__)
    return f"this version has no setting {unknown.pop()!r}" if unknown else ""


def version_of(folder: str | Path) -> str:
    """Return the commit of a source tree, "-dirty" if files differ from it."""
    command = ["git", "-C", os.fspath(folder), "describe", "--always", "--dirty"]
    return subprocess.run(command, capture_output=True, text=True).stdout.strip() or "unknown"


def tags(tag: str, before: str) -> dict[str, str]:
    """Return the tag of each contestant."""
    ours = dict.fromkeys(OURS, tag or version_of(ROOT))
    return dict.fromkeys(PEERS, "") | ours | {BEFORE: version_of(before) if before else ""}


def environment(contestant: str, before: str, threads: int) -> dict[str, str]:
    """Return the environment of a training: how many threads libraries start, and which goodfit is imported."""
    limits = {f"{library}_NUM_THREADS": str(threads) for library in ("OMP", "OPENBLAS", "MKL")}
    return limits | ({"PYTHONPATH": os.fspath(Path(before).resolve() / "src")} if contestant == BEFORE else {})


def fill(cache: Cache, keys: Sequence[Key], *, before: str, threads: int, quick: bool) -> None:
    """Measure what the cache lacks: the peers of a table and seed in one process, goodfit each time in a fresh one."""
    lacking: dict[tuple[str, int, str], list[Key]] = {}
    for key in keys:
        if key not in cache.results:
            group = "" if key.contestant in PEERS else key.contestant
            lacking.setdefault((key.table, key.seed, group), []).append(key)
    for (table, seed, _), group in lacking.items():
        names = "+".join(key.contestant for key in group)
        say(f"{table}, seed {seed}: {names}")
        words = (names, table, str(seed), str(threads), *(["quick"] if quick else []))
        try:
            found = fresh(MODULE, *words, environment=environment(group[0].contestant, before, threads))
        except subprocess.CalledProcessError:
            say(f"left out: {names} failed on {table}, seed {seed}")
            continue
        for key in group:
            if key.contestant in found:
                cache.add(key, found[key.contestant])


def main(
    rounds: int = 3,
    *,
    quick: bool = False,
    only: Sequence[str] = CONTESTANTS,
    tables: Sequence[str] = tuple(TABLES),
    cache: str = "",
    before: str = "",
    tag: str = "",
    threads: int | None = None,
) -> None:
    """Test loss, scores and seconds on real tables; rounds: seeds by which each table is split."""
    if quick:
        tables, rounds, only, cache = ["iris"], 1, ["goodfit", "linear"], ""
    named, known = tags(tag, before), Cache(cache)
    reasons = {name: reason for name in only if (reason := why_not(name, before))}
    for name, reason in reasons.items():
        print(f"left out: {name} ({reason}).\n", flush=True)
    there = [table for table in tables if load(table) is not None]
    keys = [
        Key(table, seed, name, named[name])
        for table in there
        for seed in range(rounds)
        for name in only
        if name not in reasons
    ]
    fill(known, keys, before=before, threads=threads or n_cores(), quick=quick)
    results = collected(known, there, rounds, named)
    base = BEFORE if any(BEFORE in of for of in results.values()) else "linear"
    groups = {"geometric mean": tuple(DESIGN), "with the other tables": tuple(TABLES)}
    report(results, MODULE, base=base, groups=groups)


def collected(cache: Cache, tables: Sequence[str], rounds: int, named: Mapping[str, str]) -> Results:
    """Return what the cache holds of these tables and versions; of goodfit before any version where none is named."""
    results: dict[str, dict[str, list[Result]]] = {table: {} for table in tables}
    for name in CONTESTANTS:
        for key, found in sorted(cache.results.items(), key=lambda item: item[0].seed):
            sought = key.contestant == name and key.table in results and key.seed < rounds
            if sought and (key.tag == named[name] or (name == BEFORE and not named[name])):
                results[key.table].setdefault(name, []).append(found)
    return {table: of for table, of in results.items() if of}


VALUES = {
    "tables": {"nargs": "+", "choices": TABLES, "help": "some of the tables"},
    "cache": {"help": "file of JSON lines that keeps each result"},
    "before": {"help": "another source tree of goodfit, to compare with"},
    "tag": {"help": "name of this version in the cache; its commit where none is given"},
    "threads": {"type": int, "help": "cores of each training; all where none is given"},
}

if __name__ == "__main__":
    start(measure, main, names=CONTESTANTS, values=VALUES)
