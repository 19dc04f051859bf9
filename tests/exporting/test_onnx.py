"""A run as ONNX: onnxruntime predicts from the raw columns what goodfit predicts."""

import functools
from dataclasses import replace
from datetime import datetime, timedelta

import numpy as np
import onnx
import onnxruntime
import pytest

import goodfit
from goodfit.errors import ConfigError, DataError, RunError
from goodfit.experiment.network import make_layers
from goodfit.experiment.predictor import Predictor
from goodfit.exporting.files import TOLERANCE
from goodfit.exporting.networks import networks_of
from goodfit.exporting.to_onnx import layers
from goodfit.exporting.to_onnx.file import inputs_of, write_onnx
from goodfit.exporting.to_onnx.model import onnx_model
from goodfit.nn.activations import ACTIVATIONS
from goodfit.nn.network import init_network
from goodfit.run import predictor_of

# People earn more than the training rows: goodfit says so, and predicts them all the same.
pytestmark = pytest.mark.filterwarnings("ignore::goodfit.errors.DataWarning")

ONE = {"l2": 0.001, "learning_rate": 0.01, "epochs": 3}
FEW = {"l2": [0.001, 0.1], "learning_rate": 0.01, "epochs": 3}
WORDS = ["free", "entry", "win", "Ring", "call", "Über", "STRASSE", "東京", "naïve", "x", "don't", "café-bar"]


@functools.cache
def trained(table, *, ensemble=False, costs=False):
    """A run on a built-in table, of one network or an ensemble, with a threshold of 0.5 or one chosen for costs."""
    return goodfit.train(table, **(FEW if ensemble else ONE), costs={"fp": 1, "fn": 9} if costs else None)


def people(n=150, seed=0):
    """A table with a column of every kind, with missing cells in each."""
    rng = np.random.default_rng(seed)

    def with_gaps(cells):
        return [None if rng.random() < 0.1 else cell for cell in cells]

    hours = rng.integers(0, 90_000, n)
    age, city = rng.normal(40, 12, n), rng.choice(["Bonn", "Rome", "Oslo", "New York"], n)
    return {
        "age": with_gaps(age),
        "pay": 1e6 * rng.lognormal(size=n),
        "city": with_gaps(city),
        "smoker": rng.choice(["yes", "no"], n),
        "rooms": rng.choice(["1", "2", "3"], n),
        "joined": with_gaps([datetime(2012, 1, 1) + timedelta(hours=int(h)) for h in hours]),
        "letter": with_gaps([" ".join(rng.choice(WORDS, 9)) for _ in range(n)]),
        "target": np.where((age > 42) ^ (city == "Bonn"), "good", "bad"),
    }


KINDS = {"rooms": "category", "letter": "text"}


@pytest.fixture(scope="module")
def of_people():
    return goodfit.train(people(), kinds=KINDS, **FEW)


@pytest.fixture
def session(of_people):
    return session_of(of_people)


def session_of(run):
    return onnxruntime.InferenceSession(onnx_model(networks_of(predictor_of(run.record))).SerializeToString())


def assert_equal(run, table):
    """The predictions of onnxruntime and goodfit agree on a table."""
    columns = inputs_of(networks_of(predictor_of(run.record)), run.read_for_prediction(table))
    outputs, expected = session_of(run).run(None, columns), run.predict(table)
    if expected.probabilities is None:
        scale = run.record.target.scale
        assert np.abs(outputs[0] - expected.values).max() <= TOLERANCE * scale
        assert np.ptp(expected.values) > 0
        return
    assert outputs[0].tolist() == expected.values.tolist()
    assert np.abs(outputs[1] - expected.probabilities).max() <= TOLERANCE
    assert np.ptp(expected.probabilities[:, 0]) > 0.01


def test_ensemble_on_columns_of_every_kind(of_people):
    assert of_people.ensemble.n_networks >= 5
    assert_equal(of_people, people(300, seed=1))


def test_one_network_on_columns_of_every_kind():
    assert_equal(goodfit.train(people(), kinds=KINDS, **ONE), people(300, seed=1))


@pytest.mark.parametrize("table", ["diabetes", "wine", "iris", "breast_cancer"])
def test_built_in_tables(table):
    assert_equal(trained(table, ensemble=True), table)


@pytest.mark.parametrize("temperature", [0.6, 2.5])
@pytest.mark.parametrize("table", ["wine", "breast_cancer"])
def test_temperature(table, temperature):
    run = trained(table, ensemble=True)
    changed = replace(run.record.ensemble, temperature=temperature)
    warmed = replace(run, record=replace(run.record, ensemble=changed))
    assert np.abs(warmed.predict(table).probabilities - run.predict(table).probabilities).max() > 0.01
    assert_equal(warmed, table)


REAL = {
    "telco_churn/Telco-Customer-Churn.csv": ("Churn", 500),
    "titanic/train.csv": ("Survived", 500),
    "california_housing/housing.csv": ("median_house_value", 500),
    "sms_spam/sms.tsv": ("column_1", 500),
}


