"""The learning-rate range: where the loss falls and where it rises again, on all seeds, or that the seeds disagree."""

import numpy as np
import pytest
from sklearn import datasets

from goodfit.data.splits.splits import make_splits
from goodfit.errors import ConfigError
from goodfit.nn.early_stopping import EarlyStopping
from goodfit.nn.layers import Dense
from goodfit.nn.network import init_network
from goodfit.nn.optimizers import SGD, Adam
from goodfit.nn.regularizers import l2
from goodfit.nn.schedules import CosineDecay, ExponentialDecay
from goodfit.search.lr_range import RATES_PER_DECADE, _places, _read, learning_rate_range
from goodfit.search.sweep import Fold, plan_sweep, sweep
from goodfit.training.evaluation import Dataset, make_labels
from goodfit.training.fit import fit
from goodfit.training.recipe import make_recipe

RNG = np.random.default_rng(0)
N = 16
X = RNG.normal(size=(N, 3))
Y = X @ [1.0, -2.0, 0.5] + RNG.normal(size=N)
ROWS = Dataset(X, make_labels(Y, None, "float64"))
NET = (Dense(6, activation="tanh", kernel_regularizer=l2(0.001)), Dense(1))


def ranged(layers=NET, optimizer=None, **choices):
    settings = {"rows": ROWS, "train": np.arange(N), "batch_size": 8, "seeds": 3, "dtype": "float64", "low": 1e-4}
    return learning_rate_range(layers, optimizer=optimizer or Adam(), loss="mse", **{**settings, **choices})


# --- the training ----------------------------------------------------------------------------------------------------


def test_the_losses_are_those_of_trainings_with_a_rising_rate():
    """Two batches make an epoch here, and a point: so the range test is an ordinary training, number by number."""
    found = ranged(seeds=2, seed=4)
    points = len(found.rates)
    schedule = ExponentialDecay(1e4, decay_steps=2 * points - 1)
    for number, losses in zip((4, 5), found.losses, strict=True):
        recipe = make_recipe(
            NET, optimizer=Adam(1e-4, schedule=schedule), loss="mse", batch_size=8, validation=False, dtype="float64"
        )
        training = fit(
            recipe,
            ROWS,
            params=init_network(NET, n_inputs=3, seed=number, dtype="float64"),
            train=np.arange(N),
            validation=np.arange(0),
            epochs=points,
            seed=number,
        )
        np.testing.assert_allclose(losses, training.history["loss"], rtol=1e-10)
        next_rates = training.history["learning_rate"][:-1]
        assert (found.rates[:-1] < next_rates).all()
        assert (next_rates < found.rates[1:]).all()


def test_rates_rise_evenly_in_the_logarithm_up_to_the_highest():
    found = ranged()
    assert found.rates.shape == (4 * RATES_PER_DECADE,)
    assert found.losses.shape == (3, 4 * RATES_PER_DECADE)
    assert found.rates[0] == pytest.approx(1e-4, rel=0.1)
    assert found.rates[-1] == pytest.approx(1.0)
    steps = np.diff(np.log(found.rates))
    np.testing.assert_allclose(steps, steps[0], rtol=1e-9)


def test_same_seed_same_range_and_other_seeds_other_losses():
    first, again, other = ranged(seed=1), ranged(seed=1), ranged(seed=2)
    np.testing.assert_array_equal(first.losses, again.losses)
    assert (first.low, first.high, first.reason) == (again.low, again.high, again.reason)
    assert (first.losses[0] != other.losses[0]).any()
    np.testing.assert_array_equal(first.losses[1:], other.losses[:-1])


def test_rate_and_schedule_of_the_optimizer_play_no_role_and_its_other_numbers_do():
    expected = ranged()
    scheduled = ranged(optimizer=Adam(0.5, schedule=CosineDecay()))
    np.testing.assert_array_equal(scheduled.losses, expected.losses)
    assert (ranged(optimizer=Adam(beta_1=0.5)).losses != expected.losses).any()


