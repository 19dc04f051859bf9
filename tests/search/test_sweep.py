"""A sweep as a whole: the best λ where it is known, honest numbers, one program, and what a user may do wrong."""

import signal

import jax
import numpy as np
import pandas as pd
import polars as pl
import pytest

from goodfit.data.splits.folds import make_folds
from goodfit.errors import ConfigError, SplitError
from goodfit.nn.early_stopping import EarlyStopping
from goodfit.nn.layers import Dense
from goodfit.nn.network import init_network
from goodfit.nn.optimizers import SGD, Adam
from goodfit.nn.schedules import CosineDecay
from goodfit.search import parallel
from goodfit.search.space import refined
from goodfit.search.sweep import Fold, SweepPlan, estimate_sweep, plan_sweep, sweep
from goodfit.training.evaluation import Dataset, evaluate, make_labels
from goodfit.training.fit import Outcome, fit

RNG = np.random.default_rng(0)
N, FEATURES, EPOCHS = 42, 3, 5
X = RNG.normal(size=(N, FEATURES))
Y = X @ [1.0, -2.0, 0.5] + RNG.normal(size=N)
LABELS = make_labels(Y, RNG.uniform(0.2, 2, N), "float64")
SPLIT = [Fold(Dataset(X, LABELS), np.arange(28), np.arange(28, N))]
FOLDS = [Fold(Dataset(X, LABELS), *split) for split in make_folds(N, 3)]
NET = (Dense(4, activation="tanh"), Dense(1))
SPACE = {"l2": [0, 0.01, 1], "learning_rate": [0.003, 0.03]}


def plan(**choices):
    settings = {
        "optimizer": "adam",
        "loss": "mse",
        "space": SPACE,
        "batch_size": 7,
        "epochs": EPOCHS,
        "dtype": "float64",
    }
    return plan_sweep(NET, **{**settings, **choices})


# --- what comes back -------------------------------------------------------------------------------------------------


def test_every_point_is_trained_with_every_seed_on_every_fold():
    found = sweep(plan(seeds=2, seed=5), FOLDS)
    rows = found.table.to_pylist()
    cells = {(row["l2"], row["learning_rate"], row["seed"], row["fold"]) for row in rows}
    assert len(cells) == len(rows) == len(found.trainings) == 6 * 2 * 3
    assert {row["seed"] for row in rows} == {5, 6}
    for row, training in zip(rows, found.trainings, strict=True):
        assert row["val_loss"] == training.history["val_loss"].min()
        assert row["best_epoch"] == training.history["val_loss"].argmin() + 1
        assert row["epochs"] == EPOCHS
        assert row["outcome"] == "finished"
    chosen = found.selection.chosen
    assert chosen.mean == pytest.approx(np.mean([rows[i]["cross_fitted_loss"] for i in chosen.trials]))
    assert found.winner is found.trainings[found.selection.trial]
    assert found.winner_fold == rows[found.selection.trial]["fold"]


def test_configs_are_compared_by_rows_that_did_not_choose_the_epoch():
    """A loss that jumps is low at some epoch by luck: by its best epoch the larger rate would win here."""
    space = {"l2": [0.0], "learning_rate": [0.01, 0.3]}
    found = sweep(plan(space=space, epochs=30, batch_size=4), SPLIT)
    y, weights = LABELS[SPLIT[0].validation].T
    rows = found.table.to_pylist()
    for row, training in zip(rows, found.trainings, strict=True):
        losses = (training.validation_outputs[:, 0] - y) ** 2
        assert row["cross_fitted_loss"] == pytest.approx(np.average(losses, weights=weights))
    assert min(rows, key=lambda row: row["val_loss"])["learning_rate"] == 0.3
    assert found.selection.chosen.config["learning_rate"] == 0.01


def test_the_table_is_tidy_for_any_data_frame_library():
    table = sweep(plan(), SPLIT).table
    for frame in (table.to_pandas(), pl.from_arrow(table), pd.DataFrame.from_records(table.to_pylist())):
        assert len(frame) == 6
        assert list(frame.columns)[:4] == ["l2", "learning_rate", "seed", "fold"]
        assert frame["val_loss"].min() > 0


def test_a_trial_is_the_training_of_a_recipe_made_for_its_point():
    """On a fold of its own, smaller than the others by a row of padding."""
    uneven = [Fold(FOLDS[0].rows, FOLDS[0].train, FOLDS[0].validation[:-3]), FOLDS[1]]
    found = sweep(plan(seeds=2), uneven)
    for index in (0, 7, 19):
        row = found.table.to_pylist()[index]
        fold = uneven[row["fold"]]
        config = {name: row[name] for name in SPACE}
        alone = fit(
            plan().recipe(config, 28, seed=row["seed"]),
            fold.rows,
            params=init_network(NET, n_inputs=FEATURES, seed=row["seed"], dtype="float64"),
            train=fold.train,
            validation=fold.validation,
            epochs=EPOCHS,
            seed=row["seed"],
        )
        for name, values in alone.history.items():
            np.testing.assert_allclose(found.trainings[index].history[name], values, rtol=1e-12, err_msg=name)


