"""``resume``: a training on arrays that is killed goes on by the same call, and ends with the same bits."""

import re
import signal

import numpy as np
import pytest

import goodfit
from goodfit import Adam, ConfigError, Dropout, EarlyStopping, Outcome, RunError
from goodfit.experiment.run_folder import journal as module
from goodfit.experiment.run_folder.journal import FoldJournal, Journal
from tests.sequential.models import CLASS, X, binary

FIT = {"epochs": 12, "validation_split": 0.2, "callbacks": [EarlyStopping(patience=40)]}
SWEEP = {"l2": [0.0, 0.1], "learning_rate": 0.01, "epochs": 5, "folds": "auto"}


class Killed(BaseException):
    """What ends a training in these tests."""


@pytest.fixture(autouse=True)
def often(monkeypatch):
    """Save after every chunk."""
    monkeypatch.setitem(Journal.__init__.__kwdefaults__, "every", 0.0)


@pytest.fixture
def killed_after(monkeypatch):
    """Return a function that ends the training after so many files were written."""
    write = FoldJournal.write

    def kill(number):
        left = [number]

        def writes(self, kind, checkpoints):
            write(self, kind, checkpoints)
            left[0] -= 1
            if not left[0]:
                raise Killed

        monkeypatch.setattr(FoldJournal, "write", writes)

    return kill


def model():
    return binary(rate=0.2, optimizer=Adam(0.01), metrics=["accuracy"], seed=3)


def until_done(train):
    """Call it until nobody kills it any more; return what it returns, and the number of kills."""
    kills = 0
    while True:
        try:
            return train(), kills
        except Killed:
            kills += 1


def assert_same(training, other):
    for w, v in zip(training.params + training.last_params, other.params + other.last_params, strict=True):
        assert {name: of.tobytes() for name, of in w.items()} == {name: of.tobytes() for name, of in v.items()}
    assert {name: of.tobytes() for name, of in training.history.items()} == {
        name: of.tobytes() for name, of in other.history.items()
    }
    assert (training.outcome, training.best_epoch) == (other.outcome, other.best_epoch)


def test_a_fit_killed_at_every_save_ends_with_the_same_bits(tmp_path, killed_after):
    whole = model().fit(X, CLASS, **FIT)
    told = []

    def again():
        killed_after(1)
        told.clear()
        callbacks = [*FIT["callbacks"], told.append]
        return model().fit(X, CLASS, **FIT | {"callbacks": callbacks}, resume=tmp_path / "fit")

    training, kills = until_done(again)
    assert kills > 3 and [record["epoch"] for record in told] == list(range(1, 13))
    assert_same(training, whole)


def test_a_sweep_killed_at_every_save_ends_with_the_same_bits(tmp_path, killed_after):
    whole = model().sweep(X, CLASS, **SWEEP)

    def again():
        killed_after(1)
        return model().sweep(X, CLASS, **SWEEP, resume=tmp_path / "sweep")

    found, kills = until_done(again)
    assert kills > 3 and found.table.equals(whole.table) and found.selection == whole.selection
    for training, other in zip(found.trainings, whole.trainings, strict=True):
        assert_same(training, other)


def test_a_finished_training_is_returned_and_not_repeated(tmp_path, monkeypatch):
    network = model()
    first = network.fit(X, CLASS, **FIT, resume=tmp_path / "fit")
    found = model().sweep(X, CLASS, **SWEEP, resume=tmp_path / "sweep")

    def trained(*_):
        raise AssertionError("trained all the same")

    monkeypatch.setattr("goodfit.training.fit.advance", trained)
    monkeypatch.setattr("goodfit.search.parallel._advance_slots", trained)
    assert_same(network.fit(X, CLASS, **FIT, resume=tmp_path / "fit"), first)
    assert_same(model().fit(X, CLASS, **FIT, resume=tmp_path / "fit"), first)
    swept = model()
    assert swept.sweep(X, CLASS, **SWEEP, resume=tmp_path / "sweep").table.equals(found.table)
    assert swept.sweep(X, CLASS, **SWEEP, resume=tmp_path / "sweep").table.equals(found.table)


def test_after_ctrl_c_the_same_model_goes_on(tmp_path):
    whole = model().fit(X, CLASS, **FIT)
    pressed = []

    def press(record):
        if not pressed:
            pressed.append(signal.raise_signal(signal.SIGINT))

    network, callbacks = model(), [*FIT["callbacks"], press]
    asked = FIT | {"callbacks": callbacks, "resume": tmp_path / "fit"}
    assert network.fit(X, CLASS, **asked).outcome is Outcome.STOPPED_BY_USER
    assert_same(network.fit(X, CLASS, **asked), whole)


OTHER = {
    "x": {"x": X + 1},
    "y": {"y": 1 - CLASS},
    "sample_weight or class_weight": {"class_weight": {0: 2.0}},
    "the validation rows": {"split": "last"},
    "epochs": {"epochs": 13},
    "batch_size": {"batch_size": 16},
    "shuffle": {"shuffle": False},
    "callbacks": {"callbacks": [EarlyStopping(patience=41)]},
}


