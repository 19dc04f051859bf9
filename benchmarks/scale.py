"""Tables larger than memory: memory and time of a training in blocks, its pace beside memory, and sorted rows.

A row has 28 numbers and a target of two classes, a built function of five of them with noise. The tables are made on
the spot, in the folder of temporary files (TMPDIR), and deleted afterwards.
"""

import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from benchmarks.harness import Numbers, fresh, peak, say, show, start

MODULE = "benchmarks.scale"
N_COLUMNS, CHUNK = 28, 500_000
SIZES = {"csv": 6e9, "parquet": 20e9}
MEMORY = "1GB"
GRID = {"l2": [0, 0.0001], "learning_rate": [0.001, 0.01]}
N_RACED, N_SORTED = 600_000, 2_000_000
GB, MB = 1e9, 2**20


def make_rows(n: int, seed: int, *, ordered: bool = False) -> pa.Table:
    """So many rows; ``ordered`` by class."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, N_COLUMNS))
    z = x[:, 0] * x[:, 1] + np.sin(2 * x[:, 2]) + x[:, 3] - 0.5 * x[:, 4] ** 2 + 0.5 + rng.normal(size=n)
    x, z = (x[np.argsort(z > 0, kind="stable")], np.sort(z > 0)) if ordered else (x, z > 0)
    return pa.table({**{f"c{i}": x[:, i] for i in range(N_COLUMNS)}, "target": np.where(z, "yes", "no")})


def as_text(table: pa.Table) -> pa.Table:
    """Numbers with the seven digits of float32, as tables of text have."""
    return pa.table(
        [c.cast(pa.float32()) if pa.types.is_floating(c.type) else c for c in table.columns], table.schema.names
    )


def write(path: Path, n_bytes: float) -> int:
    """Write rows until the file has so many bytes, and return their number."""
    is_text = path.suffix == ".csv"
    first = as_text(make_rows(1, 0)) if is_text else make_rows(1, 0)
    writer = (pyarrow.csv.CSVWriter if is_text else pyarrow.parquet.ParquetWriter)(path, first.schema)
    n = 0
    with writer:
        while path.stat().st_size < n_bytes:
            rows = make_rows(CHUNK, n)
            writer.write(as_text(rows) if is_text else rows)
            n += CHUNK
            say(f"{path.name}: {path.stat().st_size / GB:.1f} of {n_bytes / GB:.1f} GB")
    return n


def measure(what: str, *arguments: str) -> Numbers:
    """One of the measurements, in this process."""
    return {"train": train, "pace": pace, "accuracy": accuracy}[what](*arguments)


def train(path: str, memory: str, epochs: str) -> Numbers:
    """Seconds, most memory, rows and the exam of a training in blocks."""
    import goodfit

    began = time.perf_counter()
    stages: list[float] = []

    def tell(progress: object) -> None:
        stages.append(time.perf_counter() - began)

    run = goodfit.train(path, memory=memory, epochs=int(epochs), on_progress=tell, **GRID)
    whole = run.record.streamed
    assert whole is not None
    table = run.sweep.table.to_pylist()
    last = max(row["rung"] for row in table)
    exam = run.test()
    return {
        "seconds": time.perf_counter() - began,
        "search_began": stages[0],
        "peak": peak() / MB,
        "rows": whole.n_rows,
        "trained": whole.epoch_rows * sum(row["epochs"] for row in table if row["rung"] == last),
        "accuracy": exam.scores["accuracy"].value,
    }


def pace(epochs: str) -> Numbers:
    """Rows times trials in a second of CPU, of four trials side by side: in memory, and from blocks on disk."""
    from goodfit.data.row_store import RowStore
    from goodfit.data.splits.hashed import block_of
    from goodfit.nn.early_stopping import EarlyStopping
    from goodfit.nn.layers import Dense
    from goodfit.nn.network import init_network
    from goodfit.search.parallel import Fold, Trial, run_trials
    from goodfit.search.streaming import Stream, buffer_size, stream_trials
    from goodfit.training.evaluation import Dataset, make_labels
    from goodfit.training.interrupt import Interruption
    from goodfit.training.recipe import make_recipe

    table, n_train = make_rows(N_RACED, 0), N_RACED - 20_000
    x = np.stack([table[i].to_numpy() for i in range(N_COLUMNS)], axis=1).astype(np.float32)
    labels = make_labels((table["target"].to_numpy() == "yes").astype(float), None, "float32")
    train_rows, validation = np.split(np.arange(N_RACED), [n_train])
    fold = Fold(Dataset(x, labels), train_rows, validation)
    layers = (Dense(64, activation="leaky_relu"), Dense(64, activation="leaky_relu"), Dense(1, activation="sigmoid"))
    stopping = EarlyStopping(patience=1_000)
    recipe = make_recipe(layers, loss="binary_crossentropy", batch_size=256, early_stopping=stopping)
    trials = [Trial(recipe, 0, init_network(layers, n_inputs=N_COLUMNS, seed=0))] * 4
    size = buffer_size(n_train, 256, n_train)
    n_blocks = -(-8 * n_train // size)
    capacity = np.bincount(block_of(train_rows, n_blocks, seed=0), minlength=n_blocks)
    store = RowStore(None, capacity, width=N_COLUMNS + 2, seed=0)
    store.add(train_rows, np.hstack([x[:n_train], labels[:n_train]]))
    stream = Stream(store, fold._replace(train=train_rows[:10_000]), size)

    def rate(run: Callable[[int], object], rows: int, n: int) -> float:
        run(1)  # compiles
        began = time.process_time()
        run(n)
        return len(trials) * rows * n / (time.process_time() - began)

    n = int(epochs)
    memory = partial(run_trials, trials, fold)
    blocks = partial(stream_trials, trials, stream, interrupted=Interruption())
    return {
        "memory": rate(lambda n: memory(epochs=n), n_train, n),
        "blocks": rate(lambda n: blocks(epochs=n), size, n * n_train // size),
    }


def accuracy(ordered: str, n_rows: str, epochs: str) -> Numbers:
    """Accuracy of the exam, on a table sorted by class or on the same rows shuffled."""
    import goodfit

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "table.parquet")
        table = make_rows(int(n_rows), 1, ordered=ordered == "sorted")
        pyarrow.parquet.write_table(table, path)
        del table
        run = goodfit.train(path, memory="100MB", epochs=int(epochs), l2=0.0001, learning_rate=0.003)
        return {"accuracy": run.test().scores["accuracy"].value}


def rows_of(kind: str, n_bytes: float, epochs: int) -> Iterator[list[str]]:
    """One table made, trained on and deleted."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, f"table.{kind}")
        write(path, n_bytes)
        found = fresh(MODULE, "train", str(path), MEMORY, str(epochs))
    seconds = found["seconds"]
    yield [
        f"{n_bytes / GB:g} GB {kind}",
        f"{found['rows'] / 1e6:.1f}",
        f"{found['peak']:,.0f}",
        f"{seconds:,.0f}",
        f"{found['search_began']:,.0f}",
        f"{found['trained'] / 1e6:,.0f}",
        f"{found['accuracy']:.4f}",
    ]


