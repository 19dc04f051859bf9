"""Rows given by their entries: the same training as on all columns."""

import numpy as np
import pytest
from scipy import sparse

from goodfit.nn.layers import Dense
from goodfit.nn.network import init_network
from goodfit.nn.optimizers import Adam
from goodfit.nn.regularizers import l1_l2
from goodfit.nn.sparse_inputs import KERNEL, SparseDense, entries
from goodfit.search.padding import padded_params, unpadded
from goodfit.training.evaluation import Dataset, make_labels, outputs
from goodfit.training.fit import fit
from goodfit.training.recipe import make_recipe

COLUMNS, N = 30, 48
X = sparse.random_array((N, COLUMNS), density=0.1, rng=np.random.default_rng(0), format="csr", dtype=np.float32)
assert 0 in np.diff(X.indptr)  # a row without entries
Y = (X.sum(axis=1) > np.median(X.sum(axis=1))).astype(float)
ENTRIES = entries(X.indptr, X.indices, X.data)
HIDDEN = Dense(4, activation="tanh", kernel_regularizer=l1_l2(0.001, 0.01))
LAST = Dense(1, activation="sigmoid", kernel_regularizer=l1_l2(0.001, 0.01))


def trained(first, x, name):
    """Not packed, as the networks of wide rows are, since clipnorm clips each array by itself."""
    layers = (first, LAST)
    params = init_network(layers, n_inputs=x.shape[1], seed=0, dtype="float64")
    assert params[0][name].shape == (COLUMNS, first.units)
    optimizer = Adam(0.05, weight_decay=0.1, clipnorm=0.05)
    recipe = make_recipe(layers, optimizer=optimizer, loss="binary_crossentropy", batch_size=8, dtype="float64")
    rows = Dataset(x, make_labels(Y, None, "float64"))
    return recipe, fit(recipe, rows, params=params, train=np.arange(32), validation=np.arange(32, N), epochs=4)


@pytest.fixture(scope="module")
def of_entries():
    return trained(SparseDense.like(HIDDEN, columns=COLUMNS, entries=ENTRIES.shape[1] // 2), ENTRIES, KERNEL)


def test_a_training_on_entries_is_that_on_all_columns(of_entries):
    _, dense = trained(HIDDEN, X.toarray(), "kernel")
    _, found = of_entries
    for name, values in dense.history.items():
        np.testing.assert_allclose(found.history[name], values, rtol=1e-10, err_msg=name)
    np.testing.assert_allclose(found.params[0][KERNEL], dense.params[0]["kernel"], rtol=1e-10)
    assert found.input_steps is None  # its kernel has no row for each number of an input


def test_padding_adds_entries_of_zero_and_leaves_the_kernel_alone(of_entries):
    recipe, found = of_entries
    wider = np.pad(ENTRIES, ((0, 0), (0, 6)))
    params = padded_params(found.params, wider.shape[1])
    assert params[0][KERNEL].shape == (COLUMNS, 4)
    np.testing.assert_allclose(outputs(recipe, params, wider), outputs(recipe, found.params, ENTRIES), rtol=1e-12)
    assert unpadded(found, 7) is found


def test_a_block_of_rows_has_room_for_the_rows_of_the_kernel_of_all_entries():
    assert SparseDense.like(HIDDEN, columns=10**6, entries=500).width == 500 * 4