@pytest.mark.parametrize("file", REAL)
def test_real_tables(file, shared):
    target, n_rows = REAL[file]
    table = goodfit.read_table(shared / "data" / file)
    every = np.random.default_rng(0).permutation(table.n_rows)
    run = goodfit.train(table.take(every[:n_rows]), target, **ONE)
    assert_equal(run, table.take(every[n_rows : 2 * n_rows]))


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_every_activation(activation, tmp_path):
    run = trained("iris")
    settings = goodfit.Settings(hidden=(5, 4), activation=activation, dropout=0.2)
    built = make_layers(settings, 3, "softmax")
    params = init_network(built, n_inputs=len(run.record.encoder.feature_names), seed=0)
    write_onnx(Predictor(settings, run.record.target, run.record.encoder, params, None), tmp_path / "model.onnx")


def test_a_graph_that_predicts_otherwise_is_not_written(of_people, tmp_path, monkeypatch):
    monkeypatch.setitem(layers.ACTIVATIONS, "leaky_relu", layers.ACTIVATIONS["relu"])
    with pytest.raises(RunError, match="differs from goodfit"):
        of_people.export_onnx(tmp_path / "model.onnx")
    assert not list(tmp_path.iterdir())


def row(**changed):
    """One row as the graph takes it."""
    cells = {"age": 41.0, "pay": 2e6, "city": "Bonn", "smoker": "no", "rooms": "2", "joined": "2020-02-29T13:05"}
    cells |= {"letter": "free entry win", **changed}
    return {name: np.array([[cell]], object if isinstance(cell, str) else float) for name, cell in cells.items()}


def probability(session, **changed):
    return session.run(["probabilities"], row(**changed))[0][0, 1]


@pytest.mark.parametrize(
    ("column", "known", "written"),
    [
        ("city", "New York", "  New York\t"),
        ("city", "", " ? "),
        ("city", "", "null"),
        ("city", "Mars", "Venus"),
        ("rooms", "2", "2.0"),
        ("joined", "2020-02-29T13:05", " 2020-02-29 13:05:00.000Z"),
        ("joined", "2020-02-29", "2020-02-29T00:00"),
        ("joined", "", "NA"),
        ("letter", "free entry win über café", "FREE, entry: (win) ÜBER & CAFÉ!"),
        ("letter", "", "NaN"),
        ("letter", "x y z", "?!"),
    ],
)
def test_cells_are_read_as_those_of_a_table(session, column, known, written):
    assert probability(session, **{column: known}) == probability(session, **{column: written})


@pytest.mark.parametrize(
    ("column", "one", "other"),
    [
        ("city", "Bonn", "bonn"),
        ("letter", "free entry", "entry free"),
        ("joined", "2020-02-28", "2020-03-01"),
        ("age", 30.0, np.nan),
    ],
)
def test_other_cells_change_the_prediction(session, column, one, other):
    assert probability(session, **{column: one}) != probability(session, **{column: other})


@pytest.mark.parametrize("cell", ["28.2.2020", "2020-13-01", "2020-02-29T25:00", "yesterday"])
def test_what_is_no_date_stops_the_prediction(session, cell):
    with pytest.raises(Exception, match="column 'joined' must hold dates such as 2021-02-28"):
        probability(session, joined=cell)


def test_an_infinite_number_gives_no_prediction(session):
    assert np.isnan(probability(session, age=np.inf))


def test_inputs_and_outputs_describe_themselves(session):
    described = {each.name: (each.type, each.shape) for each in [*session.get_inputs(), *session.get_outputs()]}
    assert described["age"] == ("tensor(double)", ["rows", 1])
    assert described["joined"] == ("tensor(string)", ["rows", 1])
    assert described["prediction"] == ("tensor(string)", ["rows"])
    assert described["probabilities"] == ("tensor(double)", ["rows", 2])
    about = session.get_modelmeta().custom_metadata_map
    assert (about["target"], about["classes"]) == ("target", '["bad", "good"]')


def test_numbers_alone_need_no_operator_of_onnxruntime():
    model = onnx_model(networks_of(predictor_of(trained("iris").record)))
    assert {node.domain for node in model.graph.node} == {""}


def test_the_file_is_sound_and_replaced_only_on_request(of_people, tmp_path):
    path = of_people.export_onnx(tmp_path / "people.onnx")
    onnx.checker.check_model(onnx.load(path), full_check=True)
    with pytest.raises(DataError, match="already exists"):
        of_people.export_onnx(path)
    of_people.export_onnx(path, overwrite=True)


def test_a_column_with_the_name_of_an_output_is_named(tmp_path):
    table = {"prediction": np.arange(60.0), "target": np.arange(60) % 2}
    run = goodfit.train(table, **ONE)
    with pytest.raises(ConfigError, match="column 'prediction' has the name of an output"):
        run.export_onnx(tmp_path / "model.onnx")


def test_without_the_extra_the_sentence_says_what_to_install(of_people, tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "onnxruntime", None)
    with pytest.raises(ConfigError, match=r"pip install 'goodfit\[onnx\]'"):
        of_people.export_onnx(tmp_path / "model.onnx")


def test_a_chosen_threshold_decides_the_label_as_in_goodfit():
    run = trained("breast_cancer", costs=True)
    assert run.decision.threshold != 0.5
    assert_equal(run, "breast_cancer")
    labels = session_of(run).run(None, inputs_of(networks_of(predictor_of(run.record)), run.table))[0]
    assert labels.tolist() == run.predict(run.table).values.tolist()
