"""JSON of a run: what is written comes back equal, and what exceeds a bound or is of another type is refused."""

import json
import math
from dataclasses import dataclass
from typing import Literal

import msgspec
import numpy as np
import pytest

from goodfit.checks.check import Check
from goodfit.data.table import read_table
from goodfit.data.target import Target, fit_target
from goodfit.experiment.run_folder.typed import decode, encode
from goodfit.search.selection import ConfigResult, Gain, Selection
from goodfit.stats import Estimate

CHECK = Check("leak", "serious", ("late",), 3, "late gives it away.", {"auc_with": 1.0}, {"drop": ["late"]})
CONFIG = ConfigResult({"l2": 0.1}, (1, 2), 0.5, math.inf, 3)
SELECTION = Selection("best", CONFIG, CONFIG, 1, 0.1, {"l2": "low"}, Gain(1.0, 2.0, 3.0), ())


def target_of(values):
    table = read_table({"y": np.array(values, dtype=object if isinstance(values[0], str) else float)})
    return fit_target(table, "y", np.arange(len(values)))


@pytest.mark.parametrize("value", [CHECK, SELECTION])
def test_a_record_comes_back_equal(value):
    assert decode(encode(value), type(value)) == value


@pytest.mark.parametrize(
    "values", [["no", "yes"] * 3, [1, 2, 3] * 3, [1.5, 2.5, 6.1], [0.5, 1.0] * 3, [1e300, 0.0] * 3, [2.0**60, 3.0] * 2]
)
def test_a_target_comes_back_equal(values):
    target = target_of(values)
    again = decode(encode(target), Target)
    assert again == target
    assert [type(c) for c in again.classes] == [type(c) for c in target.classes]


def test_numbers_that_are_not_finite_come_back():
    found = decode(encode(CONFIG), ConfigResult)
    assert found.standard_error == math.inf

    @dataclass
    class Scores:
        of: dict[str, Estimate]

    (estimate,) = decode(encode(Scores({"r2": Estimate(math.nan, -math.inf, 1.0)})), Scores).of.values()
    assert math.isnan(estimate.value) and estimate.low == -math.inf and isinstance(estimate, Estimate)


WRONG = [
    {"code": "other"},
    {"severity": "good"},
    {"rows": "3"},
    {"rows": 1.5},
    {"rows": 2**70},
    {"effect": []},
    {"effect": {"auc": "high"}},
    {"columns": 3},
    {"columns": ["a" * 1_000_001]},
    {"columns": ["a"] * 1_000_001},
    {"sentence": None},
    {"more": 1},
    {"change": {"drop": [["a"]]}},
    {"change": {"drop": {"a": {}}}},
]


@pytest.mark.parametrize("change", WRONG)
def test_what_is_out_of_bounds_is_refused(change):
    record = json.loads(encode(CHECK)) | change
    with pytest.raises(msgspec.ValidationError):
        decode(json.dumps(record).encode(), Check)


def test_what_is_missing_is_refused():
    with pytest.raises(msgspec.ValidationError, match="missing required field `rows`"):
        decode(b'{"code": "id", "severity": "note", "columns": []}', Check)


@pytest.mark.parametrize("opening", [b"[", b'{"change":', b'{"change":{"a":'])
def test_deep_nesting_is_refused(opening):
    with pytest.raises((msgspec.MsgspecError, RecursionError)):
        decode(opening * 100_000, Check)


def test_a_literal_is_not_extended_by_words_for_numbers():
    @dataclass
    class Labels:
        name: Literal["a"]
        label: str | float

    with pytest.raises(msgspec.ValidationError):
        decode(b'{"name": "nan", "label": 1.0}', Labels)
    assert decode(b'{"name": "a", "label": "nan"}', Labels).label == "nan"
