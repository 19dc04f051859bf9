"""SearchSpace, configs, and what a config changes in layers, optimizer and recipe; the space of a second grid."""

import jax
import numpy as np
import pytest

from goodfit.errors import ConfigError
from goodfit.nn.layers import Dense, Dropout
from goodfit.nn.optimizers import SGD, Adam
from goodfit.nn.regularizers import l1_l2, l2
from goodfit.search.choices import AUTO
from goodfit.search.selection import ConfigResult, Selection
from goodfit.search.space import (
    layers_with,
    make_grid,
    optimizer_with,
    refined,
    validate_space,
)
from goodfit.search.sweep import plan_sweep
from goodfit.training.recipe import make_recipe

NET = (Dense(4), Dropout(0.5), Dense(1))


def test_auto_is_the_grid_of_the_guide():
    found = validate_space({"l2": "auto", "learning_rate": "auto"}, NET, Adam())
    assert found == AUTO
    assert len(make_grid(found)) == 30


@pytest.mark.parametrize(
    ("given", "values"),
    [(0.1, (0.1,)), (1, (1.0,)), ([0.1, 0, 0.1], (0.0, 0.1)), (np.array([0.5, 0.25]), (0.25, 0.5)), ((2,), (2.0,))],
)
def test_values_stand_in_ascending_order_each_once(given, values):
    assert validate_space({"l2": given}, NET, Adam()) == {"l2": values}


@pytest.mark.parametrize(
    ("space", "said"),
    [
        ({"l2": []}, "l2 has no values; give at least one, or leave it out."),
        ({"l2": [0.1, -0.1]}, "l2 must be a finite number, zero or larger, not -0.1."),
        ({"l1": [np.inf]}, "l1 must be a finite number, zero or larger, not inf."),
        ({"l2": np.nan}, "l2 must be a finite number, zero or larger, not nan."),
        ({"learning_rate": [0.1, np.inf]}, "learning_rate must be a finite number, zero or larger, not inf."),
        ({"learning_rate": [-1]}, "learning_rate must be a finite number, zero or larger, not -1.0."),
        ({"beta_1": [0.9, 1]}, "beta_1 must be below 1, not 1.0."),
        ({"l2": "much"}, "l2 must be a number or a list of numbers, not 'much'."),
        ({"l2": [0.1, None]}, "l2 must be a number or a list of numbers, not [0.1, None]."),
        ({"l2": True}, "l2 must be a number or a list of numbers, not True."),
        ({"l2": [[0.1], [0.1, 1]]}, "l2 must be a number or a list of numbers, not [[0.1], [0.1, 1]]."),
        ({"dropout": "auto"}, "dropout must be a number or a list of numbers, not 'auto'."),
    ],
)
def test_an_axis_that_cannot_be_is_named(space, said):
    with pytest.raises(ConfigError) as error:
        validate_space(space, NET, Adam())
    assert str(error.value) == said


def test_an_unknown_axis_is_told_what_there_is():
    with pytest.raises(ConfigError, match="'momentum' cannot be searched here; choose from l1, l2, dropout, beta_1"):
        validate_space({"momentum": [0.9]}, NET, Adam())
    assert validate_space({"momentum": [0.9]}, NET, SGD()) == {"momentum": (0.9,)}


def test_dropout_needs_a_dropout_layer():
    with pytest.raises(ConfigError, match="dropout cannot be searched: the network has no Dropout layer"):
        validate_space({"dropout": [0.1]}, [Dense(1)], Adam())
    with pytest.raises(ConfigError, match="rate"):
        validate_space({"dropout": [0.1, 1.5]}, NET, Adam())


def test_every_combination_stands_once_the_last_axis_running_fastest():
    assert make_grid({"l2": (0.0, 1.0), "learning_rate": (0.1, 0.2)}) == [
        {"l2": 0.0, "learning_rate": 0.1},
        {"l2": 0.0, "learning_rate": 0.2},
        {"l2": 1.0, "learning_rate": 0.1},
        {"l2": 1.0, "learning_rate": 0.2},
    ]
    assert make_grid({}) == [{}]


def test_l2_goes_where_the_layers_carry_it_and_to_every_kernel_where_none_does():
    nowhere = layers_with([Dense(4), Dense(1)], {"l2": 0.5})
    assert [layer.kernel_regularizer.l2 for layer in nowhere] == [0.5, 0.5]
    assert all(layer.bias_regularizer is None for layer in nowhere)
    somewhere = layers_with([Dense(4, bias_regularizer=l1_l2(0.1, 0.2)), Dense(1)], {"l2": 0.5})
    assert somewhere[0].bias_regularizer == l1_l2(0.1, 0.5)
    assert somewhere[0].kernel_regularizer is somewhere[1].kernel_regularizer is None


def test_l1_beside_l2_leaves_l2_as_it_is():
    (layer,) = layers_with([Dense(1, kernel_regularizer=l2(0.3))], {"l1": 0.5})
    assert layer.kernel_regularizer == l1_l2(0.5, 0.3)


CONFIG = {"l2": 0.25, "l1": 0.125, "dropout": 0.375, "learning_rate": 0.5, "weight_decay": 0.0625, "beta_1": 0.75}


