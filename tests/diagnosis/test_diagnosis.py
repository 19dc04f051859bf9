"""Every finding has a obs that raises it and a near one that does not; nothing in the numbers makes a rule fail."""

import math
from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from scipy.stats import norm

import goodfit
from goodfit.diagnosis.comparisons import Comparison
from goodfit.diagnosis.findings import SEVERITIES, WORDS, Finding, Verdict
from goodfit.diagnosis.from_run import observe
from goodfit.diagnosis.observations import Neighbour, Observations
from goodfit.diagnosis.rules.fit import GRID
from goodfit.diagnosis.verdict import diagnose
from goodfit.errors import ConfigError
from goodfit.experiment.settings import Settings, apply_change
from goodfit.search.selection import TrialResult, select
from tests.diagnosis.built import EPOCHS, GOOD, beside, falling, good, jumping, measured

PAIRS = {
    "diverged": (good(outcome="diverged"), good()),
    "rate_too_small": (
        beside((0.001, 0.01, 0.08, 0.10)),
        beside((0.001, 0.01, 0.19, 0.21)),
    ),
    "rate_too_large": (
        beside((0.001, 0.0001, 0.08, 0.10)),
        beside((0.001, 0.0001, 0.19, 0.21)),
    ),
    "jumping": (
        good(val_loss=jumping(0.3, 0.1), restored_epoch=1),
        good(val_loss=jumping(0.3, 0.02), restored_epoch=1),
    ),
    "perfect_pace": (
        beside((0.001, 0.0001, 0.8, 0.8), (0.001, 0.01, 0.3, 0.4)),
        beside((0.001, 0.0001, 0.8, 0.8)),
    ),
    "out_of_epochs": (
        good(loss=falling(0.2, speed=0.02), val_loss=falling(0.22, speed=0.02)),
        good(),
    ),
    "penalty_too_strong": (
        beside((0.0, 0.001, 0.08, 0.10)),
        beside((0.0, 0.001, 0.15, 0.21)),
    ),
    "stopped_too_early": (
        good(
            outcome="stopped_early",
            patience=2,
            loss=(*falling(0.3, n=20, speed=0.05), 0.50, 0.45),
            val_loss=(*falling(0.32, n=20, speed=0.05), 0.59, 0.585),
            restored_epoch=20,
        ),
        good(
            outcome="stopped_early",
            patience=2,
            loss=(*falling(0.3, n=20, speed=0.05), 0.50, 0.45),
            val_loss=(*falling(0.32, n=20, speed=0.05), 0.7, 0.8),
            restored_epoch=20,
        ),
    ),
    "overfitting_began": (
        good(loss=falling(0.0), val_loss=(*falling(0.22, n=30), *np.linspace(0.25, 0.6, 30)), restored_epoch=30),
        good(loss=falling(0.2), val_loss=(*falling(0.22, n=30), *np.linspace(0.232, 0.235, 30)), restored_epoch=30),
    ),
    "validation_too_small": (good(val_loss_error=0.2), good(val_loss_error=0.02)),
    "seeds_disagree": (good(seed_losses=(0.22, 0.6)), good(seed_losses=(0.22, 0.23))),
    "best_at_edge": (good(edges={"learning_rate": "high"}), good()),
    "no_better_than_baseline": (good(baseline_difference=(0.01, 0.02)), good(baseline_difference=(0.05, 0.02))),
    "no_better_than_linear": (good(linear_difference=(0.01, 0.02)), good(linear_difference=(0.05, 0.02))),
    "linear_network": (good(hidden=()), good(hidden=(1,))),
    "dead_units": (good(dead_units=(3, 40)), good(dead_units=(3, 20))),
    "class_ignored": (good(confusion=((43, 0), (9, 0))), good(confusion=((43, 0), (8, 1)))),
    "overfitting": (
        good(loss=falling(0.02), val_loss=falling(0.85)),
        good(loss=falling(0.02), val_loss=falling(0.5)),
    ),
    "underfitting": (
        good(loss=falling(0.2, speed=0.01), val_loss=falling(0.22, speed=0.01)),
        good(),
    ),
    "good_fit": (good(), good(loss=falling(0.02), val_loss=falling(0.5))),
    "cannot_tell": (good(loss=falling(0.02), val_loss=falling(0.5)), good()),
}


