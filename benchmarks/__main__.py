"""All benchmarks, one after the other: more than an hour on two cores, most of it scikit-learn's grid searches."""

from benchmarks import checks, fashion, grid_search, growth, limits, one_training, start_up, table_quality, whole_grid

BENCHMARKS = (start_up, checks, one_training, whole_grid, limits, growth, fashion, table_quality, grid_search)

if __name__ == "__main__":
    for benchmark in BENCHMARKS:
        benchmark.main()
