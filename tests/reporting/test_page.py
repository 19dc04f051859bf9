"""The report as a file: what stands in it, what is left out, and what can never come in."""

import base64
import hashlib
import html
import os
import re
import time
from dataclasses import replace

import numpy as np
import pytest

import goodfit
from goodfit.errors import RunError
from goodfit.formatting import CONTROLS
from goodfit.reporting import figures, page
from goodfit.reporting.figures import figures_of
from goodfit.reporting.page import pictures
from goodfit.reporting.svg import drawings_of
from tests.reporting.conftest import SECRET, TARGET

HEADINGS = {
    "Findings",
    "Data split",
    "Learning curves",
    "Hyperparameter grid",
    "Effect of L2",
    "Learning rate and step size",
    "Data checks",
    "Ensemble",
    "Metrics",
    "Exam",
    "Reproduce",
}


@pytest.fixture(scope="module")
def written(swept, single, tmp_path_factory):
    folder = tmp_path_factory.mktemp("reports")
    began = time.perf_counter()
    texts = {
        name: goodfit.report(run, folder / f"{name}.html").read_text(encoding="utf-8")
        for name, run in (("swept", swept), ("single", single))
    }
    return texts | {"seconds": time.perf_counter() - began}


def headings(text):
    return [html.unescape(found) for found in re.findall(r"<h2[^>]*>(.*?)</h2>", text)]


def words(text):
    return html.unescape(re.sub(r"\s+", " ", re.sub(r"<style>.*?</style>|<[^>]+>", " ", text, flags=re.DOTALL)))


def test_no_character_steers_a_terminal_or_turns_the_writing_direction(written, single, tmp_path):
    """Names of classes, columns and files hold some, and charts show them, too."""
    strange = "\x1b[2J\x9bm\u202e\u2066"
    record = replace(single.record, created=strange, source=strange, versions={strange: strange}, fingerprint=strange)
    page = goodfit.report(replace(single, record=record), tmp_path / "page.html").read_text("utf-8")
    assert "⟨U+001B⟩[2J⟨U+009B⟩m⟨U+202E⟩⟨U+2066⟩" in page
    assert not CONTROLS.findall(page + written["swept"])


def test_the_report_of_a_run_that_has_not_changed_makes_no_chart(swept, tmp_path, monkeypatch):
    page = swept.report(tmp_path / "report.html")
    text = page.read_text("utf-8")
    made = []
    monkeypatch.setattr(
        "goodfit.reporting.pages.Figure.charts", property(lambda figure: made.append(figure.name) or ())
    )
    assert swept.report(page).read_text("utf-8") == text
    assert made == []
    monkeypatch.setattr("goodfit.reporting.page._code", lambda: b"other code")
    swept.report(page)
    assert "curves" in made


def test_a_page_from_a_stranger_brings_nothing_into_the_new_one(swept, written, tmp_path):
    """Drawings of the page before are used again: their digests can be computed by anyone."""
    drawings, path = re.findall(r"<svg [^>]*data-digest=.*?</svg>", written["swept"], re.DOTALL), tmp_path / "page.html"
    evil = '<a href="https://evil.example"><text>click</text></a></svg>'
    path.write_text(written["swept"].replace(drawings[0], drawings[0].replace("</svg>", evil)), "utf-8")
    assert evil in path.read_text("utf-8")
    assert goodfit.report(swept, path).read_text("utf-8") == written["swept"]
    assert drawings_of(written["swept"]).keys() == {re.search(r'data-digest="(\w+)"', of)[1] for of in drawings}
    for evil in (
        "<script>alert(1)</script>",
        '<path onclick="alert(1)" d="M0,0" />',
        '<image href="https://evil.example/pixel.png" />',
        '<path d="M0,0" fill="url(https://evil.example)" />',
        '<path d="M0,0" class="x&quot;" />',
        '<foreignObject><iframe src="https://evil.example" /></foreignObject>',
        "&unknown;",
        "<!-- -->",
    ):
        assert drawings_of(drawings[0]) and not drawings_of(drawings[0].replace("</svg>", f"{evil}</svg>"))


def test_a_page_is_replaced_only_if_it_may_be(single, tmp_path):
    path = tmp_path / "report.html"
    path.write_text("mine")
    with pytest.raises(RunError, match=r"already exists: choose another file, or replace it with overwrite=True"):
        goodfit.report(single, path, overwrite=False)
    assert path.read_text() == "mine"
    assert goodfit.report(single, path).read_text("utf-8") != "mine"


@pytest.mark.skipif(os.name != "posix", reason="pipes, devices and links of POSIX")
def test_a_page_that_is_no_file_is_neither_read_nor_replaced(single, tmp_path):
    os.mkfifo(tmp_path / "report.html")
    with pytest.raises(RunError, match=r"report\.html cannot be written \(is no regular file\): choose another file"):
        goodfit.report(single, tmp_path / "report.html")
    (tmp_path / "link.html").symlink_to("/dev/zero")
    assert goodfit.report(single, tmp_path / "link.html").read_text("utf-8").startswith("<!doctype html>")


def test_a_sweep_has_everything_in_the_readers_order(written):
    found = [heading for heading in headings(written["swept"]) if heading in HEADINGS]
    assert set(found) == HEADINGS
    assert found[0] == "Findings"
    assert found[-4:] == ["Ensemble", "Metrics", "Exam", "Reproduce"]


def test_the_verdict_has_its_picture_and_in_it_every_change_that_was_compared(written, swept):
    figure = re.search(r'<figure id="alternatives".*?</figure>', written["swept"], re.DOTALL)[0]
    own = swept.record.sweep.selection
    for contrast in own.contrasts:
        if contrast.config["l2"] != own.chosen.config["l2"]:
            assert f"λ = {contrast.config['l2']:.3g}" in figure
    assert "compared on the same validation rows" in words(figure)


