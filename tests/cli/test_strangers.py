"""Folders and paths that come from someone else."""

import os
import re
from pathlib import Path

import pytest

import goodfit
from goodfit.training.compilation import use_compilation_cache
from tests.cli.commands import ONE, refusal, run

pytestmark = pytest.mark.usefixtures("here")


def assert_steers_nothing(result):
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e]", result.out + result.err)


def test_no_word_of_a_folder_steers_the_terminal(folder, mixed, here):
    """The table has a column whose name turns the terminal red; a reason and an error may hold anything."""
    for words in (
        ("test", folder, "--data", mixed),
        ("test", folder, "--data", mixed, "--reason", "\x1b[2J\u202egnp"),
        ("test", folder),
        ("predict", folder, mixed, "--out", "\x1b]0;title\x07.csv"),
        ("report", "\x1b[2J"),
    ):
        assert_steers_nothing(run(*words))


def test_long_text_of_a_folder_is_cut(here):
    assert len(refusal("report", "x" * 100_000)) < 5_000


def test_a_report_is_replaced_only_with_force(folder, here):
    (here / "mine.html").write_text("mine")
    assert refusal("report", folder, "--out", "mine.html") == (
        "goodfit: 'mine.html' already exists: choose another file, or replace it with overwrite=True (--force)."
    )
    assert (here / "mine.html").read_text() == "mine"
    assert run("report", folder, "--out", "mine.html", "--force").status == 0
    assert (here / "mine.html").read_text("utf-8") != "mine"


@pytest.mark.skipif(os.name != "posix", reason="pipes, devices and links of POSIX")
def test_no_report_replaces_a_device(folder, here):
    os.mkfifo("pipe")
    for words in (("--out", "pipe"), ("--out", "pipe", "--force")):
        assert "pipe" in refusal("report", folder, *words)
    assert Path("pipe").is_fifo()


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="owners of POSIX")
def test_a_cache_that_anyone_may_write_to_is_not_used(here, monkeypatch):
    (here / "cache").mkdir()
    (here / "cache").chmod(0o777)
    monkeypatch.setattr(goodfit, "use_compilation_cache", use_compilation_cache)
    monkeypatch.setenv("GOODFIT_CACHE", str(here / "cache"))
    result = run("train", "iris", "--hidden", "none", "--epochs", "1", *ONE, "--out", "r")
    assert result.status == 0 and "which others may write to" in " ".join(result.err.split())
    assert not list((here / "cache").iterdir())
