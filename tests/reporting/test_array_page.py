"""The report of a training or sweep of arrays."""

import html
import re

import numpy as np
import pytest

import goodfit
from goodfit import Dense, Sequential, l2
from goodfit.errors import RunError

RNG = np.random.default_rng(0)
X = RNG.normal(size=(80, 3))
Y = (X[:, 0] + 0.5 * RNG.normal(size=80) > 0).astype(int)
RATES = [0.001, 0.01, 0.1]


def make():
    """A sweep leaves what it selects in its model."""
    made = Sequential([Dense(4, activation="relu", kernel_regularizer=l2(0.01)), Dense(1, activation="sigmoid")])
    made.compile("adam", "binary_crossentropy")
    return made


@pytest.fixture(scope="module")
def swept():
    return make().sweep(X, Y, l2=[0, 0.01, 0.1], learning_rate=RATES, epochs=8)


@pytest.fixture(scope="module")
def trained():
    return make().fit(X, Y, epochs=8, validation_split=0.2)


def words_of(result, path):
    text = goodfit.report(result, path).read_text(encoding="utf-8")
    assert "<script" not in text and "http:" not in text.replace("http://www.w3.org", "")
    heads = [html.unescape(found) for found in re.findall(r"<h2[^>]*>(.*?)</h2>", text)]
    body = re.sub(r"<style>.*?</style>|<[^>]+>", " ", text, flags=re.DOTALL)
    return heads, html.unescape(re.sub(r"\s+", " ", body))


def test_a_training_has_a_verdict_curves_and_weights(trained, tmp_path):
    heads, words = words_of(trained, tmp_path / "training.html")
    verdict = goodfit.diagnose(trained)
    assert verdict.word.capitalize() in words and verdict.sentence in words
    assert {"Training", "Learning curves", "Weights"} <= set(heads)
    assert not {"Hyperparameter grid", "Data split", "Exam", "Effect of L2"} & set(heads)
    assert "λ" not in words.partition("Weights")[2]  # nobody knows the λ of a Training


def test_a_sweep_has_its_grid(swept, tmp_path):
    heads, words = words_of(swept, tmp_path / "sweep.html")
    assert {"Sweep of 9 trials", "Hyperparameter grid", "Effect of L2", "Learning rate"} <= set(heads)
    chosen = swept.selection.chosen.config
    assert f"l2 {chosen['l2']:g}, learning_rate {chosen['learning_rate']:g}" in words


def test_what_a_sweep_does_not_vary_is_that_of_the_model(tmp_path):
    found = make().sweep(X, Y, l2=[0, 0.1], epochs=2)
    _, words = words_of(found, tmp_path / "l2.html")
    assert "learning rate 0.001" in words  # Adam's default
    found = make().sweep(X, Y, learning_rate=[0.001, 0.1], epochs=2)
    assert found.selection.chosen.config.keys() == {"learning_rate"}
    assert "λ 0.01, learning rate" in words_of(found, tmp_path / "rates.html")[1]


def test_a_sweep_of_something_else_has_no_grid(tmp_path):
    found = make().sweep(X, Y, weight_decay=[0.0, 0.1], epochs=2)
    heads, words = words_of(found, tmp_path / "decay.html")
    assert "Hyperparameter grid" not in heads
    assert "weight_decay" in words


def test_advice_is_given_as_arguments_of_the_sweep(tmp_path):
    """The command line would say --refine; a sweep is given the values of the second grid."""
    found = make().sweep(X, Y, learning_rate=[0.00001, 0.0001, 0.001], epochs=2)
    assert "learning_rate" in found.selection.edges
    _, words = words_of(found, tmp_path / "edge.html")
    assert "refine" not in words
    advised = re.search(r"learning_rate=(\[.*?\])", words)
    assert advised is not None
    rates = [float(rate) for rate in advised[1].strip("[]").split(",")]
    assert max(rates) > 0.001
    assert make().sweep(X, Y, learning_rate=rates, epochs=2).table.num_rows == len(rates)


def test_every_figure_is_written(swept, tmp_path):
    goodfit.report(swept, tmp_path / "sweep.html", pngs=tmp_path)
    assert {"curves.png", "weights.png", "rates.png", "l2_path.png", "grid.png"} <= {
        path.name for path in tmp_path.iterdir()
    }


def test_other_things_are_refused(tmp_path):
    with pytest.raises(RunError, match="report needs a run, a training or a sweep, not 'dict'"):
        goodfit.report({}, tmp_path / "x.html")
