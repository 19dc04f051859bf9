"""Runs compared by their rows: paired where they share rows, by a closed form; never by the exam."""

import numpy as np
import pytest

import goodfit
from goodfit.errors import RunError
from goodfit.experiment.out_of_fold import OutOfFold, out_of_fold
from goodfit.experiment.run_comparison import RunGain, gain_over

FEW = {"hidden": (4,), "epochs": 10, "learning_rate": 0.05}
GRID = FEW | {"l2": [0.0, 0.001], "keep": "ensemble"}


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """One network, an ensemble, and one with far too much L2, on one table."""
    folder = tmp_path_factory.mktemp("runs")
    made = {"one": FEW | {"l2": 0.0}, "many": GRID, "poor": FEW | {"l2": 10.0}}
    for name, settings in made.items():
        goodfit.train("breast_cancer", out=folder / name, **settings)
    return {name: goodfit.load(folder / name) for name in made}


def test_losses_of_rows_have_the_mean_of_the_scores(runs):
    one = runs["one"].record.out_of_fold
    assert list(one.rows) == sorted(runs["one"].splits.validation.tolist())
    assert np.mean(one.losses) == pytest.approx(runs["one"].scores["log_loss"].value, rel=1e-5)
    many = runs["many"].record.out_of_fold
    assert list(many.rows) == runs["many"].splits.known.tolist()
    assert np.mean(many.losses) == pytest.approx(runs["many"].scores["log_loss"].value, rel=1e-5)


def test_each_loss_belongs_to_its_row(runs):
    """The network of a run whose best epoch all rows choose gives the losses of the validation rows itself."""
    run = runs["poor"]
    table = goodfit.read_table("breast_cancer")
    p, y = run.predict(table).probabilities[:, 1], table.values("target") == run.record.target.classes[1]
    rows = np.array(run.record.out_of_fold.rows)
    losses = -np.log(np.where(y[rows], p[rows], 1 - p[rows]))
    assert np.corrcoef(losses, run.record.out_of_fold.losses)[0, 1] > 0.95


def test_the_gain_is_the_paired_difference_with_its_standard_error(runs):
    found = goodfit.compare(runs["one"], runs["poor"])
    one, poor = (np.array(runs[name].record.out_of_fold.losses) for name in ("one", "poor"))
    gain = found.runs[1].gain
    assert gain.value == pytest.approx((one - poor).mean(), rel=1e-12)
    assert gain.standard_error == pytest.approx((one - poor).std(ddof=1) / np.sqrt(len(one)), rel=1e-12)
    assert gain.n_rows == len(one) and gain.word == "worse" and found.runs[0].gain is None
    assert "is clearly worse than" in found.sentence and "worse" in repr(found)


def test_runs_with_other_rows_are_compared_by_those_that_both_have(runs):
    found = goodfit.compare(runs["many"].path, runs["one"].path)
    assert found.runs[1].gain.n_rows == len(runs["one"].splits.validation)


def test_rows_are_paired_by_their_number():
    reference, other = OutOfFold((1, 3, 5), (1.0, 2.0, 4.0)), OutOfFold((3, 5, 9), (1.0, 2.0, 100.0))
    assert gain_over(reference, other, paired=True) == RunGain(1.5, pytest.approx(0.5), 2)
    apart = gain_over(reference, other, paired=False)
    assert apart.n_rows == 0 and apart.value == pytest.approx(7 / 3 - 103 / 3)
    errors = [np.std(each.losses, ddof=1) / np.sqrt(3) for each in (reference, other)]
    assert apart.standard_error == pytest.approx(np.hypot(*errors))


def test_a_gain_of_two_standard_errors_is_not_yet_clear():
    assert [RunGain(value, 1.0, 9).word for value in (2.0, 2.01, -2.01)] == ["no clear difference", "better", "worse"]


def test_losses_are_kept_in_the_order_of_the_table():
    assert out_of_fold(np.array([7, 2]), np.array([0.123456789, 5.0])) == OutOfFold((2, 7), (5.0, 0.123457))


def test_other_targets_are_refused_and_one_run_is_too_few(runs):
    other = goodfit.train("iris", **FEW, l2=0.0)
    with pytest.raises(RunError, match=r"predicts 'target' \(multiclass, 3 classes\), the first run"):
        goodfit.compare(runs["one"], other)
    with pytest.raises(RunError, match="two runs or more"):
        goodfit.compare(runs["one"])


def test_another_table_is_compared_as_an_independent_sample(runs):
    table = goodfit.read_table("breast_cancer")
    columns = {name: table.values(name)[:-9] for name in table.names}
    assert goodfit.compare(runs["one"], goodfit.train(columns, **FEW, l2=0.0)).runs[1].gain.n_rows == 0


def test_the_command_compares_writes_a_page_and_leaves_the_exam_sealed(runs, tmp_path, capsys):
    from goodfit.cli.main import main

    folders = [str(runs[name].path) for name in ("one", "poor")]
    with pytest.raises(SystemExit) as left:
        main(["compare", *folders, "--out", str(tmp_path / "c.html")])
    assert left.value.code == 0
    assert "clearly worse than" in " ".join(capsys.readouterr().out.split())
    page = (tmp_path / "c.html").read_text()
    assert "<script" not in page and "Comparison of 2 runs" in page and page.count("<svg") == 1
    assert not any(runs[name].ledger.openings() for name in runs)
    with pytest.raises(RunError, match="already exists"):
        goodfit.compare(*folders, out=tmp_path / "c.html")
