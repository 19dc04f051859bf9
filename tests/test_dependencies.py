"""pyproject.toml, the locks and docs/dependencies.md name the same packages."""

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
GROUPS = PROJECT["dependency-groups"]
RUN = PROJECT["project"]["dependencies"]


def names_of(requirements):
    return {re.match(r"[\w.-]+", requirement)[0] for requirement in requirements}


def locked_in(lock):
    return set(re.findall(r"^([\w.-]+)==", (ROOT / "locks" / lock).read_text(encoding="utf-8"), re.MULTILINE))


@pytest.mark.parametrize(
    ("lock", "requirements"),
    [
        ("run.txt", RUN + GROUPS["build"]),
        ("dev.txt", RUN + GROUPS["build"] + GROUPS["test"] + GROUPS["check"]),
        ("docs.txt", RUN + GROUPS["docs"]),
    ],
)
def test_lock_holds_every_dependency(lock, requirements):
    assert names_of(requirements) <= locked_in(lock), "run `make lock`"


def test_demo_installs_nothing_that_only_tests_need():
    assert not names_of(GROUPS["test"] + GROUPS["check"]) & locked_in("run.txt")


@pytest.mark.parametrize("lock", ["run.txt", "dev.txt", "docs.txt"])
def test_lock_works_on_any_machine(lock):
    text = (ROOT / "locks" / lock).read_text(encoding="utf-8")
    assert "file:" not in text
    assert "://" not in text
    assert all(" \\\n    --hash=sha256:" in pin for pin in re.split(r"^(?=[\w.-]+==)", text, flags=re.MULTILINE)[1:])


def test_every_dependency_has_its_reason():
    page = (ROOT / "docs" / "dependencies.md").read_text(encoding="utf-8")
    asked = names_of(RUN + [each for group in GROUPS.values() for each in group])
    assert (
        set(re.findall(r"^\| ([\w.-]+) \|", page, re.MULTILINE))
        - {"package", "torch", "catboost", "lightgbm", "pytabkit"}
        == asked
    )
