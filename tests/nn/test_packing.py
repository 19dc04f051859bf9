"""Weight arrays laid end to end and taken apart again."""

from functools import partial

import jax
import numpy as np

from goodfit.nn.packing import layout_of, pack, unpack

RNG = np.random.default_rng(0)
PARAMS = (
    {"kernel": RNG.normal(size=(3, 4)), "bias": RNG.normal(size=4)},
    {},
    {"gamma": RNG.normal(size=4), "beta": RNG.normal(size=4)},
    {"kernel": RNG.normal(size=(4, 2))},
)


def test_all_weights_stand_in_one_vector_layer_after_layer():
    (packed,) = pack(PARAMS)
    assert list(packed) == ["all"]
    np.testing.assert_array_equal(packed["all"][:16], [*PARAMS[0]["bias"], *PARAMS[0]["kernel"].ravel()])


def test_kernels_and_all_others_stand_apart_on_request():
    (packed,) = pack(PARAMS, apart=True)
    np.testing.assert_array_equal(packed["kernel"], [*PARAMS[0]["kernel"].ravel(), *PARAMS[3]["kernel"].ravel()])
    np.testing.assert_array_equal(packed["other"], [*PARAMS[0]["bias"], *PARAMS[2]["beta"], *PARAMS[2]["gamma"]])


def test_unpacking_undoes_packing_name_by_name(float64):
    """Within a compiled program, too, where JAX has put the names of a layer in another order."""
    layout, apart = layout_of(PARAMS), partial(pack, apart=True)
    for packed in (pack(PARAMS), jax.jit(pack)(PARAMS), pack(PARAMS, apart=True), jax.jit(apart)(PARAMS)):
        back = unpack(packed, layout)
        assert [list(layer) for layer in back] == [list(layer) for layer in PARAMS]
        for layer, expected in zip(back, PARAMS, strict=True):
            for name, w in expected.items():
                np.testing.assert_array_equal(layer[name], w)


def test_a_network_of_kernels_alone_has_one_vector():
    (packed,) = pack(({"kernel": np.ones((2, 2))},), apart=True)
    assert list(packed) == ["kernel"]
