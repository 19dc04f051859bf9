"""Which configuration wins and how sure that is: closed forms, and what chance makes of it."""

import numpy as np
import pytest

from goodfit.errors import ConfigError
from goodfit.search import selection as module
from goodfit.search import trial_table
from goodfit.search.selection import select, validate_rule
from goodfit.search.trial_table import TrialResult, TrialTable
from goodfit.training.cross_fitted import N_PARTS

RNG = np.random.default_rng(0)


def selected(losses, *, configs=None, weights=None, missing=(), **choices):
    """Choose among losses (configurations, folds, seeds, rows), config i with l2 = i unless said otherwise."""
    losses = np.asarray(losses, float)
    n, folds, seeds, rows = losses.shape
    configs = configs or [{"l2": float(i)} for i in range(n)]
    weights = [np.ones(rows)] * folds if weights is None else weights
    cells = [(f, i, s) for f in range(folds) for i in range(n) for s in range(seeds) if (f, i, s) not in missing]
    results = [TrialResult(configs[i], f, s, np.average(losses[i, f, s], weights=weights[f])) for f, i, s in cells]
    at = [losses[i, f, s] for f, i, s in cells]
    return select(results, losses=at.__getitem__, weights=weights, **choices)


def even(n_rows):
    """Losses whose five parts, those of every fifth row, have the same means."""
    return np.repeat(RNG.exponential(size=n_rows // N_PARTS), N_PARTS)


# --- value and standard error ----------------------------------------------------------------------------------------


def test_the_lowest_mean_over_folds_and_seeds_is_best():
    losses = RNG.uniform(1, 2, (4, 3, 2, 5))
    found = selected(losses)
    best = int(np.argmin(losses.mean(axis=(1, 2, 3))))
    assert found.best is not None
    assert found.chosen == found.best
    assert found.best.config == {"l2": float(best)}
    assert found.best.mean == pytest.approx(losses[best].mean(), rel=1e-12)
    assert sorted(found.best.trials) == sorted(4 * 2 * f + 2 * best + s for f in range(3) for s in range(2))


def test_the_weights_of_the_trial_with_the_lowest_loss_are_given_back():
    losses = np.ones((2, 1, 3, 4))
    losses[1] = 0.5
    losses[1, 0, 2] = 0.4
    assert selected(losses).trial == 3 + 2


def test_one_split_and_one_seed_have_the_standard_error_of_their_rows():
    losses = even(50)[None, None, None]
    assert selected(losses).best.standard_error == pytest.approx(losses.std(ddof=1) / np.sqrt(50), rel=1e-12)


def test_rows_count_by_their_weights():
    """A row of weight 3 is no three rows: the error is that of a weighted mean."""
    rows, weights = even(20), np.repeat([1.0, 0, 3, 2], N_PARTS)
    found = selected(rows[None, None, None], weights=[weights]).best
    w, n = weights / weights.sum(), np.count_nonzero(weights)
    assert found.mean == pytest.approx(w @ rows)
    assert found.standard_error == pytest.approx(np.sqrt(w**2 @ (rows - w @ rows) ** 2 * n / (n - 1)), rel=1e-12)


def test_more_seeds_on_the_same_rows_make_them_no_more_certain():
    rows = even(50)
    found = selected(np.broadcast_to(rows, (1, 1, 8, 50)))
    assert found.best.standard_error == pytest.approx(rows.std(ddof=1) / np.sqrt(50), rel=1e-12)


def test_seeds_that_differ_add_their_own_error():
    of_seed = np.array([0.1, 0.2, 0.6])
    found = selected(np.broadcast_to(of_seed[:, None], (1, 1, 3, 10)))
    assert found.best.standard_error == pytest.approx(of_seed.std(ddof=1) / np.sqrt(3), rel=1e-12)


def test_folds_that_differ_by_more_than_their_rows_do_are_what_counts():
    of_fold = np.array([0.1, 0.2, 0.6])
    found = selected(np.broadcast_to(of_fold[:, None, None], (1, 3, 1, 10)))
    assert found.best.standard_error == pytest.approx(of_fold.std(ddof=1) / np.sqrt(3), rel=1e-12)


def test_folds_that_agree_by_chance_make_nothing_certain():
    rows = even(25)
    found = selected(np.broadcast_to(rows, (1, 2, 1, 25)))
    both = np.concatenate([rows, rows])
    assert found.best.standard_error == pytest.approx(both.std(ddof=1) / np.sqrt(50), rel=1e-12)


def test_parts_that_differ_by_their_epochs_say_so():
    """The rows of a part were predicted at one epoch, so they are not independent."""
    of_parts = np.array([0.0, 1.0, 2.0, 1.0, 0.0])
    found = selected((even(50) + np.tile(of_parts, 10))[None, None, None]).best
    assert found.standard_error == pytest.approx(of_parts.std(ddof=1) / np.sqrt(N_PARTS), rel=1e-12)


def test_the_standard_error_is_as_large_as_the_mean_wanders(monkeypatch):
    """Dataset, folds and seeds drawn 400 times, each with an effect of its own."""
    monkeypatch.setattr(module, "N_RESAMPLES", 1)
    rng = np.random.default_rng(0)

    def draw():
        rows, fold, seed = rng.normal(size=(3, 1, 20)), rng.normal(0, 0.2, (3, 1, 1)), rng.normal(0, 0.3, (1, 4, 1))
        return selected((3 + rows + fold + seed + rng.normal(0, 0.5, (3, 4, 20)))[None]).best

    found = [draw() for _ in range(400)]
    wandering = np.std([one.mean for one in found])
    assert np.sqrt(np.mean([one.standard_error**2 for one in found])) == pytest.approx(wandering, rel=0.15)


# --- rules -----------------------------------------------------------------------------------------------------------


def test_one_standard_error_takes_the_largest_l2_within_it_at_its_best_rate():
    configs = [{"l2": l2, "learning_rate": rate} for l2 in (0.0, 0.1, 1.0) for rate in (0.1, 0.01)]
    spread = np.array([-1.0, 1.0] * 50)  # a standard error of 0.1005
    means = np.array([1.0, 1.5, 1.09, 1.05, 1.11, 1.2])
    losses = (means[:, None] + spread)[:, None, None, :]
    assert selected(losses, configs=configs).chosen.config == {"l2": 0.0, "learning_rate": 0.1}
    found = selected(losses, configs=configs, rule="1se")
    assert found.best.config == {"l2": 0.0, "learning_rate": 0.1}
    assert found.chosen.config == {"l2": 0.1, "learning_rate": 0.01}


def test_one_standard_error_never_takes_a_smaller_l2_than_best():
    rng = np.random.default_rng(0)
    l2 = [0.0, 0.001, 0.1, 1.0]
    larger = 0
    for _ in range(50):
        losses = rng.exponential(size=(8, 2, 1, 10)) + rng.normal(0, 0.1, (8, 1, 1, 1))
        configs = [{"learning_rate": rate, "l2": l2[i]} for rate in (0.1, 0.01) for i in rng.permutation(4)]
        found = selected(losses, configs=configs, rule="1se")
        assert found.chosen.config["l2"] >= found.best.config["l2"]
        assert found.chosen.mean <= found.best.mean + found.best.standard_error
        larger += found.chosen.config["l2"] > found.best.config["l2"]
    assert larger > 10


def test_a_rule_that_cannot_be_is_named():
    with pytest.raises(ConfigError, match="choice must be one of best, 1se, not '2se'"):
        validate_rule("2se", ("l2",))
    with pytest.raises(ConfigError, match=r"choice='1se' needs several values of l2 to choose from; give l2=\[...\]"):
        selected(np.ones((1, 1, 1, 3)), configs=[{"learning_rate": 0.1}], rule="1se")


# --- trials that failed or are missing ------------------------------------------------------------------------------


def test_what_diverged_is_never_chosen():
    losses = np.ones((3, 2, 1, 4))
    losses[0] = 0.1
    losses[0, 1] = np.inf
    losses[2] = 0.9
    for rule in ("best", "1se"):
        found = selected(losses, rule=rule)
        assert found.chosen.config == {"l2": 2.0}
        assert np.isfinite([found.chosen.standard_error, found.optimism]).all()
        assert found.gain is None  # λ = 0 diverged


def test_when_everything_diverged_it_is_said():
    with pytest.raises(ConfigError, match="every trial of the grid diverged; try learning rates ten times smaller"):
        selected(np.full((3, 1, 1, 4), np.inf))


def test_after_a_stop_configurations_are_compared_by_the_folds_that_all_have():
    """The second fold is harder for all; a config without it must not win for that."""
    losses = np.stack([[[[1.0] * 5], [[9.0] * 5]], [[[1.2] * 5], [[9.0] * 5]]])
    found = selected(losses, missing={(1, 1, 0)})
    assert found.chosen.config == {"l2": 0.0}
    assert found.chosen.mean == 1.0
    assert found.chosen.trials == (0,)


def test_after_a_stop_configurations_are_compared_by_the_seeds_that_all_have():
    losses = np.stack([[[[1.0] * 5, [9.0] * 5]], [[[1.2] * 5, [9.0] * 5]]])
    assert selected(losses, missing={(0, 1, 1)}).chosen.mean == 1.0
    both = selected(np.tile(losses, (1, 2, 1, 1)), missing={(1, 1, 1)})
    assert both.chosen.mean == 5.0  # both seeds, on the first fold
    assert both.chosen.trials == (0, 1)


# --- edges -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "best", "edge"),
    [
        ([0.0, 0.1, 1.0], 0.0, None),
        ([0.0, 0.1, 1.0], 0.1, None),
        ([0.0, 0.1, 1.0], 1.0, "high"),
        ([0.01, 0.1, 1.0], 0.01, "low"),
        ([0.1, 1.0], 1.0, None),
        ([0.1], 0.1, None),
    ],
)
def test_an_optimum_at_the_end_of_an_axis_is_reported(values, best, edge):
    losses = np.array([0.5 if value == best else 1.0 for value in values])[:, None, None, None] * np.ones(4)
    found = selected(losses, configs=[{"l2": value} for value in values])
    assert found.edges == ({} if edge is None else {"l2": edge})


# --- gain against no regularisation ----------------------------------------------------------------------------------


def test_the_gain_is_the_difference_to_the_best_without_l2_row_by_row():
    rows = RNG.exponential(size=40)
    better = rows - 0.3 - 0.1 * even(40)
    configs = [{"l2": 0.0, "learning_rate": 0.1}, {"l2": 0.0, "learning_rate": 1.0}, {"l2": 0.1, "learning_rate": 0.1}]
    found = selected(np.stack([rows, rows + 1, better])[:, None, None], configs=configs).gain
    assert found.value == pytest.approx((rows - better).mean())
    assert found.standard_error == pytest.approx((rows - better).std(ddof=1) / np.sqrt(40), rel=1e-12)


def test_a_gain_that_is_the_same_everywhere_is_certain():
    rows = RNG.exponential(size=(2, 3, 10))
    found = selected(np.stack([rows, rows - 0.25])).gain
    assert found.value == pytest.approx(0.25)
    assert found.standard_error == pytest.approx(0.0, abs=1e-12)


def test_without_l2_as_the_best_nothing_is_gained_and_without_l2_in_the_grid_nothing_said():
    losses = np.array([1.0, 2.0])[:, None, None, None] * np.ones(5)
    gain = selected(losses).gain
    assert (gain.value, gain.standard_error, gain.optimism) == (0, 0, 0)
    assert selected(losses, configs=[{"l2": 0.1}, {"l2": 1.0}]).gain is None


# --- optimism --------------------------------------------------------------------------------------------------------


def draws_of_noise(n=50, *, configurations=25, without=5, folds=1, seeds=1, rows=100, rule="best"):
    """Configurations that are all as good: what is found, and by how much the chosen loss is too low."""
    rng = np.random.default_rng(0)
    configs = [{"l2": float(max(0, i - without)), "number": i} for i in range(configurations)]
    for _ in range(n):
        losses = np.repeat(rng.exponential(size=(configurations, folds, 1, rows)), seeds, axis=2)
        found = selected(losses, configs=configs, rule=rule)
        yield found, 1 - found.chosen.mean


@pytest.mark.parametrize("shape", [{}, {"seeds": 3}, {"folds": 4, "rows": 25}, {"rule": "1se"}])
def test_the_optimism_is_what_the_one_chosen_of_equals_gains_by_chance(shape):
    found, too_low = zip(*draws_of_noise(**shape), strict=True)
    optimism = np.array([one.optimism for one in found])
    assert np.mean(optimism) == pytest.approx(np.mean(too_low), rel=0.1, abs=0.02)
    errors = np.array([one.chosen.standard_error for one in found])
    assert np.mean(np.abs(optimism - too_low) < 2 * errors) > 0.9


def test_the_gain_of_the_best_of_equals_is_mostly_optimism():
    """Not all: where the best has λ = 0, value and optimism are 0, and that is the less lucky part of the draws."""
    gains = [found.gain for found, _ in draws_of_noise()]
    value = np.mean([gain.value for gain in gains])
    assert value > 0.05
    assert 0.6 * value < np.mean([gain.optimism for gain in gains]) < value


def test_there_is_no_optimism_where_there_was_no_doubt():
    assert selected(RNG.exponential(size=(1, 1, 1, 50))).optimism == 0
    clear = RNG.exponential(size=(3, 1, 1, 50)) + np.array([0, 5, 6])[:, None, None, None]
    assert selected(clear).optimism == 0


def test_a_rule_that_always_takes_the_same_is_not_optimistic():
    """Rows differ so much that one standard error covers the whole grid: the largest l2 is taken, whatever is drawn."""
    for seed in range(5):
        rng = np.random.default_rng(seed)
        losses = 10 * rng.exponential(size=50) + rng.normal(0, 0.1, (4, 50))
        found = selected(losses[:, None, None], rule="1se")
        assert found.chosen.config == {"l2": 3.0}
        assert found.optimism == 0


def test_rows_of_weight_zero_have_no_say_in_the_optimism():
    losses = RNG.exponential(size=(5, 1, 1, 30))
    silent = np.concatenate([losses, 100 * RNG.exponential(size=(5, 1, 1, 30))], axis=3)
    weighed = selected(silent, weights=[np.repeat([1.0, 0.0], 30)])
    assert weighed.optimism == pytest.approx(selected(losses).optimism, rel=0.2)
    assert weighed.best.standard_error == pytest.approx(selected(losses).best.standard_error, rel=1e-12)


def test_of_many_configurations_only_those_in_front_are_asked_for_their_rows(monkeypatch):
    monkeypatch.setattr(module, "MAX_COMPARED", 5)
    monkeypatch.setattr(trial_table, "MAX_COMPARED", 5)
    losses = RNG.exponential(size=(40, 30))
    asked = set()

    def rows(index):
        asked.add(index)
        return losses[index]

    results = [TrialResult({"l2": float(i + 1)}, 0, 0, losses[i].mean()) for i in range(40)]
    select(results, losses=rows, weights=[np.ones(30)])
    assert asked == set(np.argsort(losses.mean(axis=1))[:5].tolist())


def test_a_single_validation_row_gives_a_choice_without_errors():
    found = selected(np.array([1.0, 2.0])[:, None, None, None])
    assert (found.chosen.mean, found.chosen.standard_error, found.optimism) == (1.0, 0.0, 0.0)


# --- contrasts -------------------------------------------------------------------------------------------------------


def test_contrasts_are_the_points_that_differ_in_one_axis_pair_by_pair():
    configs = [{"l2": a, "learning_rate": b} for a in (0.0, 0.1) for b in (0.01, 0.1, 1.0)]
    losses = np.stack([level + even(50) for level in (0, 1, 2, 1, 2, 3)])[:, None, None]
    losses[2] = np.inf
    found = selected(losses, configs=configs)
    assert [each.config for each in found.contrasts] == [configs[1], configs[3]]
    for each, other in zip(found.contrasts, (1, 3), strict=True):
        difference = (losses[0] - losses[other]).ravel()
        assert each.gain == pytest.approx(difference.mean())
        assert each.mean == pytest.approx(losses[other].mean())
        assert each.standard_error == pytest.approx(difference.std(ddof=1) / np.sqrt(50))


def test_any_point_can_be_contrasted_with_those_beside_it():
    configs = [{"l2": 0.0}, {"l2": 0.1}]
    losses = RNG.uniform(1, 2, (2, 3, 10))
    cells = [(f, i) for f in range(3) for i in range(2)]
    results = [TrialResult(configs[i], f, 0, losses[i, f].mean()) for f, i in cells]
    table = TrialTable(results, [losses[i, f] for f, i in cells].__getitem__, [np.ones(10)] * 3)
    there, here = (next(table.contrasts(table.configs.index(config))) for config in configs)
    assert here.config == configs[0] and there.config == configs[1]
    assert here.gain == pytest.approx(-there.gain)
    assert here.standard_error == pytest.approx(there.standard_error)
