"""What is said before the first epoch, for tables of every shape."""

import io

import numpy as np
import pytest

from goodfit.cli import plain_console
from goodfit.cli.data_summary import show_prepared
from goodfit.data.table import open_source
from goodfit.experiment.settings import Settings
from goodfit.workflow import prepare

RNG = np.random.default_rng(0)
N = 200
Y = ["yes", "no"] * (N // 2)


def shown(columns, target="y", **settings):
    console = plain_console()
    console.file = io.StringIO()
    show_prepared(prepare(open_source(columns), target, Settings(**settings)), console)
    return console.file.getvalue()


def test_a_table_of_thousands_of_columns_is_said_in_27_lines():
    columns = {f"column {i}": RNG.normal(size=N) for i in range(1_000)}
    lacking = {f"lacking {i}": np.where(RNG.random(N) < 0.5, np.nan, RNG.normal(size=N)) for i in range(500)}
    constant = {f"constant {i}": np.ones(N) for i in range(500)}
    text = shown({"y": Y, **columns, **lacking, **constant})
    assert len(text.splitlines()) <= 27
    assert "1,500" in text and "more" in text and "500  constant 0 · constant: always 1" in text


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({}, "shuffled, stratified by class, seed 0"),
        ({"split": "last"}, "the last rows, not shuffled\n"),
        ({"group": "who"}, "rows with the same who kept together, seed 0"),
        ({"time": "when"}, "ordered by when\n"),
        ({"seed": 7}, "seed 7"),
        ({"test_size": 0}, "· test 0\n"),
        ({"l2": 0.0}, "penalty         none"),
        ({"patience": 3}, "up to 200 epochs, patience 3"),
        ({}, "grid            6 λ (0 to 1) × 5 learning rates (0.00001 to 0.1) = 30 trainings"),
        ({"l2": 0.5}, "penalty         0.5 · Σw² of"),
        ({"l2": 1, "learning_rate": 1, "seeds": 3, "folds": 4}, "grid            3 seeds × 4 folds = 12 trainings"),
        ({"hidden": (), "numbers": "scaled"}, "3 → 1, linear model (no hidden layer)"),
        ({"dropout": 0.2}, "leaky_relu, dropout 0.2"),
        (
            {"optimizer": "sgd", "patience": 3, "learning_rate": 0.001},
            "sgd, learning rate 0.001, batch size 32",
        ),
        ({"batch_size": 64}, "batch size 64"),
        ({"drop": "who"}, "who · excluded"),
    ],
    ids=str,
)
def test_every_choice_is_said(settings, said):
    when = np.datetime64("2024-01-01T00:00:00") + np.arange(N) * np.timedelta64(3600, "s")
    columns = {"y": Y, "x": RNG.normal(size=N), "who": [f"w{i % 40}" for i in range(N)], "when": when}
    columns = {name: columns[name] for name in ("y", "x", "who", "when") if name in ("y", "x") or name in str(settings)}
    columns["k"] = ["a", "b"] * (N // 2)
    columns["z"] = RNG.normal(size=N)
    text = "\n".join(line.rstrip() for line in shown(columns, **settings).splitlines()) + "\n"
    assert said in text


def test_columns_that_put_rows_in_order_or_together_are_not_learned_from_and_it_is_said_why():
    who = [f"w{i % 40}" for i in range(N)]
    assert "who · group of the split" in shown({"y": Y, "x": RNG.normal(size=N), "who": who}, group="who")


def test_a_quantity_is_said_with_its_range_and_how_to_take_it_otherwise():
    text = shown({"y": np.arange(N) * 1000.0, "x": RNG.normal(size=N)})
    assert "in the training rows, mean" in text
    assert "--task classification" in text
    assert "--task" not in shown({"y": np.arange(N) * 1000.0, "x": RNG.normal(size=N)}, task="regression")


def test_whole_numbers_taken_as_classes_are_said_to_be():
    assert "numbers treated as classes; or use --task regression" in shown({"y": [0, 1] * 100, "x": RNG.normal(size=N)})


def test_names_that_look_like_markup_stay_as_they_are():
    text = shown(
        {"y": Y, "[red]x[/red]": RNG.normal(size=N), ":smile:": RNG.normal(size=N), "a\x1b[31m": RNG.normal(size=N)}
    )
    assert "[red]x[/red], :smile:, a\\x1b[31m" in text