def test_the_choice_counts_rows_as_the_losses_do():
    """The mean of the row losses behind errors and optimism is the validation loss, row weights and all."""
    found = sweep(plan(), SPLIT)
    recipe = plan().recipe(plan().grid[0], 28)
    validation = SPLIT[0].validation
    with jax.enable_x64(True):
        value = evaluate(recipe, found.winner.params, X[validation], LABELS[np.append(validation, N)])["loss"]
    assert found.selection.chosen.mean == pytest.approx(value, rel=1e-12)
    assert 0 < found.selection.chosen.standard_error < value


def test_a_schedule_spans_the_training_and_rows_can_be_left_in_their_order():
    of_30 = plan(optimizer=Adam(schedule=CosineDecay()))
    assert of_30.recipe(of_30.grid[0], 30).optimizer.schedule.decay_steps == EPOCHS * 5  # batches of 7
    as_they_stand, shuffled = sweep(plan(shuffle=False), SPLIT), sweep(plan(), SPLIT)
    assert (as_they_stand.winner.history["loss"] != shuffled.winner.history["loss"]).all()


# --- the best λ, where it is known -----------------------------------------------------------------------------------

N_TRAIN, N_VALIDATION, N_COLUMNS = 80, 500, 40
BEST = 10**-0.5
RIDGE_EPOCHS = 120


def ridge(seed):
    """A linear model whose best λ is known, and what a sweep makes of it.

    y = xw + noise of variance 1, weights drawn with variance 1/(n·λ*): the posterior mean of the weights is the ridge
    solution at λ*, and no other estimate has a lower expected error. λ* lies halfway between 0.1 and 1.
    """
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(N_TRAIN + N_VALIDATION, N_COLUMNS))
    y = x @ rng.normal(size=N_COLUMNS) / np.sqrt(N_TRAIN * BEST) + rng.normal(size=len(x))
    plan = plan_sweep(
        (Dense(1, use_bias=False),),
        optimizer=SGD(0.2, momentum=0.8),
        loss="mse",
        space={"l2": "auto"},
        epochs=RIDGE_EPOCHS,
        batch_size=N_TRAIN,
        # Only the last epoch counts: stopping earlier is a regularisation of its own.
        early_stopping=EarlyStopping(start_from_epoch=RIDGE_EPOCHS - 1),
        dtype="float64",
    )
    rows = Dataset(x, make_labels(y, None, "float64"))
    return x, y, sweep(plan, [Fold(rows, np.arange(N_TRAIN), np.arange(N_TRAIN, len(x)))])


def test_every_trial_has_the_validation_loss_of_its_ridge_solution():
    x, y, found = ridge(0)
    train, validation = slice(N_TRAIN), slice(N_TRAIN, None)
    for row in found.table.to_pylist():
        if row["l2"] >= 0.1:  # the others take longer than these epochs
            gram = x[train].T @ x[train] / N_TRAIN + row["l2"] * np.eye(N_COLUMNS)
            weights = np.linalg.solve(gram, x[train].T @ y[train] / N_TRAIN)
            assert row["val_loss"] == pytest.approx(np.mean((y[validation] - x[validation] @ weights) ** 2), rel=1e-5)


@pytest.mark.parametrize("draws", [20, pytest.param(100, marks=pytest.mark.slow)])
def test_the_sweep_finds_the_best_l2_where_it_is_known(draws):
    found = [ridge(seed)[2].selection.best.config["l2"] for seed in range(draws)]
    assert np.isin(found, (0.1, 1.0)).sum() >= 0.95 * draws


# --- honest numbers --------------------------------------------------------------------------------------------------


def noise(seed, *, n=100, fresh=5_000):
    """Optimism and its uncertainty, and by how much the chosen loss really is too low: targets are pure noise."""
    rng = np.random.default_rng(seed)
    x, y = rng.normal(size=(2 * n + fresh, 5)).astype("float32"), rng.normal(size=2 * n + fresh)
    plan = plan_sweep((Dense(8, activation="relu"), Dense(1)), optimizer="adam", loss="mse", space=GUIDE, epochs=20)
    rows = Dataset(x[: 2 * n], make_labels(y[: 2 * n], None, "float32"))
    found = sweep(plan, [Fold(rows, np.arange(n), np.arange(n, 2 * n))])
    recipe = plan.recipe(plan.grid[0], n)
    true = evaluate(recipe, found.winner.params, x[2 * n :], make_labels(y[2 * n :], None, "float32"))["loss"]
    return found.selection.optimism, found.selection.chosen.standard_error, true - found.selection.chosen.mean