def test_nothing_is_touched():
    np.random.seed(0)  # noqa: NPY002
    before = np.random.get_state()[1].copy(), X.copy(), ROWS.labels.copy()  # noqa: NPY002
    ranged()
    after = np.random.get_state()[1], X, ROWS.labels  # noqa: NPY002
    for old, new in zip(before, after, strict=True):
        np.testing.assert_array_equal(old, new)


def test_another_range_of_as_many_decades_compiles_nothing(compiled):
    ranged()
    compiled.clear()
    ranged(low=1e-5, high=0.1, seed=9)
    assert compiled == []


def test_the_range_ends_where_gradient_descent_is_known_to_become_unstable():
    """Linear model, all rows in a batch: unstable where the rate passes 2/L, L the largest curvature, of 2xᵀx/n."""
    limit = 2 / np.linalg.eigvalsh(2 * X.T @ X / N)[-1]
    found = ranged((Dense(1, use_bias=False),), SGD(), batch_size=N, high=100.0, low=1e-2)
    assert found.suggestion is not None
    assert found.low < found.suggestion < found.high
    assert limit / 3 < found.high < 2 * limit
    assert (found.losses[:, -1] > 1e6 * found.losses[:, 0]).all()  # it went on beyond the limit


@pytest.mark.parametrize(
    ("choices", "said"),
    [
        ({"seeds": 0}, "seeds must be a whole number, 1 or more, not 0."),
        ({"low": 0}, "low must be a learning rate above 0, not 0."),
        ({"low": -1e-3}, "low must be a learning rate above 0, not -0.001."),
        ({"high": np.inf}, "high must be a learning rate above 0, not inf."),
        ({"high": "1"}, "high must be a learning rate above 0, not '1'."),
        ({"low": 0.1, "high": 0.5}, "high must be at least ten times low, but they are 0.5 and 0.1."),
        ({"batch_size": 0}, "batch_size must be a whole number, 1 or more, not 0."),
    ],
)
def test_an_argument_that_cannot_be_is_named(choices, said):
    with pytest.raises(ConfigError) as error:
        ranged(**choices)
    assert str(error.value) == said


# --- reading the curves ----------------------------------------------------------------------------------------------

RATES = np.logspace(-5, 0, 101)
PLACE = np.log10(RATES)


def curve(fall, rise, *, start=1.0, bottom=0.2, sharp=8.0):
    """A loss that falls fastest at the rate 10**fall and rises fastest at 10**rise."""
    falling = (start - bottom) / (1 + np.exp(sharp * (PLACE - fall)))
    return bottom + falling + 5 * start / (1 + np.exp(-sharp * (PLACE - rise)))


def test_the_interval_goes_from_the_fastest_fall_to_the_lowest_loss():
    losses = np.stack([curve(-3.0, -1.0)] * 3)
    found = _read(RATES, losses)
    assert np.log10(found.low) == pytest.approx(-3.0, abs=0.06)
    lowest = RATES[losses[0].argmin()]
    assert np.log10(found.high) == pytest.approx(np.log10(lowest), abs=0.15)
    assert found.suggestion == pytest.approx(np.sqrt(found.low * found.high))
    assert found.reason == f"the loss falls fastest at rates of 0.001 to 0.001 and rises again after {found.high:.2g}."


def test_of_seeds_that_differ_the_careful_ends_are_taken():
    found = _read(RATES, np.stack([curve(-3.0, -1.0), curve(-2.7, -0.6), curve(-3.4, -1.3)]))
    alone = _read(RATES, curve(-3.4, -1.3)[None])
    assert (found.low, found.high) == (alone.low, alone.high)
    assert found.suggestion is not None


def test_scale_and_offset_of_the_loss_play_no_role_for_the_fall():
    first, other = _read(RATES, curve(-3.0, -1.0)[None]), _read(RATES, 1e6 * curve(-3.0, -1.0)[None])
    assert (first.low, first.high) == (other.low, other.high)


def test_noise_moves_the_interval_little():
    rng = np.random.default_rng(0)
    for _ in range(20):
        found = _read(RATES, curve(-3.0, -1.0) + rng.normal(0, 0.02, (5, 101)))
        assert -3.4 < np.log10(found.low) < -2.8
        assert -2.6 < np.log10(found.high) < -1.2
        assert found.suggestion is not None


