"""One table of optimizers, one contract for all of them; then what only one of them promises."""

import inspect
import math
from dataclasses import fields, replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from goodfit.errors import ConfigError
from goodfit.nn.optimizers import SGD, Adam, get_optimizer
from goodfit.nn.optimizers.base import clip_gradients, init_optimizer, numbers, sum_of_squares, update_weights
from goodfit.nn.schedules import CosineDecay, ExponentialDecay

OPTIMIZERS = {
    "sgd": SGD(0.05),
    "momentum": SGD(0.02, momentum=0.9),
    "nesterov": SGD(0.02, momentum=0.9, nesterov=True),
    "sgd with decay": SGD(0.05, momentum=0.5, weight_decay=0.1),
    "sgd clipped": SGD(0.05, clipvalue=0.5),
    "adam": Adam(0.05),
    "adam slow": Adam(0.05, beta_1=0.8, beta_2=0.9, epsilon=1e-3),
    "amsgrad": Adam(0.05, beta_2=0.9, amsgrad=True),
    "adamw": Adam(0.05, weight_decay=0.1),
    "adam by norm": Adam(0.05, clipnorm=0.5),
    "adam by all norms": Adam(0.05, global_clipnorm=0.5, weight_decay=0.1),
    "adam with cosine": Adam(0.05, weight_decay=0.1, schedule=CosineDecay(decay_steps=6, warmup_steps=3, alpha=0.1)),
    "adam with steps": Adam(0.05, schedule=ExponentialDecay(0.5, decay_steps=3, staircase=True)),
    "sgd with exponential": SGD(0.05, momentum=0.9, schedule=ExponentialDecay(0.5, decay_steps=3)),
}
EVERY = pytest.mark.parametrize("optimizer", OPTIMIZERS.values(), ids=OPTIMIZERS)
N_STEPS = 12

RNG = np.random.default_rng(0)
SHAPES = {"kernel": (3, 2), "bias": (2,)}
WEIGHTS = ({name: RNG.normal(size=shape) for name, shape in SHAPES.items()}, {"kernel": RNG.normal(size=(2, 1))})
GRADIENTS = [jax.tree.map(lambda w: RNG.normal(size=w.shape), WEIGHTS) for _ in range(N_STEPS)]


def apply(optimizer, gradients, *, weights=WEIGHTS, dtype="float64"):
    """Weights after each update."""
    step_once = jax.jit(update_weights)
    params = jax.tree.map(lambda w: jnp.asarray(w, dtype), weights)
    state, seen = init_optimizer(optimizer, params), []
    for step, grads in enumerate(gradients):
        grads = jax.tree.map(lambda g: jnp.asarray(g, dtype), grads)
        params, state, _ = step_once(optimizer, grads, state, params, step=jnp.array(step))
        seen.append(params)
    return seen


def assert_close(ours, expected, **tolerance):
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, **tolerance), ours, expected)


def keras_twin(keras, optimizer):
    """The same optimizer in Keras; its decay spares biases only when told to."""
    arguments = {field.name: getattr(optimizer, field.name) for field in fields(optimizer)}
    schedule, rate = arguments.pop("schedule"), arguments["learning_rate"]
    match schedule:
        case CosineDecay():
            arguments["learning_rate"] = keras.optimizers.schedules.CosineDecay(
                0.0, schedule.decay_steps, schedule.alpha, warmup_target=rate, warmup_steps=schedule.warmup_steps
            )
        case ExponentialDecay():
            arguments["learning_rate"] = keras.optimizers.schedules.ExponentialDecay(
                rate, schedule.decay_steps, schedule.decay_rate, schedule.staircase
            )
    twin = getattr(keras.optimizers, type(optimizer).__name__)(**arguments)
    twin.exclude_from_weight_decay(var_names=["bias"])
    return twin


