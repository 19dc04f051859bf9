"""What is wrong with a table, an argument or a folder is one sentence; help and version."""

import re

import pytest
import typer

import goodfit
from goodfit.cli.arguments import OTHER_WORDS
from goodfit.cli.main import app
from tests.cli.commands import refusal, run, write_csv

pytestmark = pytest.mark.usefixtures("here")


TABLES = {
    "one row": ({"x": [1], "y": [1]}, "one class"),
    "two rows": ({"x": [1, 2], "y": ["a", "b"]}, "at least 4 rows"),
    "one column": ({"y": ["a", "b"] * 10}, "No column is left"),
    "infinity": (
        {"x": ["inf", *range(19)], "y": ["a", "b"] * 10},
        "column 'x' is infinite in 1 cell, first in row 1:",
    ),
    "one class": ({"x": range(20), "y": ["a"] * 20}, "'y' has the one class 'a'"),
    "nothing but constants": ({"x": [1] * 20, "y": ["a", "b"] * 10}, "x: constant"),
    "target constant": ({"x": range(20), "y": [0.5] * 20}, "target 'y' is constant"),
    "every row its own class": ({"x": range(60), "y": [f"c{i}" for i in range(60)]}, "too many for classes"),
}


@pytest.mark.parametrize("case", TABLES)
def test_a_table_that_cannot_be_learned_from_is_named(case):
    columns, said = TABLES[case]
    write_csv("bad.csv", **columns)
    assert said in refusal("train", "bad.csv", "--target", "y", "--out", "r")


ARGUMENTS = [
    (("--learning-rate", "-1"), "learning_rate"),
    (("--learning-rate", "nan"), "learning_rate"),
    (("--l2", "inf"), "l2"),
    (("--l2=-0.1",), "l2"),
    (("--patience", "-1"), "patience"),
    (("--epochs", "0"), "epochs"),
    (("--batch-size", "0"), "batch_size"),
    (("--dropout", "1"), "dropout"),
    (("--optimizer", "adm"), "adm"),
    (("--activation", "relo"), "relo"),
    (("--hidden", "64,0"), "units"),
    (("--test-size", "1.5"), "test_size"),
    (("--validation-split", "0"), "validation_split"),
    (("--split", "sideways"), "sideways"),
    (("--split", "time"), "time"),
    (("--group", "nobody"), "nobody"),
    (("--seed", "-1"), "seed"),
    (("--task", "guess"), "guess"),
    (("--target", "Target"), "Target"),
    (("--drop", "petal"), "petal"),
    (("--kind", "target=colour"), "colour"),
    (("--class-weight", "rose=2"), "rose"),
    (("--class-weight", "setosa=-2"), "setosa"),
]


@pytest.mark.parametrize(("words", "said"), ARGUMENTS, ids=lambda value: value if isinstance(value, str) else value[-1])
def test_a_bad_argument_is_named_at_once(words, said):
    assert said in refusal("train", "iris", *words, "--out", "r")


@pytest.mark.parametrize(
    "words",
    [
        ("train", "iris", "--hidden", "64,a"),
        ("train", "iris", "--test-size", "much"),
        ("train", "iris", "--kind", "target"),
        ("train", "iris", "--class-weight", "setosa=heavy"),
        ("train", "iris", "--epochs", "many"),
        ("train", "iris", "--batch-size", "large"),
        ("train", "iris", "--no-such-option"),
        ("predict", "r", "iris"),
        ("no-such-command",),
    ],
    ids=" ".join,
)
def test_a_command_that_is_not_understood_ends_with_two_and_its_usage(words):
    result = run(*words)
    assert (result.status, result.out) == (2, "")
    assert "Usage" in result.err


@pytest.mark.parametrize(
    "words", [("train", "nowhere.csv"), ("train", "."), ("test", "nowhere"), ("predict", "x", "iris")]
)
def test_what_is_not_there_is_named(words):
    out = ("--out", "p.csv") if words[0] == "predict" else ()
    assert words[1] in refusal(*words, *out)


def test_a_folder_with_something_in_it_is_not_written_to(here):
    (here / "full").mkdir()
    (here / "full" / "file").touch()
    assert "full is not empty" in refusal("train", "iris", "--out", "full")


@pytest.mark.parametrize("name", ["train", "test", "predict"])
def test_help_begins_with_an_example(name):
    help_ = run(name, "--help").out
    first = re.search(r"Usage:.*?\n\s*\n\s*(.*)", help_)[1]
    assert first.startswith(f"Example: goodfit {name}")


def test_names_that_other_programs_give_to_options_lead_to_real_ones_and_hide_none():
    own = {flag for param in typer.main.get_command(app).commands["train"].params for flag in param.opts}
    assert {*OTHER_WORDS.values()} <= own
    assert not own & OTHER_WORDS.keys()


def test_help_shows_the_defaults_of_the_settings():
    help_ = run("train", "--help").out
    for default in ("auto", "64,64", "adam", "200", "random", "seed"):
        assert default in help_


def test_version():
    assert run("--version").out == f"goodfit {goodfit.__version__}\n"