@pytest.mark.parametrize("code", PAIRS)
def test_finding_is_made_for_the_one_and_not_for_the_near_one(code):
    raising, near = PAIRS[code]
    assert diagnose(raising).find(code) is not None
    assert diagnose(near).find(code) is None


@pytest.mark.parametrize("code", PAIRS)
def test_finding_says_something_and_has_numbers(code):
    found = diagnose(PAIRS[code][0]).find(code)
    assert not found.sentence[0].islower() and found.sentence.endswith(".")
    assert all(isinstance(value, float | int) for value in found.evidence.values())
    assert found.severity in SEVERITIES


@pytest.mark.parametrize("code", PAIRS)
def test_change_is_one_that_train_takes(code):
    change = diagnose(PAIRS[code][0]).find(code).change
    assert (apply_change(Settings(), change) == Settings()) == (
        not change or change in ({"refine": True}, {"hidden": (64, 64)}, GRID)
    )


@pytest.mark.parametrize("word", ("underfitting", "good fit", "overfitting", "cannot tell"))
def test_verdict_is_one_of_four_words(word):
    obs = {
        "underfitting": PAIRS["underfitting"][0],
        "good fit": GOOD,
        "overfitting": PAIRS["overfitting"][0],
        "cannot tell": good(val_loss=()),
    }[word]
    verdict = diagnose(obs)
    assert verdict.word == word
    assert word in WORDS
    assert verdict.sentence.endswith(".")


def test_findings_come_the_most_severe_first():
    verdict = diagnose(good(outcome="diverged", baseline_difference=(0.01, 0.02), edges={"l2": "high"}))
    ranks = [SEVERITIES.index(finding.severity) for finding in verdict.findings]
    assert ranks == sorted(ranks, reverse=True)
    assert len(set(ranks)) > 1


def test_next_step_is_the_first_finding_that_has_one():
    calm = Finding("good_fit", "good", "Fine.", {})
    advice = Finding("no_better_than_baseline", "serious", "Bad.", {}, "Look for columns.")
    pasted = Finding("diverged", "serious", "Worse.", {}, "Try.", change={"learning_rate": 0.001})
    assert Verdict("good fit", "Fine.", (calm,)).next_step is None
    assert Verdict("good fit", "Fine.", (calm, advice, pasted)).next_step is advice


def test_next_step_of_a_bad_fit_is_the_one_about_the_fit():
    cause = Finding("underfitting", "warning", "Low.", {}, "Weaken the penalty.", change={"l2": 0.1})
    first = Finding("no_better_than_baseline", "serious", "Bad.", {}, "Look for columns.")
    assert Verdict("underfitting", "Low.", (first, cause)).next_step is cause


WORST = (math.nan, math.inf, -math.inf, 0.0, -1.0, 1e308, 5e-324)


@pytest.mark.parametrize(("name", "value"), list(product(("loss", "val_loss", "penalty"), WORST)))
def test_no_number_in_a_curve_makes_a_rule_fail(name, value):
    curves = {"all": (value,) * EPOCHS, "last": (*getattr(GOOD, name)[:-1], value), "one": (value,)}
    for curve in curves.values():
        for given in (0, 1, len(curve)):
            diagnose(good(**{name: curve}, restored_epoch=given))
            diagnose(beside((0.001, 0.01, value, value), (0.1, 0.001, value, value), **{name: curve}))


@pytest.mark.parametrize(
    "name", ("learning_rate", "l2", "val_loss_error", "baseline_loss", "linear_loss", "n_validation", "patience")
)
@pytest.mark.parametrize("value", (*WORST, None))
def test_no_number_beside_the_curves_makes_a_rule_fail(name, value):
    diagnose(good(**{name: value}, seed_losses=(value or 0.0, 1.0)))
    diagnose(beside((0.0, 0.1, 0.3, 0.3), (0.01, 0.001, 0.3, 0.3), **{name: value}, outcome="stopped_early"))