@EVERY
def test_every_update_is_that_of_keras(optimizer, keras64):
    with jax.numpy_rank_promotion("raise"), jax.numpy_dtype_promotion("strict"):
        ours = apply(optimizer, GRADIENTS)
    # Keras takes the cosine in float32 even when asked for float64.
    tolerance = 1e-8 if isinstance(optimizer.schedule, CosineDecay) else 1e-12
    twin = keras_twin(keras64, optimizer)
    peers = [keras64.Variable(w, name=name) for layer in WEIGHTS for name, w in sorted(layer.items())]
    twin.build(peers)
    apply_once = jax.jit(twin.stateless_apply)
    state, peers = [variable.value for variable in twin.variables], [peer.value for peer in peers]
    for grads, params in zip(GRADIENTS, ours, strict=True):
        peers, state = apply_once(state, jax.tree.leaves(grads), peers)
        assert_close(jax.tree.leaves(params), peers, rtol=0, atol=tolerance)


@EVERY
def test_weights_and_state_keep_shape_and_precision(optimizer):
    params = jax.tree.map(jnp.float32, WEIGHTS)
    state = init_optimizer(optimizer, params)
    after = jax.eval_shape(lambda: update_weights(optimizer, params, state, params, step=jnp.array(0)))
    assert jax.tree.map(lambda a: (a.shape, a.dtype), after) == jax.tree.map(
        lambda a: (a.shape, a.dtype), (params, state, params)
    )
    assert all((remembered == 0).all() for remembered in jax.tree.leaves(state))


def scaled(optimizer, factor):
    """The same optimizer with every number, those of its schedule too, multiplied."""
    changes = {name: value * factor for name, value in numbers(optimizer).items()}
    match optimizer.schedule:
        case CosineDecay(alpha=alpha):
            changes["schedule"] = CosineDecay(decay_steps=9, warmup_steps=5, alpha=alpha * factor)
        case ExponentialDecay(decay_rate=rate):
            changes["schedule"] = replace(optimizer.schedule, decay_rate=rate * factor, decay_steps=7)
    return replace(optimizer, **changes)


@EVERY
def test_a_new_value_of_any_number_compiles_nothing(optimizer):
    params = jax.tree.map(jnp.float32, WEIGHTS)
    state = init_optimizer(optimizer, params)

    def program(optimizer, step):
        """What would be compiled for these numbers."""
        return str(jax.make_jaxpr(update_weights)(optimizer, params, state, params, step=jnp.array(step)))

    assert program(optimizer, 5) == program(scaled(optimizer, 0.9), 5) == program(scaled(optimizer, 0.8), 6)


@EVERY
def test_every_number_is_a_leaf(optimizer):
    assert jax.tree.structure(optimizer) == jax.tree.structure(scaled(optimizer, 0.9))
    assert set(numbers(optimizer).values()) <= set(jax.tree.leaves(optimizer))


def test_choices_are_the_structure():
    kinds = [SGD(), SGD(nesterov=True), Adam(), Adam(amsgrad=True), Adam(weight_decay=0.0), Adam(clipnorm=1.0)]
    kinds += [Adam(clipvalue=1.0), Adam(schedule=CosineDecay()), Adam(schedule=ExponentialDecay(0.5))]
    assert len({jax.tree.structure(kind) for kind in kinds}) == len(kinds)


@pytest.mark.parametrize("name", ["nesterov", "amsgrad", "adam by all norms", "adam with cosine"])
def test_many_values_side_by_side_are_as_each_alone(name, float64):
    optimizer = OPTIMIZERS[name]
    both = [optimizer, scaled(optimizer, 0.9)]
    both = [jax.tree.map(jnp.float64, each) for each in both]
    params = jax.tree.map(jnp.asarray, WEIGHTS)
    state = init_optimizer(optimizer, params)

    def after(optimizer):
        return update_weights(optimizer, GRADIENTS[0], state, params, step=jnp.array(4))[0]

    together = jax.jit(jax.vmap(after))(jax.tree.map(lambda *each: jnp.stack(each), *both))
    alone = jax.tree.map(lambda *each: np.stack(each), *(jax.jit(after)(each) for each in both))
    assert_close(together, alone, rtol=0, atol=1e-14)