def test_other_rows_and_settings_are_refused_by_name(tmp_path):
    asked = {"x": X, "y": CLASS, **FIT, "resume": tmp_path / "fit"}
    model().fit(**asked)
    for name, other in OTHER.items():
        with pytest.raises(RunError, match=rf"begun with other values of {name}: give what"):
            model().fit(**asked | other)
    with pytest.raises(RunError, match="begun with other values of layers, optimizer: give what"):
        binary(rate=0.3, metrics=["accuracy"], seed=3).fit(**asked)
    changed = model()
    changed.build(3)
    changed.set_weights([2 * w for w in changed.get_weights()])
    with pytest.raises(RunError, match="begun with other values of the weights of the model: "):
        changed.fit(**asked)
    with pytest.raises(RunError, match="other values of"):
        model().sweep(X, CLASS, **SWEEP, resume=tmp_path / "fit")


def test_other_hyperparameters_of_a_sweep_are_refused_by_name(tmp_path):
    model().sweep(X, CLASS, **SWEEP, resume=tmp_path / "sweep")
    for name, other in {"l2": [0.0, 0.2], "epochs": 6, "folds": 2, "dropout": [0.1, 0.2], "seeds": 2}.items():
        with pytest.raises(RunError, match=rf"begun with other values of .*{name.removesuffix('s')}"):
            model().sweep(X, CLASS, **SWEEP | {name: other}, resume=tmp_path / "sweep")


def test_a_folder_of_something_else_is_refused(tmp_path):
    asked = {"x": X, "y": CLASS, **FIT}
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").touch()
    with pytest.raises(RunError, match="is not empty: choose another folder"):
        model().fit(**asked, resume=tmp_path / "mine")
    (tmp_path / "run" / "journal").mkdir(parents=True)
    (tmp_path / "run" / "journal" / "plan.json").touch()
    with pytest.raises(RunError, match=r"holds a training of a table: resume it by goodfit\.train"):
        model().fit(**asked, resume=tmp_path / "run")
    model().fit(**asked, resume=tmp_path / "fit")
    with pytest.raises(RunError, match=r"holds a training on arrays: resume it by Sequential\.fit or sweep"):
        goodfit.train(resume=tmp_path / "fit")


def test_a_damaged_state_is_noticed_and_the_training_is_the_same(tmp_path, killed_after):
    whole = model().fit(X, CLASS, **FIT)
    killed_after(3)
    with pytest.raises(Killed):
        model().fit(X, CLASS, **FIT, resume=tmp_path / "fit")
    latest = max((tmp_path / "fit" / "journal").glob("running-*"))
    latest.write_bytes(latest.read_bytes()[:-1])
    with pytest.warns(UserWarning, match=f"{re.escape(latest.name)} of the journal is damaged"):
        assert_same(model().fit(X, CLASS, **FIT, resume=tmp_path / "fit"), whole)


def test_a_full_disk_does_not_end_the_training(tmp_path, monkeypatch):
    def full(path, content):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(module, "write_file", full)
    with pytest.warns(UserWarning, match=r"cannot be saved while it runs \(No space left on device"):
        training = model().fit(X, CLASS, **FIT, resume=tmp_path / "fit")
    assert_same(training, model().fit(X, CLASS, **FIT))


def test_marks_are_of_the_values_whatever_their_order_in_memory():
    from goodfit.experiment.array_resuming import mark, mark_of_rows

    table = np.arange(30_000.0).reshape(10_000, 3)
    assert mark_of_rows([table]) == mark_of_rows([np.asfortranarray(table)]) != mark_of_rows([table[::-1]])
    assert mark_of_rows([table[:5000], table[5000:]]) != mark_of_rows([table])
    assert mark(Dropout(0.1)) == mark(Dropout(0.1)) != mark(Dropout(0.1 + 1e-12))


@pytest.mark.parametrize("content", [b"", b"{}", b"[" * 100_000, b'{"arguments": 3}', None])
def test_a_plan_of_a_stranger_is_refused_in_one_sentence(content, tmp_path):
    model().fit(X, CLASS, **FIT, resume=tmp_path / "fit")
    plan = tmp_path / "fit" / "journal" / "arrays.json"
    plan.unlink()
    if content is None:
        plan.symlink_to("/dev/zero")
    else:
        plan.write_bytes(content)
    with pytest.raises(RunError, match=r"arrays\.json is damaged or of another version") as refusal:
        model().fit(X, CLASS, **FIT, resume=tmp_path / "fit")
    assert len(str(refusal.value)) < 1000 and "\n" not in str(refusal.value)


@pytest.mark.filterwarnings("ignore:memory ran out")
def test_memory_that_does_not_suffice_for_one_epoch_is_one_sentence(tmp_path, monkeypatch):
    def exhausted(*_):
        raise MemoryError("no memory")

    monkeypatch.setattr("goodfit.training.fit.advance", exhausted)
    with pytest.raises(ConfigError, match="there is not enough memory"):
        model().fit(X, CLASS, **FIT, resume=tmp_path / "fit")
    monkeypatch.undo()
    assert_same(model().fit(X, CLASS, **FIT, resume=tmp_path / "fit"), model().fit(X, CLASS, **FIT))