def test_where_nothing_was_learned_only_the_divergence_is_said():
    nothing = {
        "loss": (math.nan,) * 3,
        "val_loss": (math.nan,) * 3,
        "penalty": (),
        "restored_epoch": 0,
    }
    silent = {"dead_units": (64, 64), "confusion": ((43, 0), (9, 0)), "baseline_difference": (-9.0, 0.1)}
    verdict = diagnose(good(**nothing, **silent, outcome="diverged", linear_difference=(-9.0, 0.1)))
    assert [finding.code for finding in verdict.findings] == ["diverged"]
    assert verdict.word == "cannot tell"
    assert {"dead_units", "class_ignored"} <= {finding.code for finding in diagnose(good(**silent)).findings}


def test_what_is_not_known_is_not_needed():
    falling_curve = falling(0.2)
    assert diagnose(Observations(loss=falling_curve, val_loss=falling_curve, restored_epoch=EPOCHS)).word in WORDS
    assert diagnose(Observations(loss=(), restored_epoch=0)).word == "cannot tell"
    assert diagnose(Observations(loss=(0.5,), val_loss=(0.6,), restored_epoch=1)).word in WORDS


@pytest.mark.parametrize("alone", ("rate_too_small", "rate_too_large", "penalty_too_strong"))
def test_without_a_grid_the_curves_must_say_it(alone):
    observed = {
        "rate_too_small": good(loss=falling(0.2, speed=0.01), val_loss=falling(0.22, speed=0.01)),
        "rate_too_large": good(loss=jumping(0.3, 0.2), val_loss=jumping(0.4, 0.2), restored_epoch=1),
        "penalty_too_strong": good(penalty=(0.6,) * EPOCHS, loss=falling(0.22)),
    }
    assert diagnose(GOOD).find(alone) is None
    assert diagnose(observed[alone]).find(alone) is not None


def test_what_a_neighbour_surely_gains_names_the_fit_and_what_it_surely_does_not_a_good_one():
    # What can be learned is 0.376, of which 5.5 % are clear: 0.021.
    assert diagnose(measured(0.04, 0.01)).word == "overfitting"
    assert diagnose(measured(0.03, 0.02)).word == "cannot tell"
    assert diagnose(measured(0.004, 0.005)).word == "good fit"
    assert diagnose(measured(-0.03, 0.01)).word == "good fit"


def test_who_cannot_tell_lets_every_row_judge_and_then_asks_for_more():
    found = diagnose(measured(0.03, 0.02))
    assert found.sentence == (
        "500 validation rows are too few to tell whether λ = 0.01 is better: "
        "its gain in validation loss is 0.03 ± 0.02."
    )
    assert found.next_step.change == {"folds": 5}
    folded = diagnose(measured(0.03, 0.02, n_folds=5))
    assert folded.next_step.change == {}
    assert folded.sentence.startswith("The validation rows are too few to tell whether λ = 0.01 is better")
    assert diagnose(measured(0.03, 0.02, time_order=True)).next_step.advice == "Collect more rows."
    uncertain = diagnose(measured(0.03, 0.02, val_loss_error=0.2))
    assert {each.code for each in uncertain.findings if each.change == {"folds": 5}} == {
        "cannot_tell",
        "validation_too_small",
    }


def comparison(gain, error, prior, *, clear=0.04, doubt=1.25):
    words = {"name": "λ = 0.01", "side": "restrains", "reason": "better"}
    return Comparison(**words, gain=gain, error=error, prior=prior, clear=clear, open_from=clear, doubt=doubt)


@pytest.mark.parametrize(("gain", "error", "prior"), [(0.05, 0.02, 0.03), (-0.1, 0.04, 0.01), (0.0, 0.5, 0.1)])
def test_the_expected_gain_and_its_spread_are_those_of_bayes_rule(gain, error, prior):
    true = np.linspace(-1, 1, 200_001)
    posterior = norm.pdf(true, 0, prior) * norm.pdf(gain, true, error)
    posterior /= posterior.sum()
    mean = float(posterior @ true)
    found = comparison(gain, error, prior)
    assert (found.expected, found.spread) == pytest.approx((mean, float(posterior @ (true - mean) ** 2) ** 0.5))
    for doubt in (0.5, 1.25):
        at = found.expected - doubt * found.spread  # just clear if gains from here on are
        assert posterior[true >= at].sum() == pytest.approx(norm.cdf(doubt), abs=1e-3)
        assert comparison(gain, error, prior, clear=abs(at), doubt=doubt).is_clear == (at > 0)