def main(*, quick: bool = False, csv: float = SIZES["csv"] / GB, parquet: float = SIZES["parquet"] / GB) -> None:
    """Training on tables larger than memory."""
    sizes = {"csv": 3e6, "parquet": 3e6} if quick else {"csv": csv * GB, "parquet": parquet * GB}
    epochs = 2 if quick else 40
    with suppress(KeyboardInterrupt):
        lines = [line for kind, size in sizes.items() if size for line in rows_of(kind, size, epochs)]
        show(
            MODULE,
            f"Tables larger than memory, `--memory {MEMORY}`, a grid of four configurations, {epochs} epochs",
            ["table", "rows, million", "peak, MB", "s", "s before the search", "rows × trials, million", "accuracy"],
            lines,
            "Peak: the most memory of the whole process. Rows × trials: what the contenders were trained on.",
        )
    paces = fresh(MODULE, "pace", "1" if quick else "4")
    show(
        MODULE,
        "Pace of four trials side by side",
        ["where the rows are", "rows × trials a CPU second", "share"],
        [
            [where, f"{paces[key]:,.0f}", f"{paces[key] / paces['memory']:.2f}"]
            for key, where in (("memory", "in memory"), ("blocks", "in blocks on disk"))
        ],
    )
    n, few = ("20000", "2") if quick else (str(N_SORTED), "30")
    found = {order: fresh(MODULE, "accuracy", order, n, few)["accuracy"] for order in ("shuffled", "sorted")}
    show(
        MODULE,
        f"Order of the rows of a table, {int(n):,} rows in blocks",
        ["order", "accuracy of the exam"],
        [[order, f"{value:.4f}"] for order, value in found.items()],
    )


if __name__ == "__main__":
    sizes = {kind: {"type": float, "metavar": "GB", "help": f"size of the {kind} file"} for kind in SIZES}
    start(measure, main, values=sizes)
