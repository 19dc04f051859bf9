"""All benchmarks, one after the other: several hours on two cores, most of it peers on real tables."""

from benchmarks import (
    checks,
    cluster,
    estimators,
    fashion,
    fine_tuning,
    from_keras,
    grid_search,
    growth,
    kill_peers,
    kills,
    limits,
    one_training,
    quality,
    racing,
    rows,
    scale,
    start_up,
    whole_grid,
)
from benchmarks.fuzz import __main__ as fuzz

BENCHMARKS = (
    start_up,
    checks,
    one_training,
    whole_grid,
    limits,
    growth,
    fashion,
    racing,
    quality,
    grid_search,
    estimators,
    fine_tuning,
    from_keras,
    fuzz,
    kill_peers,
    kills,
    rows,
    scale,
    cluster,
)

if __name__ == "__main__":
    for benchmark in BENCHMARKS:
        benchmark.main()
