"""The grid as charts read it."""

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from goodfit.experiment.run_folder import SweepRecord
from goodfit.reporting.trials import bins, density, grid_of, grid_of_several, quantiles, restored
from goodfit.search.selection import ConfigResult, Selection


def test_density_of_quantiles_is_the_share_between_edges():
    uniform = np.linspace(0, 1, 201)
    assert density(uniform, np.array([0.0, 0.1, 0.5, 1.0])) == pytest.approx([0.1, 0.4, 0.5], abs=1e-6)
    equal = np.zeros(201)
    assert density(equal, np.array([-1.0, -0.1, 0.1, 1.0])) == pytest.approx([0, 1, 0], abs=1e-6)


def test_bins_are_of_one_axis_around_zero_that_one_wild_network_does_not_stretch():
    edges = bins([np.linspace(-1, 1, 201), np.linspace(-3, 2, 201)])
    assert edges[0] == -edges[-1] == pytest.approx(-2.95)
    assert len(edges) % 2 == 0  # an odd number of bins, so that one is around zero
    wild = bins([np.linspace(-1, 1, 201)] * 4 + [np.linspace(-100, 100, 201)])
    assert wild[-1] == pytest.approx(2.94)


def test_the_grid_shows_one_training_of_each_pair_from_the_winners_seed(swept):
    grid = grid_of(swept.sweep)
    assert len(grid.trials) == 9
    assert (grid.l2, grid.rates) == ([0.0, 0.001, 0.1], [0.0001, 0.01, 1.0])
    assert grid.means[grid.lowest] == min(grid.means.values())
    assert grid.means[grid.chosen] == pytest.approx(swept.sweep.selection.chosen.mean)
    own, shown = restored(swept.record), grid.winner
    assert (own.cell, own.best_epoch, own.number) == (shown.cell, shown.best_epoch, shown.number)
    np.testing.assert_array_equal(own.val_loss, shown.val_loss)
    np.testing.assert_allclose(quantiles(swept.training.params), shown.quantiles, rtol=1e-6, atol=1e-9)


def test_where_there_are_several_seeds_all_pairs_are_shown_by_the_winners():
    cells = [(l2, seed) for l2 in (0.0, 0.1) for seed in (0, 1)]
    values = [0.4, 0.3, 0.5, 0.6]
    table = pa.table(
        {
            "l2": [l2 for l2, _ in cells],
            "learning_rate": [0.01] * 4,
            "seed": [seed for _, seed in cells],
            "fold": [0] * 4,
            "rung": [0] * 4,
            "cross_fitted_loss": values,
            "best_epoch": [1] * 4,
            "outcome": ["finished"] * 4,
        }
    )
    curves = pa.table({"trial": [0, 1, 2, 3], "loss": values, "val_loss": values})
    weights = pa.table({"trial": [0, 1, 2, 3], "weight": values})
    best = ConfigResult({"l2": 0.0, "learning_rate": 0.01}, (0, 1), 0.35, 0.05)
    selection = Selection(rule="best", chosen=best, best=best, trial=1, optimism=0.0, edges={}, gain=None)
    record = SweepRecord(table=table, curves=curves, weights=weights, selection=selection, n_planned=4)
    grid = grid_of(record)
    assert grid_of_several(record).means == grid.means
    assert grid_of_several(replace(record, table=table.slice(0, 2))) is grid_of_several(None) is None
    assert {cell: trial.number for cell, trial in grid.trials.items()} == {(0.0, 0.01): 1, (0.1, 0.01): 3}
    assert grid.means == pytest.approx({(0.0, 0.01): 0.35, (0.1, 0.01): 0.55})
    assert grid.n_each == 2
