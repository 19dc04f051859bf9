"""How verdict and data checks are shown."""

import io

from goodfit.checks.check import Check
from goodfit.cli import plain_console
from goodfit.cli.verdict import show_checks, show_verdict
from goodfit.diagnosis.findings import Finding, Verdict

GOOD = Finding("good_fit", "good", "It fits.", {})
RATE = Finding("rate_too_small", "warning", "Baby steps.", {}, "Take longer steps.", change={"learning_rate": 0.01})
WORDS = Finding("no_better_than_baseline", "serious", "No better.", {}, "Look for other columns.")


def shown(show, given):
    console = plain_console()
    console.file = io.StringIO()
    show(given, console)
    return [line.strip() for line in console.file.getvalue().splitlines()]


def test_a_good_fit_is_one_line():
    assert shown(show_verdict, Verdict("good fit", "It fits.", (GOOD,))) == ["verdict     good fit: It fits.", ""]


def test_a_finding_comes_with_its_next_step_on_a_line_of_its_own():
    lines = shown(show_verdict, Verdict("underfitting", "Little is learned.", (WORDS, RATE, GOOD)))
    assert [" ".join(line.split()) for line in lines] == [
        "verdict underfitting: Little is learned.",
        "No better.",
        "try Look for other columns.",
        "Baby steps.",
        "try --learning-rate 0.01",
        "",
    ]


def test_the_sentence_of_the_verdict_is_not_said_twice():
    lines = shown(show_verdict, Verdict("underfitting", "Baby steps.", (RATE,)))
    assert sum("Baby steps." in line for line in lines) == 1
    assert any("--learning-rate 0.01" in line for line in lines)


def test_checks_that_matter_are_shown_with_what_repairs_them():
    leak = Check("leak", "warning", ("fee",), 0, "fee gives the target away.", change={"drop": ["fee"]})
    note = Check("id", "note", ("n",), 0, "n counts rows.", change={"drop": ["n"]})
    lines = [" ".join(line.split()) for line in shown(show_checks, (leak, note))]
    assert lines == ["check fee gives the target away.", "try --drop fee", ""]
    assert shown(show_checks, (note,)) == []


def test_a_long_sentence_is_shown_whole():
    sentence = " ".join(["duration knows far more of the target than any other column."] * 3)
    lines = shown(show_checks, (Check("leak", "warning", ("duration",), 0, sentence),))
    assert " ".join(" ".join(lines).split()) == f"check {sentence}"


def test_a_name_cannot_reach_the_terminal():
    name = "a\x1b[31m"
    leak = Check("leak", "warning", (name,), 0, f"{name} gives the target away.", change={"drop": [name]})
    assert not any("\x1b" in line for line in shown(show_checks, (leak,)))


def test_the_next_step_of_the_verdict_stands_right_below_it():
    lines = shown(show_verdict, Verdict("underfitting", "Baby steps.", (WORDS, RATE)))
    assert [" ".join(line.split()) for line in lines] == [
        "verdict underfitting: Baby steps.",
        "try --learning-rate 0.01",
        "No better.",
        "try Look for other columns.",
        "",
    ]