def test_without_a_prior_or_without_an_error_the_measured_gain_is_believed():
    assert (comparison(0.05, 0.02, math.inf).expected, comparison(0.05, 0.02, math.inf).spread) == (0.05, 0.02)
    assert (comparison(0.05, 0.0, 0.03).expected, comparison(0.05, 0.0, 0.03).spread) == (0.05, 0.0)


def test_the_config_that_a_grid_selects_is_doubted_less_than_another():
    unsure = {"gain": 0.01, "error": 0.05, "l2": 0.01, "learning_rate": 0.001, "loss": 0.6}
    lowest, other = (
        replace(measured(0.0, 0.01), neighbours=(Neighbour(**unsure, val_loss=at),)) for at in (0.81, 0.79)
    )
    assert (diagnose(lowest).word, diagnose(other).word) == ("good fit", "cannot tell")
    surely = Neighbour(0.01, 0.001, 0.6, 0.81, 0.05, 0.001)  # of a contender, on fewer folds
    assert diagnose(replace(lowest, neighbours=(surely,))).word == "overfitting"


def test_less_penalty_frees_and_more_restrains_and_a_pace_does_what_the_training_rows_say():
    assert diagnose(measured(0.1, 0.01, l2=0.0, rate=0.001)).word == "underfitting"
    assert diagnose(measured(0.1, 0.01, l2=0.001, rate=0.01, loss_there=0.5)).word == "underfitting"
    assert diagnose(measured(0.1, 0.01, l2=0.001, rate=0.01, loss_there=0.6)).word == "overfitting"


def test_another_pace_must_gain_more_than_another_penalty():
    # 5.5 % of 0.376, what can be learned, are 0.021, and of another pace 0.029.
    curves = {"loss": falling(0.5), "val_loss": falling(0.624)}
    assert diagnose(measured(0.025, 0.001, **curves)).word == "overfitting"
    assert diagnose(measured(0.025, 0.001, l2=0.001, rate=0.01, **curves)).word == "good fit"


def test_the_pace_is_perfect_only_where_neither_side_may_do_clearly_better():
    worse = Neighbour(0.001, 0.0001, 0.7, 0.9, -0.1, 0.01)
    for error, found in ((0.001, True), (0.04, False)):
        level = Neighbour(0.001, 0.01, 0.6, 0.8, 0.0, error)
        assert (
            diagnose(replace(measured(0.0, 0.01), neighbours=(worse, level))).find("perfect_pace") is not None
        ) == found


def test_whoever_is_behind_is_told_what_was_not_tried_yet():
    behind = {"loss": falling(0.35), "val_loss": falling(0.37), **BEHIND_TREES}
    worse, stopped = (0.01, 0.001, 0.5, 0.6), {"outcome": "stopped_early"}

    def advised(**changes):
        return diagnose(beside(worse, **behind | changes)).next_step.change

    assert advised() == {"epochs": 120}
    assert advised(**stopped) == {"hidden": (256, 256)}
    assert advised(**stopped, hidden=(256, 100)) == {"hidden": (512, 256)}
    assert advised(**stopped, hidden=()) == {"hidden": (64, 64)}


def test_of_bends_a_network_without_hidden_layers_knows_nothing_but_trees_do():
    assert diagnose(good(hidden=())).find("linear_network") is not None
    assert diagnose(good(hidden=(), trees_loss=0.2, trees_difference=(0.0, 0.02))).find("linear_network") is not None
    assert diagnose(good(hidden=(), **BEHIND_TREES)).find("linear_network") is None


def test_a_run_says_who_judges_and_whether_its_rows_are_in_an_order():
    quick = {"l2": [0, 0.1], "learning_rate": 0.01, "hidden": (4,), "epochs": 2}
    days = {"x": np.random.default_rng(0).normal(size=60), "day": np.arange(60), "y": np.tile([0.0, 1.0, 2.5], 20)}
    split, folded = goodfit.train("iris", folds=1, **quick), goodfit.train("iris", folds=3, **quick)
    assert (observe(split).n_validation, observe(split).n_folds, observe(split).time_order) == (24, 1, False)
    assert (observe(folded).n_validation, observe(folded).n_folds) == (120, 3)
    assert observe(goodfit.train(days, "y", time="day", **quick)).time_order


