"""goodfit.plot and goodfit.plot_weights, and every chart against the schema of Vega-Lite."""

import json

import numpy as np
import pytest

import goodfit
from goodfit.errors import ConfigError
from goodfit.reporting.heat_table import selectable
from goodfit.reporting.page import pictures
from goodfit.reporting.trials import grid_of
from goodfit.training.history import History


def values(chart):
    """All rows of the data of a chart."""
    return [row for text in chart.to_dict()["datasets"].values() for row in json.loads(text)]


def test_every_chart_is_what_the_schema_allows(swept, single):
    chosen = selectable(grid_of(swept.sweep))
    for figure in (*pictures(swept), *pictures(single), *chosen.figures):
        for chart in figure.charts:
            chart.to_dict(validate=True)


def test_one_training_is_drawn_with_its_best_epoch_from_history_training_and_run(single):
    best = {"epoch": single.training.best_epoch, "text": f"best epoch {single.training.best_epoch}"}
    for result in (single, single.training, single.history):
        rows = values(goodfit.plot(result))
        assert best in rows
        drawn = [row["loss"] for row in rows if row.get("split") == "validation"]
        assert drawn == pytest.approx(single.history["val_loss"], rel=1e-4)


def test_epochs_that_are_not_finite_are_left_out_and_never_the_best():
    history = History({"loss": np.array([1.0, 0.5, np.nan]), "val_loss": np.array([np.nan, 0.7, np.inf])})
    rows = values(goodfit.plot(history))
    assert {"epoch": 2, "text": "best epoch 2"} in rows
    assert [row["epoch"] for row in rows if row.get("split") == "validation"] == [2]


def test_a_sweep_is_a_heat_map_whose_click_picks_the_curves(swept):
    chart = goodfit.plot(swept)
    spec = chart.to_dict()
    (pick,) = spec["params"]
    assert pick["select"] == {"type": "point", "fields": ["l2", "rate"], "toggle": False}
    chosen = swept.config
    assert [(start["l2"], start["rate"]) for start in pick["value"]] == [
        (f"{chosen['l2']:g}", f"{chosen['learning_rate']:g}")
    ]
    curves = spec["hconcat"][1]
    for layer in curves.get("layer", [curves]):
        assert layer["transform"] == [{"filter": {"param": pick["name"], "empty": False}}]
    assert len([row for row in values(chart) if "val_loss" in row]) == 9


def test_weights_without_and_with_l2_stand_on_the_same_axes(swept):
    left, right = goodfit.plot_weights(swept).to_dict()["hconcat"]
    for axis in ("x", "y"):
        domains = [side["layer"][0]["encoding"][axis]["scale"]["domain"] for side in (left, right)]
        assert domains[0] == domains[1]
    assert left["title"]["text"] == "no L2"
    assert right["title"]["text"].startswith("λ ")


def test_the_weights_of_one_training_are_one_histogram(single):
    shares = [row["share"] for row in values(goodfit.plot_weights(single.training)) if "share" in row]
    assert sum(shares) == pytest.approx(0.98, abs=0.03)


@pytest.mark.parametrize("show", [goodfit.plot, goodfit.plot_weights])
def test_what_cannot_be_drawn_is_a_sentence(show):
    with pytest.raises(ConfigError, match=r"not list"):
        show([1, 2])


def test_the_command_writes_the_page_and_the_pictures_and_says_where(single, tmp_path, capsys):
    from goodfit.cli.main import main

    with pytest.raises(SystemExit) as left:
        main(["report", str(single.path), "--out", str(tmp_path / "a.html"), "--png", str(tmp_path / "png")])
    assert left.value.code == 0
    assert capsys.readouterr().out == f"report  {tmp_path / 'a.html'}\n"
    assert (tmp_path / "png" / "curves.png").is_file()