@pytest.mark.parametrize("config", [CONFIG, *({name: value} for name, value in CONFIG.items())])
def test_recipes_of_two_configs_differ_in_leaves_only(config):
    """Only then do the trials of a sweep share one compiled program."""

    def made(at):
        return make_recipe(layers_with(NET, at), optimizer=optimizer_with(Adam(), at), loss="mse", seed=3)

    recipe, other = made(config), made({name: value / 2 for name, value in config.items()})
    assert jax.tree.structure(recipe) == jax.tree.structure(other)
    pairs = list(zip(jax.tree.leaves(recipe), jax.tree.leaves(other), strict=True))
    assert all(ours.dtype == theirs.dtype for ours, theirs in pairs)
    assert sum(ours != theirs for ours, theirs in pairs) >= len(config)


# --- the space of a second grid ---------------------------------------------------------------------------------------


def second(space, best, **edges):
    configuration = ConfigResult(best, (0,), 0.0, 0.0)
    return refined(space, Selection("best", configuration, configuration, 0, 0.0, edges, None))


@pytest.mark.parametrize(
    ("best", "edge", "expected"),
    [
        (0.1, {"learning_rate": "high"}, (0.01, 0.1, 0.316228, 1.0)),
        (0.0001, {"learning_rate": "low"}, (1e-6, 1e-5, 0.0001, 0.001)),
        (0.001, {}, (0.000316228, 0.001, 0.00316228, 0.01)),
        (0.01, {}, (0.001, 0.00316228, 0.01, 0.0316228)),
    ],
)
def test_a_second_grid_goes_beyond_an_edge_and_else_closer_around_the_best(best, edge, expected):
    space = {"learning_rate": (0.0001, 0.001, 0.01, 0.1)}
    assert second(space, {"learning_rate": best}, **edge)["learning_rate"] == pytest.approx(expected)


@pytest.mark.parametrize(
    ("best", "edge", "expected"),
    [
        (1.0, {"l2": "high"}, (0, 0.01, 0.1, 1, 10, 100)),
        (0.01, {}, (0, 0.001, 0.00316228, 0.01, 0.0316228, 0.1)),
        (0.0001, {}, (0, 0.00001, 0.0000316228, 0.0001, 0.000316228, 0.001)),
        (0.0, {}, (0, 1e-6, 1e-5, 0.0001, 0.001, 0.01)),
    ],
)
def test_a_strength_of_zero_stays(best, edge, expected):
    assert second({"l2": AUTO["l2"]}, {"l2": best}, **edge)["l2"] == pytest.approx(expected)


def test_uneven_steps_are_halved_on_each_side():
    found = second({"l2": (0.001, 0.01, 1.0)}, {"l2": 0.01})["l2"]
    assert found == pytest.approx((0.00316228, 0.01, 0.1))


def test_shares_stay_below_one():
    space = {"dropout": (0.0, 0.2, 0.5), "beta_2": (0.99, 0.999, 0.9999, 0.99999)}
    found = second(space, {"dropout": 0.5, "beta_2": 0.99999}, dropout="high", beta_2="high")
    assert found["dropout"] == pytest.approx((0.0, 0.5, 0.8))
    assert found["beta_2"] == pytest.approx((0.9999, 0.99999, 0.999999, 0.9999999), abs=1e-8)
    validate_space(found, NET, Adam())


def test_few_values_are_refined_too_and_a_single_one_stays():
    space = {"l2": (0.01, 0.1), "l1": (0.0, 0.1), "learning_rate": (0.001,), "dropout": (0.0,)}
    found = second(space, {"l2": 0.1, "l1": 0.1, "learning_rate": 0.001, "dropout": 0.0})
    assert found["l2"] == pytest.approx((0.0316228, 0.1))
    assert {name: found[name] for name in ("l1", "learning_rate", "dropout")} == {
        "l1": (0.0, 0.1),
        "learning_rate": (0.001,),
        "dropout": (0.0,),
    }


@pytest.mark.parametrize("n", range(1, 8))
def test_a_second_grid_has_the_best_point_as_it_was_and_as_many_values_in_order(n):
    values = tuple(0.7 * 3.0**i / 7 for i in range(n))
    for i, best in enumerate(values):
        edge = {} if n < 3 else {0: {"l2": "low"}, n - 1: {"l2": "high"}}.get(i, {})
        found = second({"l2": values}, {"l2": best}, **edge)["l2"]
        assert best in found
        assert len(set(found)) == n
        assert list(found) == sorted(found)


def test_recipes_that_share_their_parts_are_those_made_one_by_one():
    space = {"l2": [0, 0.1], "dropout": [0.1, 0.5], "learning_rate": [0.001, 0.1], "class_weight_1": [1, 5]}
    plan = plan_sweep(NET, optimizer="adam", loss="binary_crossentropy", space=space, epochs=3)
    pairs = [(config, seed) for config in plan.grid for seed in (3, 4)]
    for found, (config, seed) in zip(plan.recipes(pairs, 50), pairs, strict=True):
        one = plan.recipe(config, 50, seed=seed)
        assert jax.tree.structure(found) == jax.tree.structure(one)
        assert jax.tree.leaves(found) == jax.tree.leaves(one)