def test_when_seeds_disagree_it_cannot_be_told():
    """One falls fastest where another has risen again."""
    found = _read(RATES, np.stack([curve(-4.0, -2.5), curve(-1.5, -0.3)]))
    assert found.suggestion is None
    assert found.reason.startswith("cannot tell: the seeds disagree, at 0.03")
    assert found.low == pytest.approx(1e-4, rel=0.2)
    assert found.high > 0.05


@pytest.mark.parametrize("flat", [np.ones(101), np.linspace(1, 0.95, 101), 1 + np.arange(101.0), np.full(101, np.nan)])
def test_a_loss_that_never_falls_tells_nothing(flat):
    found = _read(RATES, np.stack([flat, curve(-3.0, -1.0), flat]))
    assert found.suggestion is None
    assert found.reason.startswith(
        "cannot tell: the loss of 2 of 3 seeds does not fall by a tenth between 1e-05 and 1;"
    )
    assert _read(RATES, flat[None]).low == RATES[0]
    assert _read(RATES, flat[None]).high == RATES[-1]


def test_a_loss_that_still_falls_at_the_highest_rate_is_said_to():
    found = _read(RATES, curve(-1.0, 3.0)[None])
    assert found.high == pytest.approx(1.0, rel=0.8)
    assert found.reason.endswith("and still falls at 1.")


def test_what_comes_after_divergence_is_not_looked_at():
    diverged = curve(-3.0, -1.0)
    diverged[80:] = np.nan
    assert _places(diverged) == _places(curve(-3.0, -1.0))
    diverged[80] = np.inf
    diverged[81:] = -100.0
    assert _places(diverged) == _places(curve(-3.0, -1.0))


def test_a_second_fall_after_the_rise_is_not_looked_at():
    twice = np.where(PLACE < -1, curve(-3.0, -1.5), 0.01)
    assert _places(twice) == _places(curve(-3.0, -1.5))


# --- beside the sweep ------------------------------------------------------------------------------------------------


def built_in():
    """Five of scikit-learn's sets and one that is built: standardised inputs, targets, classes or 0 for quantities."""
    for name in ("digits", "breast_cancer", "wine", "iris", "diabetes"):
        x, y = getattr(datasets, f"load_{name}")(return_X_y=True)
        yield x, y, 0 if name == "diabetes" else len(np.unique(y))
    yield *datasets.make_friedman1(600, noise=1.0, random_state=0), 0


def task_of(x, y, classes):
    x = ((x - x.mean(0)) / np.where(x.std(0) > 0, x.std(0), 1)).astype("float32")
    if classes == 0:
        return x, (y - y.mean()) / y.std(), "mse", Dense(1)
    if classes == 2:
        return x, y, "binary_crossentropy", Dense(1, activation="sigmoid")
    return x, y, "sparse_categorical_crossentropy", Dense(classes, activation="softmax")


@pytest.mark.slow
@pytest.mark.parametrize(("optimizer", "high"), [("adam", 1.0), ("sgd", 10.0)])
def test_the_best_rate_of_a_sweep_lies_in_the_range(optimizer, high):
    """Within one step of the sweep's grid, which is a factor of ten, on six sets; and seeds seldom disagree."""
    within, suggested = [], []
    for x, y, classes in built_in():
        x, y, loss, last = task_of(x, y, classes)
        layers = (Dense(32, activation="relu"), Dense(32, activation="relu"), last)
        rows = Dataset(x, make_labels(y, None, "float32"))
        splits = make_splits(len(x), test_size=0, stratify=y if classes else None)
        train, validation = splits.train, splits.validation
        found = learning_rate_range(layers, optimizer=optimizer, loss=loss, rows=rows, train=train, high=high)
        grid = plan_sweep(
            layers,
            optimizer=optimizer,
            loss=loss,
            space={"learning_rate": [1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1.0]},
            seeds=3,
            early_stopping=EarlyStopping(patience=10),
        )
        best = sweep(grid, [Fold(rows, train, validation)]).selection.best.config["learning_rate"]
        within.append(found.low / 10 <= best <= found.high * 10)
        suggested.append(found.suggestion is not None)
    assert sum(within) >= 5
    assert sum(suggested) >= 5
