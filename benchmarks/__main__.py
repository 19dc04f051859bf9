"""All benchmarks, one after the other: about a quarter of an hour on two cores."""

from benchmarks import fashion, one_training, start_up, table_quality

BENCHMARKS = (start_up, one_training, fashion, table_quality)

if __name__ == "__main__":
    for benchmark in BENCHMARKS:
        benchmark.main()
