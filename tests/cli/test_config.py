"""A training as a file: TOML, the run.json of an earlier run, and what the report shows to copy."""

import html
import re
import shutil
import tomllib
from datetime import date

import numpy as np
import pytest

import goodfit
from goodfit.experiment.settings import Settings
from goodfit.reporting.config_toml import config_toml
from tests.cli.commands import refusal, run, write_csv

SMALL = ("--l2", "0,0.01", "--learning-rate", "0.01", "--hidden", "4", "--epochs", "2", "--folds", "2")


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A search on a table with an odd name and odd names, in a folder of its own."""
    folder = tmp_path_factory.mktemp("trained")
    rng = np.random.default_rng(0)
    x = rng.normal(size=60).round(3)
    columns = {"x": x, 'zip "code"': rng.integers(0, 4, 60), "Größe\u200b": rng.normal(size=60).round(3), "id 1": x}
    table = write_csv(folder / "my table.csv", **columns, answer=np.where(x > 0, "yes", "no"))
    words = ("--kind", 'zip "code"=category', "--drop", "id 1", "--class-weight", "yes=2.5", "--costs", "fp=1,fn=3")
    result = run("train", table, "--target", "answer", *words, *SMALL, "--out", folder / "run")
    assert result.status == 0, result.err
    return folder


def shown_in(page):
    found = re.search(r'<pre class="config"><code>(.*?)</code></pre>', page.read_text("utf-8"), re.DOTALL)
    return html.unescape(found[1])


def assert_same_training(one, other):
    for name in ("weights", "ensemble", "trials", "curves"):
        assert (one / f"{name}.safetensors").read_bytes() == (other / f"{name}.safetensors").read_bytes()
    assert goodfit.load(one).settings == goodfit.load(other).settings


def test_what_the_report_shows_trains_the_same_run(trained, here):
    """Saved beside the table, from whatever folder it is used."""
    shutil.copy(trained / "my table.csv", here)
    text = shown_in(trained / "run" / "report.html")
    (here / "config.toml").write_text(text, "utf-8")
    assert tomllib.loads(text)["table"] == "my table.csv"
    assert run("train", "--config", "config.toml", "--out", "again").status == 0
    assert_same_training(trained / "run", here / "again")


@pytest.mark.parametrize("name", ["run", "run/run.json"])
def test_an_earlier_run_is_a_configuration(trained, here, name):
    again = goodfit.train(**goodfit.read_config(trained / name), out="again")
    assert_same_training(trained / "run", again.path)


def test_what_is_typed_wins_over_the_file(trained, monkeypatch):
    given = {}

    def train(**typed):
        given.update(typed)
        raise goodfit.DataError("no training")

    monkeypatch.setattr(goodfit, "train", train)
    run("train", "--config", trained / "run", "--epochs", "7", "--threshold", "0.3", "--time", "x")
    assert (given["target"], given["seed"], given["drop"]) == ("answer", 0, ["id 1"])
    assert given["table"] == str(trained / "my table.csv")
    assert (given["epochs"], given["threshold"], given["time"]) == (7, 0.3, "x")
    assert not {"costs", "split", "group"} & given.keys(), "what depends on what was typed is decided anew"


def test_a_file_may_name_table_target_and_folder_by_paths_from_its_own_folder(trained, here):
    (here / "plans").mkdir()
    shutil.copy(trained / "my table.csv", here / "plans" / "rows.csv")
    lines = ['table = "rows.csv"', 'target = "answer"', 'out = "here"', "l2 = 0", "learning_rate = 0.01", "epochs = 1"]
    (here / "plans" / "a.toml").write_text("\n".join(lines))
    assert run("train", "--config", "plans/a.toml").status == 0
    assert goodfit.load("plans/here").settings.epochs == 1


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("epoch = 3", "'epoch' is not a setting; did you mean 'epochs'?"),
        ("tabel = 'a.csv'", "'tabel' is not a setting; did you mean 'table'?"),
        ("epochs = 'many'", "epochs must be a whole number, 1 or more, not 'many'"),
        ("epochs = true", "epochs must be a whole number, 1 or more, not True"),
        ("target = 3", "target must be the name of a column, not 3"),
        ("table = ['a.csv']", "table must be a path, or the name of a built-in data set, not ['a.csv']"),
        ("refine = 1", "refine must be true or false, not 1"),
        ("budget = [5]", "budget must be a time such as '5m', or seconds, not [5]"),
        ("split = 2024-01-31", "split must be one of random"),
        ("l2 = -1", "l2"),
        ("resume = 'runs/a'", "'resume' is not a setting"),
        ("[train]\nepochs = 3", "'train' is not a setting"),
        ("epochs =", "is not TOML (Invalid value (at end of document)): fix it."),
    ],
    ids=lambda each: each.split(" ")[0],
)
def test_a_mistake_in_the_file_is_one_sentence(here, line, said):
    (here / "my.toml").write_text(line)
    told = refusal("train", "iris", "--config", "my.toml")
    assert "my.toml" in told and said in told
    assert not (here / "runs").exists()


VALUES = [
    None,
    True,
    3,
    -1,
    2.5,
    float("nan"),
    float("inf"),
    2**80,
    "x",
    "",
    date(2024, 1, 31),
    [],
    [1, "a"],
    [[1]],
    {},
    {"a": {}},
]


@pytest.mark.parametrize("name", Settings.__dataclass_fields__)
def test_no_value_of_any_type_ends_in_a_traceback(name):
    for value in VALUES:
        try:
            Settings(**{name: value}).to_json()
        except goodfit.GoodFitError as error:
            assert name in str(error) or value in ([], [[1]], [1, "a"]), (value, str(error))


@pytest.mark.parametrize("name", ["nowhere.toml", ".", "x.json", "old.json", "binary.toml"])
def test_what_is_no_configuration_is_named(here, trained, name):
    (here / "x.json").write_text("{}")
    (here / "old.json").write_text('{"format": 3}')
    (here / "binary.toml").write_bytes(b"\xff\xfe\x00")
    assert name.split(".")[0] in refusal("train", "--config", name)


def test_a_training_that_goes_on_keeps_its_own_settings(trained):
    assert "Give config or resume, not both" in refusal(
        "train", "--resume", trained / "run", "--config", trained / "run"
    )


def test_a_run_in_memory_has_no_table_to_train_on_again(here):
    found = goodfit.train({"x": range(40), "y": [0.5, 1] * 20}, "y", l2=0.0, learning_rate=0.01, epochs=1, hidden=())
    page = goodfit.report(found, "report.html")
    assert "table =" not in shown_in(page)
    for text in (None, float("nan")):
        with pytest.raises(goodfit.DataError, match="is not a table"):
            goodfit.train(text, "y")


def test_every_setting_is_written_as_it_is():
    settings = Settings(
        l2=(0.0, 1e-7, 1 / 3),
        learning_rate=0.1 + 0.2,
        hidden=(),
        drop=("\\", '"', "a\nb", "\x7f\u202e", "ü" * 200, "\U0001f600"),
        kinds={"a.b": "category", "": "number"},
        class_weight={"no": 0.1},
        time="day",
        test_size=100,
    )
    found = tomllib.loads(config_toml("a.csv", "y", settings, start="runs/a"))
    assert (found.pop("table"), found.pop("target"), found.pop("start")) == ("a.csv", "y", "runs/a")
    assert Settings(**found) == settings


@pytest.mark.parametrize("line", ['cluster = "tcp://127.0.0.1:1"', "insecure = true", 'executor = "x"'])
def test_no_file_can_name_a_cluster(here, line):
    (here / "c.toml").write_text(line)
    with pytest.raises(goodfit.ConfigError, match="is not a setting"):
        goodfit.read_config(here / "c.toml")
