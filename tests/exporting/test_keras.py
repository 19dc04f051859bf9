"""A run as a model of Keras: the same predictions, weights, penalties and dropout."""

import functools
from dataclasses import replace

import numpy as np
import pytest

import goodfit
from goodfit.errors import ConfigError, DataError, RunError
from goodfit.experiment.network import make_layers
from goodfit.exporting import to_keras
from goodfit.exporting.networks import networks_of
from goodfit.nn.regularizers import L1L2, penalty
from goodfit.run import predictor_of
from goodfit.search.space import layers_with

ONE = {"l2": 0.001, "learning_rate": 0.01, "epochs": 3}
FEW = {"l2": [0.001, 0.1], "learning_rate": 0.01, "epochs": 3}
WORDS = ["free", "entry", "win", "ring", "call", "über"]


@functools.cache
def trained(table, *, ensemble=False):
    """A run on a built-in table, of one network or an ensemble."""
    return goodfit.train(table, **(FEW if ensemble else ONE))


@pytest.fixture(autouse=True)
def keras_alone(keras):
    return keras


@pytest.fixture(scope="module")
def people():
    """A table with a column of every kind."""
    rng = np.random.default_rng(0)
    age, city = rng.normal(40, 12, 150), rng.choice(["Bonn", "Rome", "Oslo"], 150)
    letters = [" ".join(rng.choice(WORDS, 9)) for _ in age]
    joined = [f"2020-{month:02}-01" for month in rng.integers(1, 13, 150)]
    return {"age": age, "city": city, "letter": letters, "joined": joined, "target": age > 42}


def predicted(model, run, table):
    return np.asarray(model.predict(run.encode(table), verbose=0))


def expected(run, table):
    found = run.predict(table)
    values, probabilities = found.values, found.probabilities
    if probabilities is None:
        return values[:, None]
    return probabilities[:, 1:] if probabilities.shape[1] == 2 else probabilities


def assert_equal(model, run, table):
    found, truth = predicted(model, run, table), expected(run, table)
    scale = run.record.target.scale
    assert np.ptp(truth) > 0.01 * scale
    assert np.abs(found - truth).max() <= 1e-5 * scale


CASES = [(table, ensemble) for table in ("diabetes", "wine", "breast_cancer") for ensemble in (False, True)]
QUICK = [("diabetes", True), ("breast_cancer", False)]


@pytest.mark.parametrize(
    ("table", "ensemble"), [pytest.param(*case, marks=[] if case in QUICK else [pytest.mark.slow]) for case in CASES]
)
def test_a_file_predicts_as_goodfit_does(table, ensemble, tmp_path, keras):
    run = trained(table, ensemble=ensemble)
    assert_equal(keras.saving.load_model(run.export_keras(tmp_path / "model.keras")), run, table)


def test_columns_of_every_kind_are_encoded(people):
    run = goodfit.train(people, kinds={"letter": "text"}, **FEW)
    assert [encoded.shape[1] for encoded in run.encode(people)] == [
        len(fold.encoder.feature_names) for fold in run.ensemble.folds
    ]
    assert_equal(run.keras_model(), run, people)


@pytest.mark.parametrize("table", ["wine", "breast_cancer"])
def test_temperature(table):
    run = trained(table, ensemble=True)
    changed = replace(run.record, ensemble=replace(run.record.ensemble, temperature=2.5))
    warmed = replace(run, record=changed)
    assert np.abs(expected(warmed, table) - expected(run, table)).max() > 0.01
    assert_equal(warmed.keras_model(), warmed, table)


def test_layers_carry_weights_penalties_and_dropout(keras):
    run = goodfit.train("iris", l2=0.03, learning_rate=0.01, epochs=2, hidden=(5,), dropout=0.25)
    hidden, dropout, output = run.keras_model().layers[1:]
    params = run.training.params
    assert [hidden.activation.__name__, dropout.rate, output.activation.__name__] == ["leaky_relu", 0.25, "softmax"]
    for layer, ours in ((hidden, params[0]), (output, params[2])):
        assert np.array_equal(layer.kernel, ours["kernel"])
        assert np.array_equal(layer.bias, ours["bias"])
    built = layers_with(make_layers(run.settings, 3, "softmax"), run.config)
    ours = float(penalty(params, [layer.regularizers() for layer in built]))
    assert float(sum(run.keras_model().losses)) == pytest.approx(ours, rel=1e-6)


@pytest.mark.parametrize("config", [{"l1": 0.02}, {"l1": 0.02, "l2": 0.5}])
def test_l1_is_carried(config):
    run = trained("iris")
    networks = networks_of(predictor_of(run.record))
    networks = replace(networks, layers=tuple(replace(layer, kernel_regularizer=L1L2()) for layer in networks.layers))
    model = to_keras.keras_model(networks, [config])
    carried = [layer.regularizers() for layer in layers_with(networks.layers, config)]
    expected = float(penalty(run.training.params, carried))
    assert float(sum(model.losses)) == pytest.approx(expected, rel=1e-6)
    assert expected == pytest.approx(
        sum(
            0.02 * np.abs(w["kernel"]).sum() + config.get("l2", 0) * np.square(w["kernel"]).sum()
            for w in run.training.params
        ),
        rel=1e-5,
    )


def test_each_network_of_an_ensemble_carries_the_l2_of_its_config():
    run = goodfit.train("diabetes", **FEW, seeds=2)
    carried = {}
    for layer in run.keras_model().layers:
        if layer.name.endswith("dense_1") and layer.name.startswith("fold_1_"):
            carried[layer.name.split("_")[3]] = layer.kernel_regularizer.l2
    by_member = [member.config["l2"] for member in run.ensemble.members for _ in range(2)]
    assert [float(carried[str(number)]) for number in range(1, len(carried) + 1)] == pytest.approx(by_member)
    assert len(set(by_member)) == 2


def test_the_model_can_be_trained_further():
    run = trained("breast_cancer")
    model, x = run.keras_model(), run.encode("breast_cancer")
    positive = run.record.target.classes[1]
    y = (goodfit.read_table("breast_cancer").values("target") == positive).astype(np.float32)
    model.compile(optimizer="adam", loss="binary_crossentropy")
    before = model.evaluate(x, y, verbose=0)
    model.fit(x, y, epochs=3, verbose=0)
    assert model.evaluate(x, y, verbose=0) < before


def test_a_model_that_predicts_otherwise_is_not_written(tmp_path, monkeypatch):
    monkeypatch.setattr(to_keras, "_decoded", lambda keras, networks, output: output * 0.9)
    with pytest.raises(RunError, match="differs from goodfit"):
        trained("iris").export_keras(tmp_path / "model.keras")
    assert not list(tmp_path.iterdir())


def test_mistakes_are_named(tmp_path, monkeypatch):
    run = trained("iris")
    with pytest.raises(DataError, match=r"ends in \.keras"):
        run.export_keras(tmp_path / "model.h5")
    path = run.export_keras(tmp_path / "model.keras")
    with pytest.raises(DataError, match="already exists"):
        run.export_keras(path)
    run.export_keras(path, overwrite=True)
    monkeypatch.setitem(__import__("sys").modules, "keras", None)
    with pytest.raises(ConfigError, match=r"pip install 'goodfit\[keras\]'"):
        run.keras_model()
