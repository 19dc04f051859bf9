"""A small part of ``benchmarks.fuzz``: changed files are refused in one sentence, or are what they say."""

import base64
import json
import random
from pathlib import Path

import pytest

from benchmarks.fuzz.__main__ import case
from benchmarks.fuzz.changes import changed
from benchmarks.fuzz.targets import JOURNAL_FILES, RUN_FILES, TABLES, is_one_sentence, make_run, target
from goodfit import GoodFitError
from goodfit.reporting import pages

CHANGES = 8


@pytest.fixture(scope="module")
def places(tmp_path_factory):
    """A run before its exam, and one after it."""
    folders = {exam: tmp_path_factory.mktemp("fuzz") for exam in (False, True)}
    for exam, folder in folders.items():
        make_run(folder, exam=exam)
    return folders


def outcome(of, content):
    try:
        return of.read(content)
    except GoodFitError as error:
        assert is_one_sentence(error)
        return "refused"


def outcomes(of, numbers):
    return {outcome(of, case(of, number, truncated=False)) for number in numbers}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", RUN_FILES)
def test_a_changed_run_whose_checksums_are_mended(name, places, monkeypatch):
    monkeypatch.setattr(pages, "inline_svg", lambda chart, **_: "")
    assert "refused" in outcomes(target(name, places[name == "ledger.jsonl"]), range(CHANGES))


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", ["run.json", "trials.safetensors", "encoder.json"])
def test_a_changed_run_whose_checksums_are_as_they_were(name, places):
    assert outcomes(target(name, places[False], mended=False), range(25)) <= {"refused", "same"}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", JOURNAL_FILES)
def test_a_changed_journal_whose_checksums_are_mended(name, tmp_path, monkeypatch):
    monkeypatch.setattr("benchmarks.fuzz.targets.RESUMES", 0)
    of = target(name, tmp_path)
    assert outcome(of, of.content) == "same"
    assert "refused" in outcomes(of, range(30)) | {outcome(of, of.content[: length**2]) for length in range(10)}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", TABLES)
def test_a_changed_table(name, tmp_path):
    assert "refused" in outcomes(target(name, tmp_path), range(60))


CORPUS = json.loads(Path(__file__).with_name("fuzz_corpus.json").read_text())
"""Contents that reach code which others do not, in base64, by file: found by ``benchmarks.fuzz.coverage``."""


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", [name for name in CORPUS if name in TABLES])
def test_what_the_coverage_guided_search_found_is_read_or_refused_in_one_sentence(name, tmp_path):
    of = target(name, tmp_path)
    assert {outcome(of, base64.b64decode(content)) for content in CORPUS[name]} <= {"read", "refused"}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", [name for name in CORPUS if name in RUN_FILES])
def test_what_the_search_found_of_a_run_is_refused_or_is_what_it_says(name, places):
    of = target(name, places[name == "ledger.jsonl"])
    found = {outcome(of, base64.b64decode(content)) for content in CORPUS[name]}
    assert found <= {"refused", "same", "consistent"}


def test_changes_follow_from_their_number_alone():
    assert changed(b"some content", random.Random(7)) == changed(b"some content", random.Random(7))
