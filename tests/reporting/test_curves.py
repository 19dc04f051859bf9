"""Curves that leave the axis of their chart are marked where they do."""

import json

import numpy as np
import pytest

from goodfit.experiment.importance import Dependence
from goodfit.reporting.charts.curves import loss_ends, rate_curves, trial_curves
from goodfit.reporting.charts.grid import explorer
from goodfit.reporting.charts.importance import dependence_chart
from goodfit.reporting.heat_table import selectable
from goodfit.reporting.sentences import LEAVES
from goodfit.reporting.svg import inline_svg
from goodfit.reporting.trials import Grid, Trial

CALM = np.linspace(0.6, 0.3, 30)
MEMORISED = np.geomspace(0.6, 1e-5, 30)
JUMPING = np.where(np.arange(30) % 10 == 9, 1e6, CALM)


def trial(loss, val_loss=CALM, l2=0.0):
    best = int(np.argmin(val_loss)) + 1
    return Trial(0, l2, 0.01, loss, val_loss, best, "finished", np.linspace(-1, 1, 11))


def triangles(chart):
    """The rows of all layers that are drawn as triangles."""
    return [row for layer, drawn in layers(chart) if "shape" in layer["encoding"] for row in drawn]


def layers(chart):
    """Every layer with its rows."""
    spec = chart.to_dict()
    for layer in spec.get("layer", [spec]):
        data = layer.get("data") or spec["data"]
        values = data["values"] if "values" in data else spec["datasets"][data["name"]]
        yield layer, json.loads(values)


def test_a_training_loss_far_below_the_validation_loss_is_marked_once_where_it_leaves():
    trials = [trial(CALM), trial(MEMORISED, l2=0.1)]
    ends = loss_ends(trials)
    (mark,) = triangles(trial_curves(trials))
    assert (mark["split"], mark["beyond"], mark["loss"], mark["place"]) == ("train", "below", ends[0], 1)
    assert MEMORISED[mark["epoch"] - 2] >= ends[0] > MEMORISED[mark["epoch"] - 1]


def test_nothing_is_marked_where_no_curve_leaves():
    assert triangles(trial_curves([trial(CALM), trial(CALM)])) == []
    assert triangles(rate_curves(trial(CALM), n_epochs=30, ends=(0.1, 0.7), title="")) == []


def test_each_jump_beyond_the_upper_end_is_marked():
    marks = triangles(rate_curves(trial(JUMPING), n_epochs=30, ends=(0.1, 0.7), title=""))
    assert [(mark["epoch"], mark["loss"], mark["beyond"]) for mark in marks] == [
        (at, 0.7, "above") for at in (10, 20, 30)
    ]


@pytest.mark.parametrize("ends", [(0.1, 0.7), (0.0, 0.7)], ids=["logarithmic", "linear"])
def test_no_point_is_drawn_at_an_end_that_it_is_beyond(ends):
    """Were it, the curve would seem to be flat."""
    (line, drawn), _ = layers(rate_curves(trial(MEMORISED, JUMPING), n_epochs=30, ends=ends, title=""))
    assert line["mark"]["clip"] and not {row["loss"] for row in drawn} & set(ends)


def test_the_page_says_what_the_triangles_are():
    def figure(*trials):
        cells = {(each.l2, each.learning_rate): each for each in trials}
        means = {cell: 0.3 + cell[0] for cell in cells}
        grid = Grid(cells, means, chosen=(0.0, 0.01), lowest=(0.0, 0.01), n_each=1, n_contenders=2)
        return grid, selectable(grid).curves

    grid, marked = figure(trial(CALM), trial(MEMORISED, l2=0.1))
    assert marked.sentence.endswith(LEAVES) and "triangle-down" in explorer(grid).to_json()
    assert 'class="of m1"' in inline_svg(marked.charts[0], label="", name="c", before={})
    assert not figure(trial(CALM), trial(CALM, l2=0.1))[1].sentence.endswith(LEAVES)


@pytest.mark.parametrize(
    ("names", "shown"),
    [
        (["a", "b"], ["a", "b"]),
        (["x" * 30 + end for end in "ab"], ["1. " + "x" * 12 + "…", "2. " + "x" * 12 + "…"]),
        ([f"category {i}" for i in range(20)], [f"category {i}" for i in range(20)]),
    ],
    ids=["short", "alike", "many"],
)
def test_every_category_has_a_place_of_its_own(names, shown):
    found = Dependence("c", ("yes",), tuple(names), (), tuple((0.5,) for _ in names))
    spec = dependence_chart(found).to_dict()
    data = spec["layer"][0].get("data") or spec["data"]
    rows = json.loads(data["values"] if "values" in data else spec["datasets"][data["name"]])
    assert [row["label"] for row in rows] == shown