def test_the_last_weights_overfit_where_earlier_ones_did_clearly_better():
    curves = {"loss": falling(0.1), "val_loss": (*falling(0.22, n=30), *np.linspace(0.25, 0.6, 30))}
    assert diagnose(good(**curves, restored_epoch=EPOCHS)).word == "overfitting"
    assert diagnose(good(**curves, restored_epoch=30)).word != "overfitting"


def test_last_weights_that_are_worse_on_training_rows_too_have_not_overfitted():
    val_loss = (*falling(0.22, n=30), *np.linspace(0.25, 0.4, 30))
    apart = good(loss=(*falling(0.22, n=30), *(0.2,) * 30), val_loss=val_loss)
    together = good(loss=(*falling(0.22, n=30), *np.linspace(0.25, 0.4, 30)), val_loss=val_loss)
    assert "the validation loss of epoch 30 is lower by 0.17" in diagnose(apart).sentence
    assert diagnose(together).word == "good fit"


def test_a_heavy_penalty_without_a_gap_underfits():
    assert diagnose(good(penalty=(0.6,) * EPOCHS, loss=falling(0.21))).find("underfitting").change == {"l2": 0.0001}
    assert diagnose(good(penalty=(0.4,) * EPOCHS)).word == "cannot tell"
    assert diagnose(good(penalty=(0.6,) * EPOCHS, loss=falling(0.05), val_loss=falling(0.9))).word == "overfitting"
    level = {"loss": falling(0.98), "val_loss": falling(0.99), "baseline_difference": (0.01, 0.02)}
    behind = {"linear_loss": 0.6, "linear_difference": (-0.39, 0.05)}
    unlearned = {"linear_loss": 1.0, "linear_difference": (0.01, 0.02)}
    assert diagnose(good(penalty=(0.6,) * EPOCHS, **level, **behind)).word == "underfitting"
    assert diagnose(good(penalty=(0.6,) * EPOCHS, **level, **unlearned)).word == "cannot tell"


def test_what_is_no_better_than_a_baseline_is_no_good_fit():
    worse = (0.01, 0.001, 1.0, 1.2)
    noise = {"loss": falling(0.98), "val_loss": falling(0.99), "linear_loss": 1.0, "linear_difference": (0.01, 0.02)}
    unsure = diagnose(beside(worse, **noise, baseline_difference=(0.01, 0.02)))
    assert unsure.word == "cannot tell"
    assert "its gain in validation loss is 0.01 ± 0.02" in unsure.sentence
    assert diagnose(beside(worse, **noise, baseline_difference=(0.01, 0.002))).word == "good fit"
    assert diagnose(beside(worse, **noise, baseline_difference=(0.01, 0.02))).next_step.change == {"folds": 5}


def test_a_number_that_is_not_known_names_no_fit():
    unknown = {"linear_difference": (math.nan, math.nan), "trees_difference": (math.nan, math.nan)}
    assert diagnose(measured(0.1, 0.01, **unknown)).word == "overfitting"
    assert diagnose(measured(-0.1, 0.01, **unknown)).word == "good fit"


def test_only_what_is_sure_names_the_fit():
    sure, perhaps = Neighbour(0.0, 0.001, 0.5, 0.7, 0.05, 0.001), Neighbour(0.01, 0.001, 0.5, 0.7, 0.06, 0.05)
    both = measured(0.0, 0.01)
    assert diagnose(replace(both, neighbours=(sure, perhaps))).word == "underfitting"


@pytest.mark.parametrize("rate", (0.0001, 0.01))
@pytest.mark.parametrize("gain", np.linspace(0.0, 0.1, 11))
def test_no_finding_says_that_something_does_better_than_a_good_fit(rate, gain):
    for l2, error in product((0.0, 0.001, 0.01), (0.0001, 0.003)):
        verdict = diagnose(measured(gain, error, l2=l2, rate=rate if l2 == 0.001 else 0.001))
        codes = {finding.code for finding in verdict.findings}
        if verdict.word == "good fit":
            assert not codes & {"rate_too_small", "rate_too_large", "penalty_too_strong"}
        if verdict.word == "cannot tell":
            assert "perfect_pace" not in codes


