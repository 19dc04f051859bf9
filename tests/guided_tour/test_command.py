"""``goodfit tour`` at the command line."""

from pathlib import Path

import pytest
from rich.console import Console

import goodfit
from goodfit.cli import main as cli


@pytest.fixture
def asked(monkeypatch):
    """What the command asks for, without a training."""
    found = []

    def stand_in(path, *, overwrite, on_chapter):
        found.append((path, overwrite))
        on_chapter(1, 9, "Three fits")
        return path

    monkeypatch.setattr(goodfit, "tour", stand_in)
    return found


def run(*words):
    with pytest.raises(SystemExit) as left:
        cli.main(["tour", *words])
    return left.value.code or 0


def test_it_goes_into_tour_html_unless_told_otherwise(asked, capsys):
    assert run() == 0
    assert run("--out", "guide.html", "--force") == 0
    assert asked == [(Path("tour.html"), False), (Path("guide.html"), True)]
    said = capsys.readouterr()
    assert said.out.split() == ["tour", "tour.html", "tour", "guide.html"]
    assert said.err == ""


def test_chapters_are_shown_to_a_person_who_watches(asked, monkeypatch, capsys):
    monkeypatch.setattr(cli, "ERR", Console(stderr=True, force_terminal=True, highlight=False))
    run()
    said = capsys.readouterr()
    assert "1 of 9  Three fits" in said.err
    assert "Three fits" not in said.out


def test_a_file_that_is_there_is_one_sentence_and_stays(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    Path("tour.html").write_text("mine")
    assert run() == 2
    assert capsys.readouterr().err == (
        "goodfit: 'tour.html' already exists: choose another file, or replace it with overwrite=True (--force).\n"
    )
    assert Path("tour.html").read_text() == "mine"
