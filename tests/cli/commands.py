"""Runs commands in this process, and what they often take."""

import contextlib
import csv
import io
from typing import NamedTuple

import pytest

from goodfit.cli.main import main

ONE = ("--l2", "0.001", "--learning-rate", "0.001")
"""A single training."""
DIVERGING = ("--l2", "0.001", "--learning-rate", "1e30", "--optimizer", "sgd")
SMALL_GRID = ("--l2", "0,0.01", "--learning-rate", "0.001,0.01", "--hidden", "4", "--epochs", "3")


class Result(NamedTuple):
    status: int
    out: str
    err: str


def run(*words):
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err), pytest.raises(SystemExit) as left:
        main([str(word) for word in words])
    return Result(left.value.code or 0, out.getvalue(), err.getvalue())


def refusal(*words):
    """The sentence that a mistake is answered with."""
    result = run(*words)
    assert result.status == 2
    (line,) = result.err.strip().splitlines()
    assert line.startswith("goodfit: ")
    return line


def write_csv(path, **columns):
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows(zip(*columns.values(), strict=True))
    return path