def test_a_pace_that_the_grid_has_tried_is_not_proposed():
    curves = {"val_loss": jumping(0.3, 0.1), "restored_epoch": 1}
    assert diagnose(good(**curves)).find("jumping").change == {"learning_rate": 0.0001}
    assert diagnose(beside((0.001, 0.0001, 0.8, 0.8), **curves)).find("jumping").change == {}


def test_too_few_rows_make_no_good_fit():
    assert diagnose(good(val_loss_error=0.2)).word == "cannot tell"
    assert diagnose(good(val_loss_error=0.1)).word == "good fit"


def test_space_that_the_grid_does_not_vary_are_the_same_for_all():
    found = beside((None, 0.01, 0.08, 0.10), l2=None)
    assert diagnose(found).find("rate_too_small") is not None


def test_what_is_no_result_is_refused():
    with pytest.raises(ConfigError, match="a sweep or a training can be diagnosed"):
        diagnose({"loss": [1.0]})


BEHIND_TREES = {"trees_loss": 0.02, "trees_difference": (-0.35, 0.02)}


def test_who_is_clearly_behind_trees_has_more_to_learn():
    high = {"loss": falling(0.35), "val_loss": falling(0.37)}
    assert diagnose(good(**high, **BEHIND_TREES)).sentence.startswith(
        "The model can still learn from these columns: gradient boosting on the same rows lowers"
    )
    assert diagnose(good(**high, trees_loss=0.37, trees_difference=(0.0, 0.02))).word == "good fit"
    assert diagnose(good(**high, trees_loss=0.02, trees_difference=(-0.35, 0.3))).word == "cannot tell"


def test_who_is_clearly_behind_trees_with_a_large_gap_overfits_also_as_the_winner_of_a_grid():
    worse = (0.001, 0.01, 0.7, 0.8)
    apart = {"loss": falling(0.02), "val_loss": falling(0.7)}
    assert diagnose(beside(worse, **apart, trees_loss=0.1, trees_difference=(-0.4, 0.02))).word == "overfitting"
    assert diagnose(beside(worse, **apart, trees_loss=0.6, trees_difference=(0.1, 0.02))).word == "good fit"


def test_alone_a_fit_is_good_only_where_no_question_is_open():
    open_questions = (
        {"loss": falling(0.02), "val_loss": falling(0.3)},
        {"loss": jumping(0.2, 0.04), "val_loss": jumping(0.22, 0.04), "restored_epoch": 1},
        {"loss": falling(0.2, speed=0.05), "val_loss": falling(0.22, speed=0.05)},
        {"trees_loss": 0.1, "trees_difference": (-0.1, 0.02)},
        {"val_loss_error": 0.3},
    )
    assert diagnose(GOOD).word == "good fit"
    for question in open_questions:
        verdict = diagnose(good(**question))
        assert verdict.word == "cannot tell", question
        assert verdict.next_step.change == GRID


def test_a_good_fit_with_a_gap_says_that_there_is_one():
    assert "0.02 above training loss, and" in diagnose(GOOD).sentence
    assert (
        "above training loss, but"
        in diagnose(beside((0.01, 0.001, 0.4, 0.5), loss=falling(0.1), val_loss=falling(0.45))).sentence
    )


@pytest.fixture(scope="module")
def rows():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(240, 4))
    return x, np.sin(2 * x[:, 0]) + x[:, 1] + 0.1 * rng.normal(size=240)


def model(hidden=(16,)):
    layers = [*(goodfit.Dense(units, activation="relu") for units in hidden), goodfit.Dense(1)]
    found = goodfit.Sequential(layers)
    found.compile(goodfit.SGD(0.1) if not hidden else "adam", "mse")
    return found


def test_a_sweep_is_judged_by_its_winner_and_the_others_are_neighbours(rows):
    found = model().sweep(*rows, l2=[0, 1.0], learning_rate=[1e-5, 0.01], seeds=2, epochs=30)
    obs = observe(found)
    assert (obs.l2, obs.learning_rate) == (0.0, 0.01)
    assert {(n.l2, n.learning_rate) for n in obs.neighbours} == {(0, 1e-5), (1.0, 0.01)}
    rows_of = found.table.to_pylist()
    for n in obs.neighbours:
        same = [row for row in rows_of if (row["l2"], row["learning_rate"]) == (n.l2, n.learning_rate)]
        assert n.loss == pytest.approx(np.mean([row["loss"] for row in same]))
        assert n.val_loss == pytest.approx(np.mean([row["cross_fitted_loss"] for row in same]))
        assert n.gain < 0 < n.error
    assert len(obs.seed_losses) == 2
    assert obs.hidden == (16,)
    assert diagnose(found).word in WORDS


