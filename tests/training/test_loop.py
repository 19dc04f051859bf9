"""What a training promises: closed forms, what must make no difference, what a new number costs, how it ends."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from sklearn.linear_model import Ridge

from goodfit.nn.early_stopping import EarlyStopping
from goodfit.nn.layers import Dense, Dropout, LayerNormalization
from goodfit.nn.network import apply_network, init_network
from goodfit.nn.optimizers import SGD, Adam
from goodfit.nn.packing import layout_of
from goodfit.nn.regularizers import l2
from goodfit.nn.schedules import CosineDecay
from goodfit.training import loop
from goodfit.training.evaluation import Dataset, make_labels
from goodfit.training.fit import Outcome, evaluation_rows, fit, row_order
from goodfit.training.loop import advance, start
from goodfit.training.recipe import make_recipe

RNG = np.random.default_rng(0)
N, FEATURES = 40, 3
X = RNG.normal(size=(N, FEATURES)) @ np.diag([1.0, 2.0, 0.5]) + 1
Y = X @ [1.0, -2.0, 0.5] + RNG.normal(size=N)
WEIGHT = RNG.uniform(0.2, 2, N)
TRAIN, VALIDATION = np.arange(0, 28), np.arange(28, N)  # batches of 8, 8, 8 and 4

NET = (Dense(6, activation="tanh", kernel_regularizer=l2(0.01)), Dense(1, kernel_regularizer=l2(0.01)))


def train(
    layers=NET,
    *,
    x=X,
    y=Y,
    weight=WEIGHT,
    train=TRAIN,
    validation=VALIDATION,
    optimizer=None,
    loss="mse",
    epochs=6,
    batch_size=8,
    early_stopping=None,
    metrics=(),
    seed=0,
    dtype="float64",
    **choices,
):
    recipe = make_recipe(
        layers,
        optimizer=optimizer or Adam(0.05),
        loss=loss,
        metrics=metrics,
        batch_size=batch_size,
        early_stopping=early_stopping,
        validation=len(validation) > 0,
        total_steps=epochs * -(-len(train) // batch_size),
        seed=seed,
        dtype=dtype,
    )
    rows = Dataset(x.astype(dtype), make_labels(y, weight, dtype))
    params = init_network(layers, n_inputs=x.shape[1], seed=0, dtype=dtype)
    return fit(recipe, rows, params=params, train=train, validation=validation, epochs=epochs, seed=seed, **choices)


def assert_same_weights(ours, expected, **tolerance):
    for layer, other in zip(ours, expected, strict=True):
        assert list(layer) == list(other)
        for name in layer:
            np.testing.assert_allclose(layer[name], other[name], **tolerance)


# --- closed forms ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("strength", [0.0, 0.1, 10.0])
def test_a_net_without_hidden_layer_reaches_the_ridge_solution(strength):
    training = train(
        [Dense(1, kernel_regularizer=l2(strength))],
        optimizer=SGD(0.02, momentum=0.9, nesterov=True),
        batch_size=len(TRAIN),
        epochs=2000,
    )
    s = WEIGHT[TRAIN] / WEIGHT[TRAIN].sum()
    x, y = X[TRAIN] - s @ X[TRAIN], Y[TRAIN] - s @ Y[TRAIN]
    kernel = np.linalg.solve((x.T * s) @ x + strength * np.eye(FEATURES), (x.T * s) @ y)
    (found,) = training.last_params
    np.testing.assert_allclose(found["kernel"][:, 0], kernel, rtol=1e-9)
    np.testing.assert_allclose(found["bias"], s @ Y[TRAIN] - s @ X[TRAIN] @ kernel, rtol=1e-9)
    peer = Ridge(alpha=strength * WEIGHT[TRAIN].sum()).fit(X[TRAIN], Y[TRAIN], WEIGHT[TRAIN])
    np.testing.assert_allclose(found["kernel"][:, 0], peer.coef_, rtol=1e-9)


def test_worked_example_of_the_objective():
    """Weights 2, 3, 1, 4, l2 0.01 and a loss of 0.5: penalty 0.30, objective 0.80."""
    layers = [Dense(1, use_bias=False, kernel_regularizer=l2(0.01))]
    recipe = make_recipe(layers, optimizer=SGD(0.0), loss="mse", validation=False, dtype="float64")
    rows = Dataset(np.eye(4)[:2], make_labels(np.array([2.0, 4.0]), None, "float64"))
    params = ({"kernel": np.array([[2.0], [3.0], [1.0], [4.0]])},)
    history = fit(recipe, rows, params=params, train=np.arange(2), validation=np.arange(0), epochs=1).history
    assert history["loss"][0] == pytest.approx(0.5)
    assert history["penalty"][0] == pytest.approx(0.30)
    assert history["objective"][0] == pytest.approx(0.80)


# --- what must make no difference ------------------------------------------------------------------------------------


def advanced(order, *, x=X, y=Y, weight=WEIGHT):
    """Weights and records after the epochs of ``order`` (epochs, steps, batch)."""
    recipe = make_recipe(NET, optimizer=Adam(0.05), loss="mse", dtype="float64")
    params = init_network(NET, n_inputs=FEATURES, seed=0, dtype="float64")
    with jax.enable_x64(True):
        rows = Dataset(jnp.asarray(x), jnp.asarray(make_labels(y, weight, "float64")))
        plan = evaluation_rows(TRAIN, VALIDATION, seed=0)
        state, records = advance(
            recipe, layout_of(params), rows, plan, start(recipe, params), order, np.int32(len(order))
        )
    return state.params, records


def ordered(batch_size=8):
    choices = {"batch_size": batch_size, "padding": N, "seed": 0, "shuffle": True}
    return np.stack([row_order(TRAIN, epoch=epoch, **choices) for epoch in range(3)])


def paddings():
    """The same batches, padded otherwise: more, and behind, in front or in between."""
    for places in ([8] * 5, [0] * 5, [0, 3, 3, 5, 8]):
        yield np.insert(ordered(), places, N, axis=2)


def test_learned_weights_do_not_depend_on_how_batches_are_padded():
    expected, records = advanced(ordered())
    for order in paddings():
        found, others = advanced(order)
        assert_same_weights(found, expected, rtol=1e-12, atol=1e-14)
        np.testing.assert_allclose(others, records, rtol=1e-12)


def test_padding_weighs_nothing_whatever_stands_in_the_last_row():
    """The last row is no training row here; padded batches must not see it."""
    train_only = {"x": X.copy(), "y": Y.copy()}
    train_only["x"][-1] *= 1e6
    found, _ = advanced(ordered(), **train_only)
    assert_same_weights(found, advanced(ordered())[0], rtol=0)


def test_packed_weights_learn_as_each_array_by_itself():
    """A bound that is never reached leaves every gradient alone, but keeps the weights from being packed."""
    layers = (Dense(6), LayerNormalization(), Dense(5, use_bias=False, activation="tanh"), Dense(1))
    packed, apart = train(layers), train(layers, optimizer=Adam(0.05, clipnorm=1e9))
    assert_same_weights(packed.last_params, apart.last_params, rtol=1e-11, atol=1e-13)
    np.testing.assert_allclose(packed.history["weight_norm"], apart.history["weight_norm"], rtol=1e-12)


def test_a_row_of_weight_two_is_the_row_twice():
    times = np.array([2, 1, 0, 1] * (N // 4))
    all_rows = {"batch_size": len(TRAIN), "optimizer": SGD(0.05)}
    weighted = train(weight=times.astype(float), **all_rows)
    row = np.repeat(np.arange(N), times)
    repeated = train(
        x=X[row],
        y=Y[row],
        weight=None,
        **all_rows,
    )
    assert_same_weights(weighted.last_params, repeated.last_params, rtol=1e-12, atol=1e-14)
    for name in weighted.history:
        np.testing.assert_allclose(weighted.history[name], repeated.history[name], rtol=1e-11, err_msg=name)


def test_all_weights_doubled_change_nothing():
    once, twice = train(), train(weight=2 * WEIGHT)
    for name in once.history:
        np.testing.assert_allclose(twice.history[name], once.history[name], rtol=1e-11, err_msg=name)


def test_validation_rows_teach_nothing():
    y = Y.copy()
    y[VALIDATION] += 100
    once, other = train(), train(y=y)
    assert_same_weights(once.last_params, other.last_params, rtol=0)
    np.testing.assert_array_equal(once.history["loss"], other.history["loss"])
    assert (once.history["val_loss"] != other.history["val_loss"]).all()


def test_same_seed_gives_the_same_bits_and_another_seed_others():
    first, again, other = train(seed=1), train(seed=1), train(seed=2)
    assert_same_weights(first.last_params, again.last_params, rtol=0)
    assert (first.last_params[0]["kernel"] != other.last_params[0]["kernel"]).any()


def test_losses_are_measured_without_dropout_and_the_running_loss_with_it():
    layers = (Dense(30, activation="relu"), Dropout(0.8), Dense(1))
    training = train(layers, epochs=1)
    output = apply_network(layers, jax.tree.map(np.float32, training.last_params), jnp.asarray(X, jnp.float32))
    for name, rows in (("loss", TRAIN), ("val_loss", VALIDATION)):
        error = (Y[rows] - np.asarray(output)[rows, 0]) ** 2
        assert training.history[name][0] == pytest.approx(np.average(error, weights=WEIGHT[rows]), rel=1e-5)
    still = train(layers, epochs=1, optimizer=Adam(0.0))
    assert still.history["running_loss"][0] != pytest.approx(still.history["loss"][0], rel=0.05)


# --- what a new number costs -----------------------------------------------------------------------------------------


def with_numbers(factor, *, weight=WEIGHT):
    """A training in which every number that may be swept is another."""
    layers = (
        Dense(6, activation="relu", kernel_regularizer=l2(0.01 * factor)),
        Dropout(0.2 * factor),
        Dense(1, kernel_regularizer=l2(0.02 * factor)),
    )
    schedule = CosineDecay(decay_steps=round(10 * factor), warmup_steps=round(4 * factor), alpha=0.1 * factor)
    return train(
        layers,
        optimizer=Adam(
            0.01 * factor,
            beta_1=0.8 * factor,
            beta_2=0.9 * factor,
            epsilon=1e-7 * factor,
            clipnorm=factor,
            schedule=schedule,
        ),
        early_stopping=EarlyStopping(
            patience=round(3 * factor), min_delta=1e-4 * factor, baseline=factor, start_from_epoch=round(factor)
        ),
        weight=weight,
        seed=round(10 * factor),
        dtype="float32",
    )


def test_a_new_value_of_any_number_compiles_nothing(compiled):
    first = with_numbers(1.0)
    assert len(compiled) > 0
    compiled.clear()
    others = [with_numbers(0.5), with_numbers(1.1), with_numbers(1.0, weight=np.where(Y > 0, 2.0, 0.5))]
    assert compiled == []
    assert all(other.history["loss"][0] != first.history["loss"][0] for other in others)


def test_more_epochs_compile_nothing(compiled):
    train(epochs=2)
    compiled.clear()
    train(epochs=100)
    assert compiled == []


# --- how a training ends ---------------------------------------------------------------------------------------------


def test_early_stopping_gives_back_the_weights_of_the_best_epoch():
    """Validation targets of less than half the size: the loss on them rises once the net has learned too much."""
    y = np.where(np.arange(N) < 28, Y, 0.4 * Y)
    settings = {"y": y, "optimizer": SGD(0.01), "batch_size": len(TRAIN)}
    stopped = train(early_stopping=EarlyStopping(patience=4), epochs=200, **settings)
    best = int(np.argmin(stopped.history["val_loss"])) + 1
    assert stopped.outcome == Outcome.STOPPED_EARLY
    assert stopped.best_epoch == best
    assert len(stopped.history["loss"]) == best + 4
    assert_same_weights(stopped.params, train(epochs=best, **settings).last_params, rtol=0)
    assert_same_weights(stopped.last_params, train(epochs=best + 4, **settings).last_params, rtol=0)


def test_without_early_stopping_the_best_epoch_is_given_back_all_the_same():
    y = np.where(np.arange(N) < 28, Y, 0.4 * Y)
    training = train(y=y, optimizer=SGD(0.01), batch_size=len(TRAIN), epochs=50)
    assert training.outcome == Outcome.FINISHED
    assert training.best_epoch == np.argmin(training.history["val_loss"]) + 1
    assert training.best_epoch < 50
    assert (training.params[0]["kernel"] != training.last_params[0]["kernel"]).any()


def test_the_last_weights_are_given_back_on_request():
    training = train(early_stopping=EarlyStopping(patience=50, restore_best_weights=False))
    assert_same_weights(training.params, training.last_params, rtol=0)


def test_without_validation_rows_the_training_loss_decides():
    training = train(validation=np.arange(0))
    assert "val_loss" not in training.history
    assert training.best_epoch == np.argmin(training.history["loss"]) + 1


def test_divergence_ends_the_training_and_the_best_is_finite():
    training = train(optimizer=SGD(0.5), epochs=500, dtype="float32", y=10 * Y)
    assert training.outcome == Outcome.DIVERGED
    assert len(training.history["loss"]) < 500
    assert not np.isfinite(training.history["loss"][-1])
    assert np.isfinite(training.history["loss"][training.best_epoch - 1])
    assert all(np.isfinite(w).all() for layer in training.params for w in layer.values())
    assert "learning rate" in training.outcome.text


def test_a_training_that_diverges_at_once_gives_back_its_first_weights():
    training = train(optimizer=SGD(1e30), dtype="float32", y=1e30 * Y)
    assert training.outcome == Outcome.DIVERGED
    assert training.best_epoch == 0
    assert_same_weights(training.params, init_network(NET, n_inputs=FEATURES, seed=0), rtol=0)


def test_an_epoch_without_a_finite_loss_is_never_best_however_good_its_metric():
    """Outputs that are no numbers count as the first class, and here nearly all rows are of that class."""
    training = train(
        (NET[0], Dense(1, activation="sigmoid")),
        y=(np.arange(N) % 10 == 0).astype(float),
        loss="binary_crossentropy",
        metrics=["accuracy"],
        optimizer=SGD(1e38),
        early_stopping=EarlyStopping(monitor="val_accuracy", patience=3),
        dtype="float32",
    )
    assert training.history["val_accuracy"][-1] > 0.8
    assert training.outcome == Outcome.DIVERGED
    assert all(np.isfinite(w).all() for layer in training.params for w in layer.values())


def test_every_epoch_is_told_in_order():
    records = []
    training = train(on_epoch=records.append, epochs=10)
    assert [record["epoch"] for record in records] == list(range(1, 11))
    assert [record["val_loss"] for record in records] == training.history["val_loss"].tolist()


@pytest.mark.parametrize("optimizer", [Adam(0.05), Adam(0.05, weight_decay=0.1), SGD(0.01, momentum=0.9)])
def test_packing_the_weights_changes_nothing(optimizer, monkeypatch):
    found = []
    for most in (2**15, 0):
        monkeypatch.setattr(loop, "MAX_PACKED_WEIGHTS", most)
        advance.clear_cache()
        found.append(train(optimizer=optimizer))
    advance.clear_cache()
    packed, apart = found
    assert_same_weights(packed.params, apart.params, rtol=0, atol=1e-12)
    for name, values in packed.history.items():
        np.testing.assert_allclose(values, apart.history[name], rtol=1e-12, atol=1e-12)
    if optimizer == Adam(0.05):
        np.testing.assert_allclose(packed.input_steps, apart.input_steps, rtol=1e-12)