@EVERY
def test_without_gradient_only_decay_moves_and_only_kernels(optimizer, float64):
    (after, *_) = apply(optimizer, [jax.tree.map(np.zeros_like, WEIGHTS)])
    eta = optimizer.learning_rate * float(optimizer.schedule.multiplier(jnp.array(0)))
    kept = 1 - eta * (optimizer.weight_decay or 0)
    expected = tuple({name: w * (kept if name == "kernel" else 1) for name, w in layer.items()} for layer in WEIGHTS)
    assert_close(after, expected, rtol=1e-14)


def only(values):
    """One layer with one kernel."""
    return ({"kernel": np.array(values)},)


def test_one_step_of_sgd_is_rate_times_gradient(float64):
    (after,) = apply(SGD(0.5), [only([1.0, 6.0, 7.0, 2.0])], weights=only([1.0, 2.0, 3.0, 4.0]))
    np.testing.assert_array_equal(after[0]["kernel"], [0.5, -1.0, -0.5, 3.0])


def test_momentum_sums_past_gradients_geometrically(float64):
    seen = apply(SGD(0.1, momentum=0.9), [only([2.0])] * 5, weights=only([0.0]))
    moves = [0.1 * 2 * (1 - 0.9**n) / (1 - 0.9) for n in range(1, 6)]
    np.testing.assert_allclose([params[0]["kernel"][0] for params in seen], -np.cumsum(moves), rtol=1e-14)


def test_nesterov_looks_one_step_of_momentum_ahead(float64):
    seen = apply(SGD(0.1, momentum=0.9, nesterov=True), [only([2.0])] * 5, weights=only([0.0]))
    moves = [0.1 * 2 * (1 - 0.9 ** (n + 1)) / (1 - 0.9) for n in range(1, 6)]
    np.testing.assert_allclose([params[0]["kernel"][0] for params in seen], -np.cumsum(moves), rtol=1e-14)


def test_adam_moves_by_its_rate_whatever_the_size_of_a_constant_gradient(float64):
    seen = apply(Adam(0.1, epsilon=0.0), [only([1e-6, -1.0, 1e6])] * 4, weights=only([0.0, 0.0, 0.0]))
    for n, params in enumerate(seen, start=1):
        np.testing.assert_allclose(params[0]["kernel"], [-0.1 * n, 0.1 * n, -0.1 * n], rtol=1e-12)


def test_amsgrad_never_forgets_the_largest_gradient(float64):
    """After one gradient of 1 the step for gradients of 0.01 stays small; Adam's grows back."""
    gradients = [only([1.0]), *[only([0.01])] * 40]
    steps = {}
    for amsgrad in (False, True):
        seen = apply(Adam(0.1, beta_2=0.5, amsgrad=amsgrad), gradients, weights=only([0.0]))
        steps[amsgrad] = abs(float(seen[-1][0]["kernel"][0] - seen[-2][0]["kernel"][0]))
    # 40 updates later m is 0.01 and 0.1·0.9⁴⁰ more; v̂ is still ½·1².
    m = 0.01 * (1 - 0.9**40) + 0.1 * 0.9**40
    assert steps[True] == pytest.approx(0.1 * m / math.sqrt(0.5) / (1 - 0.9**41), rel=1e-6)
    assert steps[False] > 20 * steps[True]


def test_weight_decay_shrinks_kernels_and_spares_biases(float64):
    weights = ({"kernel": np.array([2.0]), "bias": np.array([2.0])},)
    gradients = [jax.tree.map(np.zeros_like, weights)] * 3
    for optimizer in (SGD(1.0, weight_decay=0.004), Adam(1.0, weight_decay=0.004)):
        after = apply(optimizer, gradients, weights=weights)[-1]
        assert float(after[0]["kernel"][0]) == pytest.approx(2 * (1 - 0.004) ** 3, rel=1e-14)
        assert float(after[0]["bias"][0]) == 2.0


GRADIENT = ({"kernel": np.array([[3.0, -4.0]]), "bias": np.array([0.1])}, {"kernel": np.array([[12.0]])})


