"""The bank of labelled trainings: truths by intervention, on built ones; a piece of it, and the whole when asked."""

import math

import numpy as np
import pytest

from benchmarks.bank import score
from benchmarks.bank.__main__ import labelled, n_faults
from benchmarks.bank.__main__ import main as run_bank
from benchmarks.bank.fresh import FRESH
from benchmarks.bank.seen import SEEN
from benchmarks.bank.trainings import FOLDS, L2, SCHEMES, Trained, row_losses_of_rivals, train_all
from benchmarks.bank.truth import label
from benchmarks.bank.views import alone, in_a_grid, in_a_race, in_folds
from goodfit.data.splits.folds import make_folds
from goodfit.diagnosis.observations import Observations
from goodfit.search.sweep import Fold
from goodfit.training.evaluation import Dataset

BASELINE = 1.0
CURVE = (0.5, 0.4)


def trained(truth, *, hidden=(), scheme="long", loss=None):
    """A row of λ × rates of one network, every fold with the same true loss."""
    truth = np.repeat(np.asarray(truth, float)[:, :, None], FOLDS, axis=2)
    loss = truth if loss is None else np.repeat(np.asarray(loss, float)[:, :, None], FOLDS, axis=2)
    shape = truth.shape[:2]
    curves = tuple((Observations(loss=CURVE, val_loss=CURVE, restored_epoch=2),) * shape[1] for _ in range(shape[0]))
    rates, fold = tuple(0.001 * 10**j for j in range(shape[1])), np.repeat(np.arange(FOLDS), 4)
    rows = np.repeat(truth, 4, axis=2)
    return Trained("built", hidden, scheme, rates, curves, loss, truth, rows, fold, {}, BASELINE)


def labels(*of):
    """Words and rates of all trainings, in their order, with ? where they are unclear."""
    found = list(label(of, alone))
    words = [one.word if one.clear_word else "?" for one in found]
    return words, [one.rate if one.clear_rate else "?" for one in found]


def test_a_rate_is_too_small_if_ten_times_it_comes_lower_and_too_large_if_a_tenth_does():
    _, rates = labels(trained([[0.8, 0.2, 0.6]]))
    assert rates == ["too small", "right", "too large"]


def test_a_gain_around_the_limit_is_unclear():
    # What can be learned is 0.8, of which 5 % are 0.04.
    assert labels(trained([[0.215, 0.2]]))[1] == ["right", "right"]
    assert labels(trained([[0.23, 0.2]]))[1] == ["?", "right"]
    assert labels(trained([[0.27, 0.2]]))[1] == ["too small", "right"]


def test_less_penalty_or_a_larger_network_names_underfitting_and_more_penalty_overfitting():
    assert labels(trained([[0.2], [0.6]]))[0] == ["good fit", "underfitting"]
    assert labels(trained([[0.6], [0.2]]))[0] == ["overfitting", "good fit"]
    small, large = trained([[0.6]]), trained([[0.2]], hidden=(8,))
    assert labels(small, large)[0] == ["underfitting", "good fit"]


def test_a_rate_that_helps_on_the_training_rows_too_frees_and_one_that_closes_the_gap_restrains():
    assert labels(trained([[0.6, 0.2]], loss=[[0.6, 0.2]]))[0][0] == "underfitting"
    assert labels(trained([[0.6, 0.2]], loss=[[0.1, 0.2]]))[0][0] == "overfitting"


def test_more_epochs_and_an_earlier_epoch_are_those_of_the_long_training():
    long, short, last = (trained([[value]], scheme=name) for name, value in zip(SCHEMES, (0.2, 0.6, 0.6), strict=True))
    of = {"long": long._replace(scheme="long"), "stopping": short._replace(scheme="stopping"), "last": last}
    assert labels(of["stopping"], of["long"], of["last"])[0] == ["underfitting", "good fit", "overfitting"]


def test_where_there_is_nothing_to_learn_the_truth_is_unclear():
    assert labels(trained([[1.0], [1.01]]))[0] == ["?", "?"]
    assert labels(trained([[1.0], [0.3]]))[0] == ["overfitting", "good fit"]


def test_a_diverged_training_has_a_rate_that_is_too_large():
    assert labels(trained([[0.2, math.inf]]))[1] == ["right", "too large"]


def test_the_fold_that_is_judged_must_show_half_of_the_gain_and_the_mean_of_all_need_not():
    one = trained([[0.3, 0.2]])
    one.truth[0, 1] = (0.29, 0.18, 0.18, 0.18, 0.17)
    assert [found.rate for found in label([one], in_a_grid)] == ["right", "right"]
    assert [found.rate for found in label([one], in_folds)] == ["too small", "right"]


def test_a_grid_has_the_gains_of_its_neighbours_and_folds_those_of_all_rows():
    one = trained([[0.3, 0.2], [0.4, 0.1]])
    one.rows[0, 0, one.fold > 0] = 0.5
    for view, own in ((in_a_grid, 0.3), (in_folds, (0.3 + 4 * 0.5) / 5)):
        obs = view(one, (0, 0))
        assert obs.restored_val_loss == pytest.approx(own)
        gains = {(n.l2, n.learning_rate): n.gain for n in obs.neighbours}
        assert gains == pytest.approx({(0.0, 0.01): own - 0.2, (0.0001, 0.001): own - 0.4})
    assert in_a_grid(one, (0, 0)).n_folds == 1 and in_folds(one, (0, 0)).n_folds == FOLDS
    assert in_a_grid(one._replace(scheme="last"), (0, 0)) is None
    assert alone(one, (0, 0)).neighbours == ()