def test_a_sweep_that_was_stopped_is_judged_by_the_trials_that_were_compared(rows):
    found = model().sweep(*rows, l2=[0, 1.0], folds=2, epochs=5, validation_split=0.0)
    table = found.table.slice(0, len(found.table) - 1).to_pylist()
    judged = [TrialResult({"l2": row["l2"]}, row["fold"], row["seed"], row["val_loss"]) for row in table]
    losses = [row["val_loss"] + np.linspace(-0.01, 0.01, 9) for row in table]
    selection = select(judged, losses=losses.__getitem__, weights=[np.ones(9)] * 2)
    obs = observe(replace(found, table=found.table.slice(0, len(table)), selection=selection))
    assert obs.n_folds == 1
    assert obs.mean_loss == next(row["loss"] for row in table if row["l2"] == obs.l2)
    assert [n.loss for n in obs.neighbours] == [row["loss"] for row in table[:2] if row["l2"] != obs.l2]


def test_where_another_epoch_than_the_lowest_is_given_back_only_that_is_read(rows):
    waiting = goodfit.EarlyStopping(patience=50, start_from_epoch=25)
    found = model().sweep(*rows, l2=[0, 0.1], learning_rate=[0.05], epochs=30, callbacks=[waiting])
    best = [np.nanargmin(training.history["val_loss"]) + 1 for training in found.trainings]
    assert any(training.best_epoch != epoch for training, epoch in zip(found.trainings, best, strict=True))
    (contrast,) = found.selection.contrasts
    assert contrast.gain == pytest.approx(found.selection.chosen.mean - contrast.mean)


def test_the_last_weights_are_judged_where_these_are_given_back(rows):
    stopping = goodfit.EarlyStopping(patience=50, restore_best_weights=False)
    training = model().fit(*rows, epochs=20, validation_split=0.3, callbacks=[stopping], verbose=0)
    assert observe(training).restored_epoch == 20
    training = model().fit(*rows, epochs=20, validation_split=0.3, verbose=0)
    assert observe(training).restored_epoch == training.best_epoch


def test_a_training_that_diverged_says_so(rows):
    found = model(hidden=())
    found.compile(goodfit.SGD(1e30), "mse")
    verdict = diagnose(found.fit(*rows, epochs=5, validation_split=0.3, verbose=0))
    assert verdict.find("diverged") is not None
    assert verdict.word == "cannot tell"


def test_a_run_is_judged_by_what_its_record_holds():
    run = goodfit.train("iris", l2=0.0, learning_rate=0.01, epochs=40, hidden=(8,))
    obs = observe(run.record)
    assert (obs.epochs, obs.patience, obs.learning_rate, obs.l2) == (40, 10, 0.01, 0.0)
    assert (obs.n_train, obs.n_validation, obs.hidden) == (96, 24, (8,))
    assert obs.baseline_loss == pytest.approx(math.log(3), abs=0.05)
    assert obs.restored_val_loss == pytest.approx(run.record.validation_scores["log_loss"], abs=1e-5)


def test_a_lead_over_the_baseline_that_may_be_luck_is_a_warning():
    none, some = (
        diagnose(good(baseline_difference=(gain, 0.02))).find("no_better_than_baseline") for gain in (0.01, 0.03)
    )
    assert (none.severity, some.severity) == ("serious", "warning")
    assert "0.03 ± 0.02" in some.sentence and some.change == {"folds": 5}


def test_a_run_is_compared_with_its_reference_models():
    run = goodfit.train("iris", l2=[0.0, 1.0], learning_rate=0.01, epochs=10, hidden=(8,))
    names = {each.name for each in diagnose(run).comparisons}
    assert {"λ = 1", "a linear model", "gradient boosting"} <= names
    assert observe(run).units == (8,) and observe(run).val_loss_error > 0
