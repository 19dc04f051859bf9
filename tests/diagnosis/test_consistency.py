"""Whatever is observed, findings agree: no argument is pulled both ways, and nothing measured as worse is advised."""

import numpy as np
import pytest

from benchmarks.bank.consistency import faults
from goodfit.diagnosis.findings import Finding, Verdict
from goodfit.diagnosis.observations import Neighbour, Observations
from goodfit.diagnosis.verdict import diagnose
from tests.diagnosis.built import EPOCHS, beside, falling, good, jumping, measured

RATES, L2 = (0.0001, 0.001, 0.01), (0.0, 0.001, 0.1)


def curve(rng, n):
    """A curve that falls, jumps, rises in the end, or stays where it is."""
    low, high = np.sort(rng.uniform(0, 1.2, 2))
    found = low + (high - low) * np.exp(-rng.choice([0.005, 0.05, 0.3]) * np.arange(n))
    found = found + rng.choice([0.0, 0.02, 0.3]) * rng.normal(size=n) ** 2
    return tuple((found + rng.choice([0.0, 0.02]) * np.maximum(0, np.arange(n) - n // 2)).tolist())


def difference(rng):
    return None if rng.random() < 0.2 else (float(rng.normal() * 0.3), float(rng.exponential(0.03)))


def observations(seed):
    """Random observations; about half of them with a grid."""
    rng = np.random.default_rng(seed)
    n, l2, rate = int(rng.integers(3, 60)), float(rng.choice(L2)), float(rng.choice(RATES))
    beside = [(other, rate) for other in L2 if other != l2] + [(l2, other) for other in RATES if other != rate]
    kept = [at for at in beside if rng.random() < 0.7] if rng.random() < 0.6 else []
    losses = [(*at, *rng.uniform(0, 1.2, 2), rng.normal() * 0.1, rng.exponential(0.03)) for at in kept]
    ends = {"l2": l2, "learning_rate": rate}
    return Observations(
        loss=curve(rng, n),
        val_loss=curve(rng, n),
        penalty=tuple(rng.exponential(0.2, n).tolist()) if rng.random() < 0.7 else (),
        outcome=str(rng.choice(["finished", "stopped_early", "diverged"])),
        restored_epoch=int(rng.integers(0, n + 1)),
        n_folds=int(rng.choice([1, 5])),
        epochs=n,
        patience=None if rng.random() < 0.3 else int(rng.integers(1, 30)),
        learning_rate=rate,
        l2=l2,
        hidden=[(), (8,), (64, 64)][rng.integers(3)],
        n_validation=50,
        val_loss_error=float(rng.exponential(0.05)),
        baseline_loss=1.0,
        baseline_difference=difference(rng),
        linear_difference=difference(rng),
        trees_difference=difference(rng),
        seed_losses=tuple(rng.uniform(0, 1, 2).tolist()),
        neighbours=tuple(Neighbour(*map(float, each)) for each in losses),
        edges={name: str(rng.choice(["high", "low"])) for name in ends if rng.random() < 0.5},
        units=(64,),
        dead_units=(int(rng.integers(65)),),
    )


@pytest.mark.parametrize("block", range(10))
def test_random_observations_are_diagnosed_without_a_fault(block):
    for seed in range(300 * block, 300 * (block + 1)):
        obs = observations(seed)
        verdict = diagnose(obs)
        assert faults(obs, verdict) == [], f"seed {seed}"
        if verdict.word == "good fit":
            assert not {"rate_too_small", "rate_too_large", "penalty_too_strong"} & {f.code for f in verdict.findings}


def test_dead_units_advise_no_rate_that_the_grid_measured_as_worse():
    dead = {"units": (64,), "dead_units": (44,)}
    assert diagnose(good(**dead)).find("dead_units").change == {"learning_rate": 0.0001}
    tested = diagnose(beside((0.001, 0.0001, 0.8, 0.8), **dead, edges={"learning_rate": "high"}))
    assert tested.find("dead_units").change == {}
    assert tested.find("best_at_edge").change == {"refine": True}
    assert diagnose(good(**dead, edges={"learning_rate": "high"})).find("dead_units").change == {}


def test_a_good_fit_with_dead_units_says_so_in_its_sentence():
    assert "44 of 64 units are dead" in diagnose(good(units=(64,), dead_units=(44,))).sentence
    assert "units of hidden layer 2 are dead" in diagnose(good(dead_units=(3, 60))).sentence
    assert "dead" not in diagnose(good()).sentence


def test_an_end_of_the_grid_is_not_extended_against_a_clear_comparison():
    inward = measured(0.1, 0.001, l2=0.001, rate=0.0001, edges={"learning_rate": "high"})
    assert diagnose(inward).find("best_at_edge") is None
    outward = measured(-0.1, 0.001, l2=0.001, rate=0.0001, edges={"learning_rate": "high"})
    assert diagnose(outward).find("best_at_edge").change == {"refine": True}


def test_a_loss_with_less_to_gain_than_is_clear_is_not_contested():
    nearly_zero = {"loss": falling(1e-6, speed=0.5), "val_loss": falling(8.6e-6, speed=0.5), "val_loss_error": 1e-6}
    unsure = {"trees_loss": 15.1, "trees_difference": (15.1, 15.0)}
    assert diagnose(beside((0.01, 0.001, 0.8, 0.8), **nearly_zero, **unsure)).word == "good fit"
    assert diagnose(good(**nearly_zero, **unsure)).word == "good fit"


def test_the_two_ways_of_a_curve_alone_do_not_pull_the_rate_apart():
    leaps = good(loss=jumping(0.3, 0.2), val_loss=falling(0.3, speed=0.01), units=(64,), dead_units=(64,))
    assert faults(leaps, diagnose(leaps)) == []


def test_the_check_itself_sees_a_fault():
    up = Finding("rate_too_small", "warning", "Up.", {}, change={"learning_rate": 0.01})
    down = Finding("dead_units", "warning", "Down.", {}, change={"learning_rate": 0.0001})
    grow = Finding("best_at_edge", "note", "Out.", {"learning_rate": 0.001}, change={"refine": True})
    linear = Finding("no_better_than_linear", "note", "Linear.", {}, change={"hidden": ()})
    obs = beside((0.001, 0.0001, 0.8, 0.8), edges={"learning_rate": "high"})
    assert len(faults(obs, Verdict("cannot tell", "", (up, down)))) == 2
    assert len(faults(obs, Verdict("cannot tell", "", (down, grow)))) == 2
    assert len(faults(obs, Verdict("cannot tell", "", (linear,)))) == 1
    assert len(obs.loss) == EPOCHS