def test_a_race_compares_contenders_on_all_folds_and_other_configs_on_the_first():
    rates = np.linspace(0.2, 0.3, 10)  # of ten configs the first eight are contenders
    one = trained([rates])
    one.rows[0, 0, one.fold > 0] = 0.25
    one.rows[0, 9, one.fold > 0] = 0.0
    noise = 0.2 * np.random.default_rng(0).normal(size=one.rows.shape)
    one.rows[:] += noise - noise.mean(axis=2, keepdims=True)
    first, best, last = (in_a_race(one, (0, j)) for j in (0, 1, 9))
    assert (first.n_folds, best.n_folds, last.n_folds) == (FOLDS, FOLDS, 1)
    assert last == in_a_grid(one, (0, 9))
    by_all, by_first = (
        dict(zip(one.rates[1:], view(one, (0, 0)).neighbours, strict=True)) for view in (in_folds, in_a_grid)
    )
    raced = {n.learning_rate: n for n in first.neighbours}
    assert raced[one.rates[1]] == by_all[one.rates[1]]
    assert raced[one.rates[9]].gain == by_first[one.rates[9]].gain
    shift = first.restored_val_loss - in_a_grid(one, (0, 0)).restored_val_loss
    assert raced[one.rates[9]].val_loss == pytest.approx(by_first[one.rates[9]].val_loss + shift)
    wins = [found.wins for found in label([one], in_a_race)]  # the last would have won on all folds
    assert sum(wins) == 1 and not wins[9]


def test_agreement_is_the_mean_over_truths_and_cannot_tell_is_wrong():
    words = ("underfitting", "good fit", "overfitting")
    found = [score.Pair(word, word, word) for word in words] + [score.Pair("good fit", "good fit", "cannot tell")]
    unclear = score.Pair("unclear", "good fit", "overfitting")
    assert score.agreement([*found, unclear], words) == pytest.approx((1 + 0.5 + 1) / 3)
    assert score.agreement([*found, unclear], words, leaning=True) == pytest.approx((1 + 1 / 3 + 1) / 3)
    assert score.agreement(score.told(found), words) == 1
    assert score.share(found, "good fit", ("cannot tell",)) == 0.5
    assert score.confusion([*found, unclear], (*words, "unclear"), words) == [
        [1, 0, 0],
        [0, 1, 0],
        [0, 0, 1],
        [0, 0, 1],
    ]


def test_no_data_set_is_in_two_splits():
    names = [source.name for source in (*SEEN, *FRESH)]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("source", FRESH, ids=lambda source: source.name)
def test_fresh_data_sets_are_whole(source):
    data = source.make(0)
    if data is None:
        pytest.skip("its table is not at hand")
    splits = np.concatenate([data.known, data.fresh])
    assert np.array_equal(np.sort(splits), np.arange(len(data.x)))
    assert np.isfinite(data.x).all() and np.isfinite(data.y).all()
    for part in (data.known, data.fresh):
        assert len(np.unique(data.y[part])) == data.n_classes or data.task == "regression"


def test_trees_are_measured_as_in_a_run_and_learn_from_other_folds():
    data = next(source for source in SEEN if source.name == "xor").make(0)
    dealt = make_folds(len(data.known), FOLDS, stratify=data.y[data.known])
    rows = row_losses_of_rivals(data, [Fold(Dataset(data.x, data.y), *splits) for splits in dealt])
    assert rows["trees"].mean() < 0.3 * rows["linear"].mean()


@pytest.fixture(scope="module")
def small():
    """One data set of the bank, one network, few epochs."""
    return labelled([SEEN[0]._replace(epochs=12, networks=((8,),))])


def test_a_small_piece_of_the_bank_is_judged_mostly_right(small):
    assert {name: len(found) for name, found in small.items()} == {
        "alone": len(SCHEMES) * len(L2) * 5,
        "in a race": 2 * len(L2) * 5,
        "in a grid": 2 * len(L2) * 5,
        "on five folds": 2 * len(L2) * 5,
    }
    for view in ("in a race", "in a grid", "on five folds"):
        words, rates = score.pairs(small[view])
        assert sum(map(n_faults, small[view])) == 0
        rates = score.told(rates)
        assert score.share(rates, "too small", ("too small",)) > 0.9
        assert score.share(rates, "right", ("right",)) > 0.9
        assert score.share(words, "underfitting", ("underfitting",)) > 0.8
        assert score.share(words, "underfitting", ("good fit", "overfitting")) < 0.1
        assert score.share(words, "good fit", ("underfitting", "overfitting")) < 0.15
        assert sum(one.wins for one in small[view]) == 2


def test_a_table_that_is_not_at_hand_is_left_out():
    assert list(train_all(SEEN[0]._replace(make=lambda seed: None))) == []


@pytest.mark.slow
def test_the_bank_prints_its_tables(capsys):
    run_bank(fresh=FRESH[:1], seen=SEEN[:1])
    out = capsys.readouterr().out
    assert out.count("### Data sets that chose") == 10 and out.count("### Fresh data sets") == 10
