"""What a finding or a check advises comes back from the command line and from Python as the same settings."""

import ast
import shlex
from dataclasses import fields

import pytest
import typer

import goodfit
from goodfit.cli.arguments import training_given
from goodfit.cli.main import app
from goodfit.cli.spelling import flags, train_command, with_flags
from goodfit.errors import ConfigError
from goodfit.experiment.settings import Settings, apply_change
from goodfit.reporting.spelling import arguments, python_call, source_name

NAMES = [
    "fee",
    "last call",
    "-x",
    "--drop",
    "a=b",
    "a,b",
    'it\'s "quoted"',
    "$HOME `id`",
    "Größe",
    "\\",
    "a\tb",
    "#1",
    "*",
]
CHANGES = [
    {"l2": 0.01},
    {"l2": 1e-05},
    {"l2": 0.30000000000004},
    {"l2": "auto", "learning_rate": "auto"},
    {"l2": (0, 0.003, 1e-9), "learning_rate": (0.001, 0.0123456789)},
    {"learning_rate": 1e29},
    {"folds": 5},
    {"seeds": 10},
    {"epochs": 400},
    {"patience": 30},
    {"validation_split": 0.25},
    {"test_size": 100},
    {"hidden": (256, 256)},
    {"hidden": (7,)},
    {"hidden": ()},
    {"dropout": 0.3},
    {"split": "duplicates"},
    {"split": "last"},
    {"class_weight": "balanced"},
    {"refine": True},
    {"task": "regression", "choice": "1se", "optimizer": "sgd", "activation": "tanh", "seed": 3, "batch_size": 8},
    {"drop": NAMES},
    {"kinds": dict.fromkeys(NAMES, "category")},
    {"class_weight": dict.fromkeys(NAMES, 2.5)},
    *({"drop": [name]} for name in NAMES),
    *({"time": name} for name in NAMES),
    *({"group": name} for name in NAMES),
    {},
]
BEFORE = [
    {},
    {"l2": 0.5, "learning_rate": (0.1, 0.2), "hidden": (), "drop": ("z",), "test_size": 0, "patience": 5},
    {"group": "patient", "kinds": {"n": "category"}, "class_weight": {"yes": 3.0}},
    {"time": "day", "epochs": 3},
]


SETTINGS = {field.name for field in fields(Settings)}


def parsed(words):
    """Data, target and the arguments of ``goodfit.train``, as the command understands these words."""
    command = typer.main.get_command(app).commands["train"]
    with command.make_context("train", list(words)) as context:
        given = {name: value for name, value in training_given(context).items() if name in SETTINGS}
        return context.params["data"], context.params["target"], given, context.params["refine"]


@pytest.mark.parametrize("change", CHANGES, ids=str)
def test_flags_of_a_change_are_read_back_as_the_same_settings(change):
    _, _, given, refine = parsed(shlex.split(flags(change)))
    assert Settings(**given) == apply_change(Settings(), change)
    assert refine == change.get("refine", False)


@pytest.mark.parametrize("before", BEFORE, ids=str)
@pytest.mark.parametrize("change", CHANGES, ids=str)
def test_the_command_of_a_next_step_trains_with_the_changed_settings(before, change):
    settings = Settings(**before)
    given = arguments(settings, change)
    program, command, *words = shlex.split(train_command("my table.csv", "y", given))
    assert (program, command) == ("goodfit", "train")
    data, target, options, refine = parsed(words)
    assert (data, target, refine) == ("my table.csv", "y", change.get("refine", False))
    assert Settings(**options) == apply_change(settings, change)


@pytest.mark.parametrize("name", NAMES)
def test_table_and_target_of_any_name_are_read_back(name):
    data, target, *_ = parsed(shlex.split(train_command(name, name, {}))[2:])
    assert (data.removeprefix("./"), target) == (name, name)
    call = ast.parse(python_call(name, name, {}), mode="eval").body
    assert [ast.literal_eval(value) for value in (*call.args, call.keywords[0].value)] == [name, name]


@pytest.mark.parametrize("change", CHANGES, ids=str)
def test_the_call_in_python_trains_with_the_changed_settings(change):
    settings = Settings(**BEFORE[1])
    call = ast.parse(python_call("my table.csv", "y", arguments(settings, change)), mode="eval").body
    assert ast.unparse(call.func) == "goodfit.train"
    keywords = {keyword.arg: ast.literal_eval(keyword.value) for keyword in call.keywords}
    assert (keywords.pop("target"), keywords.pop("refine", False)) == ("y", change.get("refine", False))
    assert Settings(**keywords) == apply_change(settings, change)


def test_only_what_differs_from_the_defaults_is_written():
    assert train_command("t.csv", "y", arguments(Settings(), {})) == "goodfit train t.csv --target y"
    assert (
        python_call("t.csv", "y", arguments(Settings(l2=0.1), {"l2": "auto"})) == 'goodfit.train("t.csv", target="y")'
    )


def test_a_table_in_memory_has_a_name_that_says_so():
    assert train_command("", "y", {}) == "goodfit train TABLE --target y"
    assert python_call("", "y", {}) == 'goodfit.train(table, target="y")'


def test_a_file_is_named_without_its_folders():
    assert source_name("/home/someone/secret project/churn.csv") == "churn.csv"
    assert source_name("breast_cancer") == "breast_cancer"
    assert source_name("") == "a table in memory"


def test_an_error_that_names_an_argument_has_its_flag():
    known = {"group": "--group", "overwrite": "--force"}
    assert with_flags("it needs group='…' or overwrite=True.", known) == (
        "it needs group='…' (--group) or overwrite=True (--force)."
    )
    assert with_flags("the group is one; other=3", known) == "the group is one; other=3"


def test_a_splitter_object_can_be_in_a_report():
    class Splitter:
        def split(self, x, y=None, groups=None):
            raise NotImplementedError

    with pytest.raises(ConfigError):
        Settings(split=Splitter()).to_json()
    assert "split=<" in python_call("", "y", arguments(goodfit.Settings(split=Splitter()), {}))
