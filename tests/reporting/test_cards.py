"""What results show of themselves in a terminal and in a notebook, and the short ways from a run to its parts."""

import warnings
from xml.etree import ElementTree

import numpy as np
import pyarrow as pa
import pytest

import goodfit
from goodfit.cards import MAX_ROWS, Card


@pytest.fixture(scope="module")
def shown(swept):
    """One result of each kind, of a table whose every name is hostile."""
    table = pa.table({name: ["<b>"] * 2 for name in swept.record.encoder.columns})
    prediction = swept.record.target.decode(np.array([0.2, 0.9]))
    results = (swept, swept.verdict, swept.sweep, swept.training, swept.ledger.openings()[0], prediction)
    return (*results, goodfit.read_table(table))


def test_each_card_is_well_formed_html_without_script_or_request(shown):
    for result in shown:
        html = result._repr_html_()
        tags = {element.tag for element in ElementTree.fromstring(html).iter()}
        assert tags <= {"div", "strong", "table", "thead", "tbody", "tr", "th", "td"}
        assert "http" not in html and "url(" not in html and "\u202e" not in html
        assert len(html) < 12_000


def test_each_result_fits_a_screen(shown):
    for result in shown:
        lines = repr(result).splitlines()
        assert len(lines) <= 40 and max(map(len, lines)) <= 200
        assert all(line.isprintable() for line in lines)


def test_each_card_names_its_kind_and_a_number_of_the_result(shown, swept):
    run, verdict, sweep, training, exam, prediction, table = map(repr, shown)
    assert f"{swept.scores['auc'].value:.4f}" in run and f"{len(swept.splits.test)} test" in run
    assert verdict.startswith(f"Verdict: {swept.verdict.word}\n")
    assert f"Sweep of {swept.sweep.table.num_rows} trials" in sweep
    assert f"best epoch {swept.training.best_epoch}" in training
    assert f"{swept.ledger.openings()[0].scores['auc'].value:.4f}" in exam
    assert "0.8000" in prediction and "0.9000" in prediction
    assert f"2 rows and {len(swept.record.encoder.columns)} columns" in table


def test_showing_a_result_compiles_nothing_and_predicts_nothing(shown, compiled, monkeypatch):
    monkeypatch.setattr("goodfit.experiment.predictor.Predictor._predict", pytest.fail)
    for result in shown:
        result._repr_html_()
    assert not compiled


def test_a_long_table_is_cut_and_says_so():
    card = Card("t", header=("name",), rows=[(str(i),) for i in range(MAX_ROWS + 3)])
    assert "… and 3 more." in card.text() and "… and 3 more." in card.html()
    assert str(MAX_ROWS - 1) in card.text() and str(MAX_ROWS + 1) not in card.text()


def test_a_run_has_its_verdict_checks_scores_report_and_plot_at_hand(swept, single):
    assert swept.verdict == goodfit.diagnose(swept)
    assert swept.checks == swept.record.measurements.checks != ()
    assert swept.scores["auc"] == swept.ensemble.scores["auc"]
    assert single.scores["rmse"].value == single.record.validation_scores["rmse"]
    assert single.scores["rmse"].low < single.scores["rmse"].value < single.scores["rmse"].high
    assert swept.plot().to_dict() == goodfit.plot(swept).to_dict()
    page = single.report()
    assert page == single.path / "report.html"
    assert single.report(single.path / "other.html").read_bytes() == page.read_bytes()
    with pytest.raises(goodfit.RunError, match="already exists"):
        single.report(overwrite=False)


def leaky():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=200), rng.choice(["no", "yes"], 200)
    return {"x": x, "copy": (y == "yes") + rng.normal(scale=0.01, size=200), "y": y}


def test_data_checks_are_warnings_of_our_own_class_that_name_the_line_of_the_user(tmp_path):
    settings = {"hidden": (4,), "epochs": 2, "l2": 0.01, "learning_rate": 0.01}
    with pytest.warns(goodfit.DataWarning, match=r"^data check 'leak': .* Try drop=\[\"copy\"\]\.$") as told:
        run = goodfit.train(leaky(), "y", **settings)
    assert told[0].filename == __file__
    assert [check.code for check in run.checks if check.severity != "note"] == ["leak"]
    with pytest.raises(goodfit.RunError, match=r"run\.report\('report\.html'\)"):
        run.report()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", category=goodfit.DataWarning)
        goodfit.train(leaky(), "y", **settings)


def test_who_shows_the_checks_gets_no_warning():
    found = []
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        goodfit.train(leaky(), "y", hidden=(4,), epochs=2, l2=0.01, learning_rate=0.01, on_prepared=found.append)
    assert [check.code for check in found[0].checks] == ["leak"]