GUIDE = {"l2": "auto", "learning_rate": "auto"}


@pytest.mark.parametrize("draws", [15, pytest.param(100, marks=pytest.mark.slow)])
def test_the_optimism_covers_how_much_too_low_the_chosen_loss_is(draws):
    optimism, error, too_low = np.array([noise(seed) for seed in range(draws)]).T
    assert np.mean(too_low) > 0
    assert np.mean(np.abs(too_low - optimism) < 2 * error) >= 0.85
    assert abs(np.mean(too_low - optimism)) < 2 * np.std(too_low) / np.sqrt(draws)
    assert np.mean(optimism) > 0.4 * np.mean(too_low)


# --- one program -----------------------------------------------------------------------------------------------------


def test_a_second_grid_of_the_same_shape_compiles_nothing(compiled):
    first = sweep(plan(seeds=2), SPLIT)
    compiled.clear()
    sweep(
        plan(space=refined(first.space, first.selection), seeds=2, seed=7, early_stopping=EarlyStopping(patience=9)),
        SPLIT,
    )
    assert compiled == []


def test_folds_that_differ_by_a_row_share_one_program(compiled):
    n = N - 1
    folds = [Fold(Dataset(X[:n], LABELS[:n]), *split) for split in make_folds(n, 4)]
    assert {len(fold.train) for fold in folds} == {30, 31}
    before = parallel._advance_slots._cache_size()
    sweep(plan(), folds)
    assert parallel._advance_slots._cache_size() - before == 1


# --- the estimate ----------------------------------------------------------------------------------------------------


def test_the_dry_run_tells_what_happens(monkeypatch):
    made = []

    class Watched(parallel.ParallelTrials):
        def __init__(self, *arguments, **choices):
            super().__init__(*arguments, **choices)
            made.append(self)

    monkeypatch.setattr(parallel, "ParallelTrials", Watched)
    monkeypatch.setattr(parallel, "SLOT_BYTES", 6_000)
    sizes = [len(fold.train) for fold in FOLDS]
    said = estimate_sweep(plan(seeds=2), n_features=FEATURES, n_train=sizes)
    before = parallel._advance_slots._cache_size()
    found = sweep(plan(seeds=2), FOLDS)
    assert said.trials == len(found.trainings)
    assert said.compilations == parallel._advance_slots._cache_size() - before
    for machine in made:
        states = [machine.states.params, machine.states.best_params, machine.states.optimizer_state, machine.orders]
        assert said.parallel == len(machine.slots) < 12
        assert said.chunk_epochs == machine.capacity
        assert said.running_bytes == sum(leaf.nbytes for leaf in jax.tree.leaves(states))
    kept = [(t.params, t.last_params, [column.astype(float) for column in t.history.values()]) for t in found.trainings]
    assert said.kept_bytes == sum(leaf.nbytes for leaf in jax.tree.leaves(kept))


def test_a_dry_run_counts_a_program_for_each_number_of_batches():
    sizes = [28, 28, 29]  # batches of 7
    assert estimate_sweep(plan(), n_features=FEATURES, n_train=sizes).compilations == 2


# --- Ctrl-C ----------------------------------------------------------------------------------------------------------


def press_at(done):
    """Ctrl-C once so many trials are done."""
    pressed = []

    def watch(progress):
        seen.append(progress)
        if progress.done >= done and not pressed:
            pressed.append(signal.raise_signal(signal.SIGINT))

    seen = []
    return watch, seen


def test_ctrl_c_chooses_among_what_is_there():
    watch, seen = press_at(6 * 2 + 1)
    found = sweep(plan(seeds=2), FOLDS, on_progress=watch)
    assert len(seen) > 0
    assert set(found.table["fold"].to_pylist()) == {0, 1}
    assert np.isfinite(found.selection.chosen.mean)
    assert sum(training.outcome == Outcome.FINISHED for training in found.trainings) >= 13


def test_ctrl_c_in_the_first_fold_ends_the_sweep_although_all_its_trials_have_begun():
    watch, _ = press_at(0)
    found = sweep(plan(seeds=2), FOLDS, on_progress=watch)
    assert set(found.table["fold"].to_pylist()) == {0}
    assert set(found.table["outcome"].to_pylist()) == {"stopped_by_user"}
    assert len(found.selection.chosen.trials) == 2


def test_progress_runs_on_over_the_folds():
    watch, seen = press_at(10**6)
    sweep(plan(seeds=2), FOLDS, on_progress=watch)
    assert seen[-1].done == seen[-1].trials == 36
    for name in ("done", "seconds"):
        values = [getattr(progress, name) for progress in seen]
        assert values == sorted(values)


# --- what cannot be --------------------------------------------------------------------------------------------------