def test_where_something_else_names_the_fit_no_picture_says_otherwise(swept, monkeypatch):
    assert figures_of(swept)["alternatives"] is not None
    verdict = goodfit.diagnose(swept)
    unmeasured = replace(verdict.comparisons[0], gain=1.0, error=0.0, clear=0.5)
    contested = replace(verdict, comparisons=(*verdict.comparisons, unmeasured))
    monkeypatch.setattr(figures, "diagnose", lambda record: contested)
    assert figures_of(swept)["alternatives"] is None


def test_the_sentence_of_the_verdict_is_said_once(written, swept, single):
    for name, run in (("swept", swept), ("single", single)):
        assert words(written[name]).count(goodfit.diagnose(run).sentence) == 1


def test_what_a_single_training_does_not_have_is_not_selectable(written):
    not_selectable = {
        "Hyperparameter grid",
        "Effect of L2",
        "Learning rate and step size",
        "Exam",
    }
    assert not not_selectable & set(headings(written["single"]))
    assert "Weights" in headings(written["single"])
    assert "None" not in words(written["single"])


def test_the_exam_is_told_with_how_often_it_was_opened(written, swept):
    (opening,) = swept.ledger.openings()
    text = words(written["swept"])
    assert "They were scored once" in text
    assert f"{opening.scores['accuracy'].value:.4f}" in text
    assert "are sealed for the exam" in words(written["single"])


def test_the_score_stands_below_the_verdict(written, swept):
    (opening,) = swept.ledger.openings()
    top = words(written["swept"].partition("<main>")[0])
    known, test = (
        f"{scores['accuracy']:.4f}"
        for scores in (swept.record.known_scores, {"accuracy": opening.scores["accuracy"].value})
    )
    assert f"Accuracy {known} on " in top and f"test rows: {test}, 95% interval" in top
    assert "test rows" not in words(written["single"].partition("<main>")[0]).partition("Accuracy")[2]


def test_a_leak_stands_above_the_findings_with_the_command_that_repairs_it(written):
    top = written["swept"].partition("Findings")[0]
    assert "Check the data first" in top
    assert "drop=(" in words(top)


def test_every_picture_has_one_sentence_that_is_also_its_text_alternative(written, swept):
    for figure in pictures(swept):
        if figure.name != "grid":
            assert figure.sentence.endswith(".")
            shown = html.escape(figure.sentence, quote=False).replace("'", "&#39;").replace('"', "&#34;")
            assert written["swept"].count(shown) >= 1
    labels = re.findall(r'<svg [^>]*aria-label="([^"]+)"', written["swept"])
    assert len(labels) == written["swept"].count("<svg ")


def test_it_is_one_small_file_that_names_no_other(written):
    for text in (written["swept"], written["single"]):
        assert len(text.encode()) < 2_000_000
        assert re.findall(r'<[^>]* (?:src|href)="([^"]*)"', text) == ["data:,"]
        assert not re.search(r"https?:|@import|url\((?!#)", text)
        assert "<script" not in text


def test_its_policy_allows_its_own_style_and_nothing_else(written):
    (style,) = re.findall(r"<style>(.*?)</style>", written["swept"], re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    (policy,) = re.findall(r'Content-Security-Policy" content="([^"]*)"', written["swept"])
    assert html.unescape(policy) == (
        f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; base-uri 'none'; form-action 'none'"
    )
    assert " style=" not in written["swept"]


def test_it_holds_no_rows_and_no_folders(written, single):
    assert str(SECRET) not in written["single"]
    assert str(single.path.parent) not in written["single"]
    assert "private place" not in written["single"]
    assert "table of mine.csv" in words(written["single"])


def test_no_character_of_a_name_hides_or_turns_the_text(written):
    found = {letter for letter in written["swept"] if not letter.isprintable()}
    assert found <= {"\n"}
    assert html.escape(TARGET)[:30] in written["swept"]


def test_ten_thousand_letters_of_a_name_are_cut(written):
    assert "x" * 3000 not in written["swept"]


@pytest.mark.parametrize("other", ["runs/first", None, 3])
def test_what_is_no_run_is_one_sentence(other, tmp_path):
    with pytest.raises(RunError, match="report needs a run"):
        goodfit.report(other, tmp_path / "report.html")


def test_a_file_that_cannot_be_written_is_one_sentence(single, tmp_path):
    with pytest.raises(RunError, match="cannot be written"):
        goodfit.report(single, tmp_path / "no such folder" / "report.html")
    (tmp_path / "file").write_text("")
    with pytest.raises(RunError, match="cannot be written to"):
        goodfit.report(single, tmp_path / "report.html", pngs=tmp_path / "file")


def test_every_picture_can_be_had_as_png(single, tmp_path):
    goodfit.report(single, tmp_path / "report.html", pngs=tmp_path / "pictures")
    names = {path.name for path in (tmp_path / "pictures").iterdir()}
    assert names == {f"{figure.name}.png" for figure in pictures(single)}
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in (tmp_path / "pictures").iterdir())


def test_it_is_written_quickly(written):
    assert written["seconds"] < 10  # two reports, on a busy machine; alone they take about 2.5


def test_a_training_that_blew_up_at_once_is_told_without_empty_pictures():
    values = np.random.default_rng(0).normal(size=60)
    table = {"x": values, "y": 3 * values}
    settings = {"optimizer": "sgd", "learning_rate": 1e6, "l2": 0.0, "hidden": (4,), "epochs": 3}
    run = goodfit.train(table, "y", task="regression", **settings)
    assert run.training.best_epoch == 0
    assert {figure.name for figure in pictures(run)} & {"curves", "weights"} == set()
    assert "the training diverged" in words(page.html(run))