@pytest.mark.parametrize(
    ("limit", "kernel", "bias", "last"),
    [
        ({"clipvalue": 1.0}, [[1.0, -1.0]], [0.1], [[1.0]]),
        ({"clipnorm": 1.0}, [[0.6, -0.8]], [0.1], [[1.0]]),
        ({"global_clipnorm": 1.0}, np.array([[3.0, -4.0]]) / 169.01**0.5, [0.1 / 169.01**0.5], [[12 / 169.01**0.5]]),
        ({"global_clipnorm": 14.0}, [[3.0, -4.0]], [0.1], [[12.0]]),
        ({}, [[3.0, -4.0]], [0.1], [[12.0]]),
    ],
)
def test_gradients_are_clipped(limit, kernel, bias, last, float64):
    expected = ({"kernel": kernel, "bias": bias}, {"kernel": last})
    for found, layer in zip(clip_gradients(SGD(**limit), jax.tree.map(jnp.asarray, GRADIENT)), expected, strict=True):
        for name in layer:
            np.testing.assert_allclose(found[name], layer[name], rtol=1e-14)


@pytest.mark.parametrize("name", ["clipnorm", "global_clipnorm"])
def test_a_gradient_of_zero_stays_zero(name):
    zeros = jax.tree.map(jnp.zeros_like, jax.tree.map(jnp.float32, GRADIENT))
    assert_close(clip_gradients(SGD(**{name: 1.0}), zeros), zeros, rtol=0)


@pytest.mark.parametrize("n", [1, 127, 128, 129, 1000])
def test_squares_of_all_arrays_are_summed(n, float64):
    w = np.random.default_rng(n).normal(size=(n, 2))
    arrays = ({"kernel": jnp.asarray(w), "bias": jnp.array([2.0])}, {"kernel": jnp.array([[3.0]])})
    assert float(sum_of_squares(arrays)) == pytest.approx(float(np.sum(w**2)) + 4 + 9, rel=1e-14)


@pytest.mark.parametrize("ours", [SGD(), Adam()])
def test_defaults_and_names_are_those_of_keras(ours, keras):
    peer = inspect.signature(getattr(keras.optimizers, type(ours).__name__)).parameters
    assert [getattr(ours, name) for name in numbers_and_switches(ours)] == [
        peer[name].default for name in numbers_and_switches(ours)
    ]


def numbers_and_switches(optimizer):
    return [field.name for field in fields(optimizer) if field.name != "schedule"]


def test_optimizers_are_found_by_name_and_passed_through():
    assert (get_optimizer("adam"), get_optimizer("sgd"), get_optimizer(Adam(0.5))) == (Adam(), SGD(), Adam(0.5))


@pytest.mark.parametrize("optimizer", ["rmsprop", None, Adam])
def test_an_unknown_optimizer_is_named(optimizer):
    with pytest.raises(ConfigError, match="optimizer must be"):
        get_optimizer(optimizer)


@pytest.mark.parametrize("make", [SGD, Adam])
@pytest.mark.parametrize("bad", [math.nan, math.inf, -0.1, "0.1", True])
@pytest.mark.parametrize("name", ["learning_rate", "weight_decay", "clipnorm", "global_clipnorm", "clipvalue"])
def test_a_bad_number_is_named(make, name, bad):
    with pytest.raises(ConfigError, match=f"^{name} must be"):
        make(**{name: bad})


@pytest.mark.parametrize(
    ("make", "named"),
    [
        (lambda: SGD(momentum=1.0), "momentum"),
        (lambda: SGD(momentum=-0.1), "momentum"),
        (lambda: Adam(beta_1=1.0), "beta_1"),
        (lambda: Adam(beta_2=1.0), "beta_2"),
        (lambda: Adam(epsilon=-1e-7), "epsilon"),
        (lambda: SGD(momentum=None), "momentum"),
        (lambda: Adam(learning_rate=None), "learning_rate"),
        (lambda: Adam(clipnorm=0.0), "clipnorm"),
        (lambda: Adam(schedule="cosine"), "schedule"),
        (lambda: Adam(clipnorm=1.0, clipvalue=1.0), "only one of clipnorm, global_clipnorm, clipvalue"),
    ],
)
def test_a_number_outside_its_range_is_named(make, named):
    with pytest.raises(ConfigError, match=named):
        make()
