"""The tour as a file: every chapter, code that runs and gives the numbers above it, and nothing from elsewhere."""

import html
import re

import numpy as np
import pytest

import goodfit
from goodfit.errors import RunError
from goodfit.formatting import numbers
from goodfit.guided_tour import page as tour_page
from goodfit.guided_tour.chapter import cells

HEADINGS = [
    "Three fits",
    "Weights without and with L2",
    "Regularization path",
    "Three learning rates",
    "Zigzag and smooth path",
    "Common and rare words",
    "Train, validation and test rows",
    "Early stopping",
    "The complete training cycle",
]


@pytest.fixture(scope="module")
def text(page):
    return page.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def chapters(text):
    """The words of each chapter by heading."""
    found = {}
    for section in re.findall(r'<section class="chapter".*?</section>', text, re.DOTALL):
        (heading,) = re.findall(r"</span>([^<]*)</h2>", section)
        found[html.unescape(heading)] = html.unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", section)))
    return found


@pytest.fixture(scope="module")
def names(text):
    """What the code on the page names when it is run from top to bottom."""
    known = {"__name__": "copied"}
    for block in re.findall(r"<pre><code>(.*?)</code></pre>", text, re.DOTALL):
        exec(compile(html.unescape(block), "the page", "exec"), known)
    return known


def test_every_chapter_is_there_in_order_with_picture_sentence_and_code(text, chapters):
    assert list(chapters) == HEADINGS
    assert text.count("<h1") == 1
    for section in re.findall(r'<section class="chapter".*?</section>', text, re.DOTALL):
        assert re.search(r'<svg [^>]*role="img" aria-label="[^"]{40,}"', section)
        assert re.search(r"<figcaption>.{40,}</figcaption>", section)
        assert re.search(r"<pre><code>.+</code></pre>", section, re.DOTALL)


def test_chapters_are_told_before_their_trainings(page, heard):
    assert heard == [(number, len(HEADINGS), heading) for number, heading in enumerate(HEADINGS, start=1)]


def test_code_on_the_page_runs_and_gives_the_numbers_that_stand_above_it(names, chapters):
    stopped, training = names["stopped"], names["training"]
    best, penalised = stopped.history.row(stopped.best_epoch), training.history.row(training.best_epoch)
    assert f"lowest at epoch {stopped.best_epoch}, {numbers(best['val_loss'])[0]}" in chapters["Early stopping"]
    assert f"At the best epoch, {training.best_epoch}:" in chapters["The complete training cycle"]
    for column in ("loss", "penalty", "objective", "val_loss"):
        assert numbers(penalised[column])[0] in chapters["The complete training cycle"]
    for each in names["pair"].values():
        assert numbers(each.history["loss"][-1], 2.0)[0] in chapters["Weights without and with L2"]
    for rate in names["rates"].values():
        assert numbers(rate.history["val_loss"].min())[0] in chapters["Three learning rates"]
    assert (
        f"{round(names['exam']['accuracy'] * 200)} of 200 test rows are classified correctly" in chapters[HEADINGS[-1]]
    )


def test_the_three_splits_are_640_160_and_200_rows_and_the_exam_is_of_the_last(names, chapters):
    splits = [names[split] for split in ("train", "validation", "test")]
    assert [len(split) for split in splits] == [640, 160, 200]
    assert np.array_equal(np.sort(np.concatenate(splits)), np.arange(1000))
    assert np.array_equal(names["X"][names["test"]], names["X_test"])
    assert (
        "640 of 1,000 rows are for training, 160 for validation, 200 for the exam"
        in chapters["Train, validation and test rows"]
    )


