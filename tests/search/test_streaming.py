"""Training on blocks of rows is the training in memory where one buffer holds them all, and close to it elsewhere."""

import numpy as np

from goodfit.data.row_store import RowStore
from goodfit.data.splits.hashed import block_of
from goodfit.nn.early_stopping import EarlyStopping
from goodfit.nn.layers import Dense
from goodfit.nn.network import init_network
from goodfit.nn.optimizers import Adam
from goodfit.search.parallel import Fold, Trial, run_trials
from goodfit.search.streaming import Stream, buffer_size, stream_trials
from goodfit.training.evaluation import Dataset, make_labels
from goodfit.training.interrupt import Interruption
from goodfit.training.recipe import make_recipe

N_TRAIN, N_VALIDATION, N_COLUMNS = 600, 150, 5
LAYERS = (Dense(8, activation="leaky_relu"), Dense(1, activation="sigmoid"))


def make_fold():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(N_TRAIN + N_VALIDATION, N_COLUMNS)).astype(np.float32)
    y = (x @ [1, -1, 0.5, 0, 0] + rng.normal(size=len(x)) > 0).astype(float)
    order = np.argsort(y[:N_TRAIN], kind="stable")  # the training rows are sorted by class
    x[:N_TRAIN], y[:N_TRAIN] = x[order], y[order]
    train, validation = np.split(np.arange(len(x)), [N_TRAIN])
    return Fold(Dataset(x, make_labels(y, None, "float32")), train, validation)


def stored(fold, n_blocks):
    numbers = np.arange(N_TRAIN)
    sizes = np.bincount(block_of(numbers, n_blocks, seed=0))
    store = RowStore(None, sizes, width=N_COLUMNS + 2, seed=0)
    store.add(numbers, np.hstack([fold.rows.x[:N_TRAIN], fold.rows.labels[:N_TRAIN]]))
    return store


def trials(rates, n_rows):
    return [
        Trial(
            make_recipe(
                LAYERS,
                optimizer=Adam(learning_rate=0.01),
                loss="binary_crossentropy",
                metrics=("accuracy",),
                batch_size=32,
                early_stopping=EarlyStopping(patience=4),
                total_steps=12 * -(-n_rows // 32),
            ),
            3,
            init_network(LAYERS, n_inputs=N_COLUMNS, seed=3),
        )
        for _ in rates
    ]


def streamed(fold, n_blocks, size, n_trials=2, epochs=12, **given):
    stream = Stream(stored(fold, n_blocks), fold, size)
    return stream_trials(trials(range(n_trials), size), stream, epochs=epochs, interrupted=Interruption(), **given)


def test_one_block_gives_the_bits_of_the_training_in_memory():
    fold = make_fold()
    expected = run_trials(trials(range(2), N_TRAIN), fold, epochs=12)
    for one, other in zip(streamed(fold, 1, N_TRAIN), expected, strict=True):
        assert other.history.n_epochs > 3
        assert one.history.keys() == other.history.keys()
        assert all(np.array_equal(one.history[name], other.history[name]) for name in other.history)
        assert np.array_equal(one.validation_outputs, other.validation_outputs)
        assert np.array_equal(one.params[0]["kernel"], other.params[0]["kernel"])


def test_many_blocks_of_a_table_sorted_by_class_lose_nothing():
    fold = make_fold()
    [whole] = run_trials(trials(range(1), N_TRAIN), fold, epochs=12)
    [blocks] = streamed(fold, 6, 192, n_trials=1, epochs=36)
    assert np.isfinite(blocks.history["loss"]).all()
    assert blocks.history["val_accuracy"].max() > whole.history["val_accuracy"].max() - 0.02


def test_the_first_trial_is_told_of_every_epoch():
    told = []
    [training] = streamed(make_fold(), 6, 192, n_trials=1, on_epoch=told.append)
    assert [record["epoch"] for record in told] == list(range(1, training.history.n_epochs + 1))
    assert [record["val_loss"] for record in told] == training.history["val_loss"].tolist()


def test_it_ends_after_the_buffer_in_which_it_is_interrupted():
    interrupted = Interruption()
    interrupted.set()
    stream = Stream(stored(make_fold(), 6), make_fold(), 192)
    found = stream_trials(trials(range(2), 192), stream, epochs=12, interrupted=interrupted)
    assert [training.history.n_epochs for training in found] == [1, 1]


def test_buffers_are_whole_batches_of_at_most_a_thousand_updates():
    assert buffer_size(10**6, 256, 10**9) == 256_000
    assert buffer_size(10**6, 256, 1_000) == 768
    assert buffer_size(10**6, 256, 10) == 256
    assert buffer_size(200, 256, 300) == 200