def refuse_to_train(monkeypatch):
    monkeypatch.setattr("goodfit.search.sweep.run_trials", lambda *_, **__: pytest.fail("it has trained"))


@pytest.mark.parametrize(
    ("choices", "said"),
    [
        ({"space": {"l2": []}}, "l2 has no values; give at least one, or leave it out."),
        ({"space": {"l2": [-1]}}, "l2 must be a finite number, zero or larger, not -1.0."),
        ({"space": {"learning_rate": [np.inf]}}, "learning_rate must be a finite number, zero or larger, not inf."),
        ({"seeds": 0}, "seeds must be a whole number, 1 or more, not 0."),
        ({"epochs": 0}, "epochs must be a whole number, 1 or more, not 0."),
        ({"batch_size": 0}, "batch_size must be a whole number, 1 or more, not 0."),
    ],
)
def test_a_plan_that_cannot_be_is_named(choices, said, monkeypatch):
    refuse_to_train(monkeypatch)
    with pytest.raises(ConfigError) as error:
        sweep(plan(**choices), SPLIT)
    assert str(error.value) == said


@pytest.mark.parametrize(("rule", "space"), [("best of all", SPACE), ("1se", {"learning_rate": [0.1]})])
def test_a_rule_that_cannot_be_is_refused_before_anything_is_trained(rule, space, monkeypatch):
    refuse_to_train(monkeypatch)
    with pytest.raises(ConfigError, match="choice"):
        sweep(plan(space=space), SPLIT, rule=rule)


def test_a_sweep_without_validation_rows_is_refused_before_anything_is_trained(monkeypatch):
    refuse_to_train(monkeypatch)
    said = "a sweep selects by validation rows: give validation_split, validation_data or folds"
    with pytest.raises(SplitError, match=said):
        sweep(plan(), [Fold(SPLIT[0].rows, np.arange(N), np.arange(0))])
    silent = LABELS.copy()
    silent[28:, -1] = 0
    with pytest.raises(SplitError, match=said):
        sweep(plan(), [Fold(Dataset(X, silent), np.arange(28), np.arange(28, N))])


def test_a_grid_in_which_everything_diverges_says_so_in_a_sentence():
    with pytest.raises(ConfigError, match="every trial of the grid diverged; try learning rates ten times smaller"):
        sweep(plan(space={"l2": [0, 0.01, 1], "learning_rate": [1e200, 1e250]}), SPLIT)


def test_a_trial_that_diverges_is_marked_and_not_chosen():
    found = sweep(plan(space={"l2": [0, 0.01, 1], "learning_rate": [0.03, 1e200]}), SPLIT)
    for row in found.table.to_pylist():
        assert (row["outcome"] == "diverged") == (row["learning_rate"] == 1e200)
        assert np.isinf(row["val_loss"]) == (row["learning_rate"] == 1e200)
    assert found.selection.chosen.config["learning_rate"] == 0.03


def test_seeds_may_be_as_large_as_python_lets_them():
    assert sweep(plan(seed=2**40), SPLIT).table["seed"].to_pylist() == [2**40] * 6


def test_weight_decay_can_be_swept_although_the_optimizer_has_none():
    found = sweep(
        plan(space={"weight_decay": [0.0, 0.5], "momentum": [0.0, 0.5], "learning_rate": 0.05}, optimizer="sgd"), SPLIT
    )
    losses = found.table["val_loss"].to_pylist()
    assert len(set(losses)) == 4


def test_a_plan_is_the_grid_that_was_asked_for():
    asked = plan(space={"l2": "auto", "learning_rate": 0.1})
    assert isinstance(asked, SweepPlan)
    assert [config["l2"] for config in asked.grid] == [0, 0.0001, 0.001, 0.01, 0.1, 1]


def test_the_old_name_of_the_selection_still_works_and_warns():
    found = sweep(plan(), SPLIT)
    with pytest.warns(DeprecationWarning, match="selection"):
        assert found.choice is found.selection


def test_tables_of_about_the_same_size_share_a_program_on_request(compiled):
    """Training rows are padded to 36, all rows to 40."""

    def swept(n_train, *, share):
        n = n_train + 5
        rows = Dataset(np.asarray(X[:n], "float32"), make_labels(Y[:n], None, "float32"))
        folds = [Fold(rows, np.arange(n_train), np.arange(n_train, n))]
        return sweep(plan(dtype="float32"), folds, share_programs=share)

    alone, shared = (swept(33, share=share) for share in (False, True))
    for one, other in zip(alone.trainings, shared.trainings, strict=True):
        np.testing.assert_allclose(one.history["val_loss"], other.history["val_loss"], rtol=1e-5)
        np.testing.assert_allclose(one.params[0]["kernel"], other.params[0]["kernel"], rtol=1e-4, atol=1e-6)
    compiled.clear()
    swept(34, share=True)
    assert not compiled