def test_the_trainings_show_what_the_guide_says(chapters):
    """Were a training to show something else, its sentence would say so, and this would fail."""
    for heading, words in {
        "Three fits": ("λ 0.1 · underfitting", "λ 0.01 · good fit", "λ 0 · overfitting"),
        "Weights without and with L2": ("times as narrow", "the validation loss falls"),
        "Regularization path": ("too much penalty is underfitting",),
        "Three learning rates": (
            "too small (baby steps)",
            "perfect pace",
            "too large (jumping around)",
            "per epoch on average",
        ),
        "Zigzag and smooth path": ("SGD · zigzag", "SGD with momentum · smooth path", "Adam · smooth path"),
        "Common and rare words": ("times as long as those for the 6 most frequent",),
        "Train, validation and test rows": ("scores on training rows are too optimistic",),
        "Early stopping": ("did not improve", "10 epochs of patience", "without early stopping"),
        "The complete training cycle": ("new loss", "stopped early"),
    }.items():
        for word in words:
            assert word in chapters[heading]


def test_the_summary_has_each_concept_with_an_analogy_and_what_was_measured(text, names):
    (table,) = re.findall(r'<table class="summary">.*?</table>', text, re.DOTALL)
    head, *rows = (
        [html.unescape(cell) for cell in re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row)]
        for row in re.findall(r"<tr>.*?</tr>", table)
    )
    assert head == ["concept", "what it does", "analogy", "measured on this page"]
    found = {concept: measured for concept, what, analogy, measured in rows if what and analogy}
    without, penalised = (each.history["val_loss"][-1] for each in names["pair"].values())
    exam, steps = names["exam"]["accuracy"], names["paths"]["Adam"]
    for concept, said in {
        "Underfitting": "λ 0.1: error",
        "Overfitting": "λ 0: error",
        "L2 regularization": "validation loss {} → {}".format(*numbers(without, penalised)),
        "Learning rate": " at 0.00001, ",
        "Adam": f"steps that turn back, of {len(steps) - 1}: SGD [0-9]+, ",
        "Train, validation and test rows": f"640 / 160 / 200 rows; accuracy .* / {exam:.1%}$",
        "Early stopping": f"epoch {names['stopped'].best_epoch} of {names['stopped'].history.n_epochs} restored",
    }.items():
        assert re.search(said, found[concept]), (concept, found[concept])


def test_a_training_without_a_stop_is_the_same_training_as_long_as_both_run(names):
    alone, swept = names["stopped"].history["val_loss"], names["trained"][0, 0.01].history["val_loss"]
    assert alone == pytest.approx(swept[: len(alone)], rel=1e-3)


def test_it_is_one_small_file_that_names_no_other(text):
    assert len(text.encode()) < 2_000_000
    targets = re.findall(r'<[^>]* (?:src|href)="([^"]*)"', text)
    anchors = {f"#{name}" for name in re.findall(r' id="([^"]+)"', text)}
    assert set(targets) - anchors == {"data:,"}
    assert not re.search(r"https?:|@import|<script| style=", text)


def test_trainings_are_counted_once_each(names, text):
    found = tour_page.trainings_of(names)
    assert len(found) == 3 + 30 + 1 + 1 + 1
    epochs = sum(training.history.n_epochs for training in found)
    assert f"{len(found)} of them with {epochs:,} epochs" in text


def test_every_chapter_has_a_cell_and_every_cell_a_chapter():
    assert [chapter.name for chapter in tour_page.CHAPTERS] == list(cells())


def test_what_could_not_be_written_is_refused_before_anything_is_trained(tmp_path, monkeypatch):
    monkeypatch.setattr(tour_page, "html", lambda on_chapter: pytest.fail("it was trained"))
    (tmp_path / "mine.html").write_text("mine")
    with pytest.raises(RunError, match=r"already exists.*overwrite=True"):
        goodfit.tour(tmp_path / "mine.html")
    with pytest.raises(RunError, match="is a folder"):
        goodfit.tour(tmp_path)
    with pytest.raises(RunError, match="does not exist"):
        goodfit.tour(tmp_path / "nowhere" / "tour.html")
    assert (tmp_path / "mine.html").read_text() == "mine"


def test_a_file_that_is_there_is_replaced_when_asked(tmp_path, monkeypatch):
    monkeypatch.setattr(tour_page, "html", lambda on_chapter: "new")
    (tmp_path / "tour.html").write_text("old")
    assert goodfit.tour(tmp_path / "tour.html", overwrite=True).read_text() == "new"
