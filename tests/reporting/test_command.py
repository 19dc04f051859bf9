"""The command that makes a run again."""

import shlex
from dataclasses import replace

import pytest

from goodfit.cli.arguments import settings_given  # noqa: F401  the options below are those of the command line
from goodfit.experiment.settings import Settings
from goodfit.reporting.command import source_name, train_command


def command(record, argument="", **settings):
    return shlex.split(train_command(replace(record, settings=Settings(**settings)), argument=argument))


def test_only_what_is_not_the_default_is_written_and_the_file_without_its_folders(single):
    words = command(single.record, l2=[0, 0.01], hidden=(), kinds={"a": "text"}, drop=["b c"], class_weight={"x": 2})
    assert words[:5] == ["goodfit", "train", "table of mine.csv", "--target", "y"]
    assert words[5:] == [
        *("--l2", "0,0.01", "--hidden", "none"),
        *("--class-weight", "x=2", "--kind", "a=text", "--drop", "b c"),
    ]
    assert command(single.record) == words[:5]


@pytest.mark.parametrize(
    ("argument", "end"),
    [
        ("--l2 0.1", ["--epochs", "9", "--drop", "a", "--l2", "0.1"]),
        ("--drop 'b c'", ["--l2", "0.01", "--epochs", "9", "--drop", "a", "--drop", "b c"]),
        ("--drop a", ["--l2", "0.01", "--epochs", "9", "--drop", "a"]),
        ("--refine", ["--l2", "0.01", "--epochs", "9", "--drop", "a", "--refine"]),
    ],
)
def test_a_next_step_takes_the_place_of_the_option_it_changes(single, argument, end):
    assert command(single.record, argument, l2=0.01, epochs=9, drop=["a"])[5:] == end


def test_a_table_has_the_name_of_its_file():
    assert source_name("/home/someone/secret project/churn.csv") == "churn.csv"
    assert source_name("breast_cancer") == "breast_cancer"
    assert source_name("") == "a table in memory"
