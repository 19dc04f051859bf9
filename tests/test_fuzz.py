"""A small part of ``benchmarks.fuzz``: changed files are refused in one sentence, or are what they say."""

import random

import pytest

from benchmarks.fuzz import RUN_FILES, TABLES, changed, make_run, run_cases, table_cases
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


def outcome(case, number):
    try:
        return case(number)
    except GoodFitError as error:
        assert "\n" not in str(error) and len(str(error)) < 5000
        return "refused"


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", RUN_FILES)
def test_a_changed_run_whose_checksums_are_mended(name, places, monkeypatch):
    monkeypatch.setattr(pages, "inline_svg", lambda chart, **_: "")
    case = run_cases(name, places[name == "ledger.jsonl"], mended=True)
    assert "refused" in {outcome(case, number) for number in range(CHANGES)}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", ["run.json", "trials.safetensors", "encoder.json"])
def test_a_changed_run_whose_checksums_are_as_they_were(name, places):
    case = run_cases(name, places[False], mended=False)
    assert {outcome(case, number) for number in range(25)} <= {"refused", "same"}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", TABLES)
def test_a_changed_table(name, tmp_path):
    case = table_cases(name, tmp_path)
    assert "refused" in {outcome(case, number) for number in range(60)}


def test_changes_follow_from_their_number_alone():
    assert changed(b"some content", random.Random(7)) == changed(b"some content", random.Random(7))
