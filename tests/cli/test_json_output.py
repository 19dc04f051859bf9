"""JSON that any program can read."""

import json
import math

import pytest

from goodfit.cli.json_output import to_json


def test_what_is_not_finite_is_null_wherever_it_stands():
    written = to_json({"auc": math.nan, "test": {"low": -math.inf, "high": 1.5}, "all": [math.inf, (1, "a"), None]})
    assert json.loads(written, parse_constant=pytest.fail) == {
        "auc": None,
        "test": {"low": None, "high": 1.5},
        "all": [None, [1, "a"], None],
    }


def test_names_in_any_script_pass_through_a_pipe_that_knows_ascii_only():
    assert to_json({"größe": "日本"}).isascii()
    assert json.loads(to_json({"größe": "日本"})) == {"größe": "日本"}
