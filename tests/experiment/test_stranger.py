"""A run folder from a stranger: what it says is refused in one sentence where it would harm or contradicts itself."""

import json
import os
import shutil
import threading
from functools import partial

import numpy as np
import pytest
import safetensors.numpy

import goodfit
from goodfit import ExamError, RunError, load
from goodfit.data.encoder import fit_encoder
from goodfit.data.io.text import validate_width
from goodfit.experiment.kept_ensemble import FoldNetworks
from goodfit.experiment.run_folder.layout import JSON_LIMIT, with_checksum
from goodfit.experiment.run_folder.typed import encode
from tests.experiment.conftest import mended, mended_json

posix = pytest.mark.skipif(os.name != "posix", reason="pipes, devices and links of POSIX")
ARRAYS = [f"{name}.safetensors" for name in ("curves", "trials", "weights", "ensemble", "splits")]
HUGE = 12 << 30


def arrays_changed(folder, name, change):
    """Change arrays, and mend all checksums."""
    arrays = {key: of.copy() for key, of in safetensors.numpy.load_file(folder / name).items()}
    change(arrays)
    safetensors.numpy.save_file(arrays, folder / name)
    return mended(folder)


def assert_refused(folder, match="is damaged"):
    with pytest.raises(RunError, match=match) as refusal:
        load(folder)
    assert len(str(refusal.value)) < 1000 and "\n" not in str(refusal.value)


def test_what_was_saved_is_sound(searched, single, folder):
    for path in (searched, single, mended(folder)):
        assert load(path).record.versions


def test_the_encoders_of_five_folds_of_the_widest_table_are_not_too_large_to_be_read():
    x, n_columns = np.random.default_rng(0).normal(size=(40, 100)), validate_width.__kwdefaults__["largest"]
    encoder = fit_encoder(goodfit.read_table({f"column {i}": x[:, i] for i in range(100)}), np.arange(40))
    content = encode({"folds": [FoldNetworks(encoder, 0.0, 1.0, ())] * 5})
    assert len(content) / 100 * n_columns < JSON_LIMIT


# --- sizes and kinds of files, before a byte is read -----------------------------------------------------------------


@posix
@pytest.mark.parametrize("name", ["run.json", "encoder.json", *ARRAYS])
@pytest.mark.parametrize("kind", ["pipe", "device", "link outside", "link inside", "folder"])
def test_only_regular_files_of_the_folder_are_read(kind, name, folder, tmp_path):
    path = folder / name
    kept = path.rename(tmp_path / name)
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    else:
        target = {"device": "/dev/zero", "link outside": kept, "link inside": shutil.copy(kept, folder / "other")}[kind]
        path.symlink_to(target)
    done = []
    thread = threading.Thread(target=lambda: done.append(assert_refused(folder, "link|regular|directory")), daemon=True)
    thread.start()
    thread.join(20)
    assert done == [None]


@pytest.mark.parametrize("name", ["run.json", "ensemble.json", "curves.safetensors"])
def test_a_sparse_file_of_many_gigabytes_is_not_read(name, folder):
    with open(folder / name, "r+b") as file:
        file.truncate(HUGE)
    assert_refused(folder, "more than the|is not as it was written")


@pytest.mark.parametrize("name", ["ensemble.json", "curves.safetensors"])
def test_a_sparse_file_whose_size_is_recorded_is_not_read(name, folder):
    """A file of 12 GB takes no room on the disk of the one who sends it, and all memory of the one who reads it."""
    with open(folder / name, "r+b") as file:
        file.truncate(HUGE)
    summary = json.loads((folder / "run.json").read_text())
    del summary["checksum"]
    summary["files"][name][0] = HUGE
    (folder / "run.json").write_bytes(with_checksum(json.dumps(summary, indent=1).encode() + b"\n"))
    assert_refused(folder, "more than|does not fit the plan|memory")


@pytest.mark.parametrize(
    "change",
    [
        {"n_epochs": 2**30},
        {"n_trials": 2**30},
        {"settings": {"hidden": [2**20] * 8}},
        {"settings": {"hidden": [1] * 1_000_000}},
        {"splits": {"train": 2**35}},
    ],
)
def test_few_bytes_cannot_mean_many(change, folder):
    def into(summary):
        for name, value in change.items():
            summary[name] = summary[name] | value if isinstance(value, dict) else value

    assert_refused(mended(folder, into))


def test_an_array_of_another_shape_or_type_is_refused(folder):
    name = "best.0.kernel"
    for change in (
        lambda arrays: arrays.update({name: arrays[name].T}),
        lambda arrays: arrays.update({name: arrays[name].view(np.int32)}),
        lambda arrays: arrays.update({"best.9.kernel": arrays.pop(name)}),
    ):
        copy = shutil.copytree(folder, folder.parent / "again", dirs_exist_ok=True)
        assert_refused(arrays_changed(copy, "weights.safetensors", change), "other arrays than the plan")


@pytest.mark.parametrize("name", ["../evil.json", "/etc/passwd", "a\0b", "encoder.json/../../evil.json"])
def test_a_file_outside_of_the_folder_is_none_of_the_run(name, folder):
    (folder.parent / "evil.json").write_text("{}")
    assert_refused(mended(folder, lambda summary: summary["files"].update({name: [2, "0" * 64]})))


def test_a_summary_is_protected_by_its_own_checksum(folder):
    content = (folder / "run.json").read_bytes()
    (folder / "run.json").write_bytes(content.replace(b'"classes": [\n   "no"', b'"classes": [\n   "nO"'))
    assert_refused(folder, "run.json is not as it was written")


# --- what contradicts itself -----------------------------------------------------------------------------------------


def reversed_classes(summary):
    summary["target"]["classes"].reverse()


CONTRADICTIONS = {
    "best epoch below": (lambda s: s.update(best_epoch=-5), "best epoch"),
    "best epoch beyond": (lambda s: s.update(best_epoch=500), "best epoch"),
    "another epoch": (lambda s: s.update(best_epoch=5 - s["best_epoch"]), "best epoch"),
    "reversed classes": (reversed_classes, "classes are not in order"),
    "more classes": (lambda s: s["target"].update(classes=["a", "b", "c"]), "other classes than its task"),
    "a million classes": (lambda s: s["target"].update(classes=[str(i) for i in range(99_999)]), "classes"),
    "scale": (lambda s: s["target"].update(scale=0.0), "scale of the target"),
    "mean": (lambda s: s["target"].update(mean="nan"), "scale of the target"),
    "no column": (lambda s: s["schema"].pop(), "columns"),
    "twice": (lambda s: s["schema"].append(s["schema"][0]), "named twice"),
    "kind": (lambda s: s["schema"][0].update(kind="text"), "another kind"),
    "table": (lambda s: s["splits"].update(n_rows=20), "not within the table"),
    "no seal": (lambda s: s["splits"].update(seal=None), "seal"),
    "seed": (lambda s: s["splits"].update(seed=5), "seed"),
    "trial": (lambda s: s["selection"].update(trial=10**6), "selected trial"),
    "trials": (lambda s: s["selection"]["chosen"].update(trials=[-1]), "names a trial"),
    "config": (lambda s: s["selection"]["best"]["config"].update(l2=5.0), "differs from its trials"),
    "edges": (lambda s: s["selection"].update(edges={"rate": "low"}), "other hyperparameters"),
    "planned": (lambda s: s.update(n_planned=1), "than planned"),
    "epochs": (lambda s: s["settings"].update(epochs=1), "more epochs"),
    "outcome": (lambda s: s.update(outcome="BROKEN"), "BROKEN"),
    "a setting": (lambda s: s["settings"].pop("dropout"), "settings"),
    "kinds": (lambda s: s["settings"].update(kinds=5), "kinds"),
    "drop": (lambda s: s["settings"].update(drop=5), "drop"),
    "created": (lambda s: s.update(created="\x1b[2J"), "created"),
    "long": (lambda s: s.update(versions={"goodfit": "1" * 10_000_000}), "length"),
    "unknown": (lambda s: s.update(py_object="os.system"), "unknown field"),
}


@pytest.mark.parametrize("case", CONTRADICTIONS)
def test_a_summary_that_contradicts_the_other_files_is_refused(case, folder):
    change, sentence = CONTRADICTIONS[case]
    assert_refused(mended(folder, change), rf"is damaged \(.*{sentence}")


@pytest.mark.parametrize(
    ("name", "change", "sentence"),
    [
        ("measurements.json", lambda m: m["confusion"].pop(), "confusion"),
        ("measurements.json", lambda m: m["confusion"][0].__setitem__(0, 10**6), "confusion"),
        ("measurements.json", lambda m: m["intervals"].pop("auc"), "metrics"),
        ("measurements.json", lambda m: m["losses"].pop("linear"), "models"),
        ("measurements.json", lambda m: m["features"].pop(), "features"),
        ("measurements.json", lambda m: m.update(units=[4, 4]), "layers"),
        ("measurements.json", lambda m: m.update(dead_units=[5]), "dead"),
        ("measurements.json", lambda m: m["calibration"][0].__setitem__(0, "inf"), "not finite"),
        ("measurements.json", lambda m: m["reference_scores"].pop("trees"), "reference models"),
        ("measurements.json", lambda m: m["reference_scores"]["trees"].pop("auc"), "metrics"),
        ("ensemble.json", lambda e: e["confusion"].pop(), "confusion"),
        ("ensemble.json", lambda e: e["confusion"][0].__setitem__(0, 10**6), "confusion"),
        ("ensemble.json", lambda e: e["calibration"][0].__setitem__(0, "inf"), "not finite"),
        ("ensemble.json", lambda e: [part.__setitem__(2, -9) for part in e["calibration"]], "below 0"),
        ("ensemble.json", lambda e: e["calibration"][0].__setitem__(2, 10**6), "other rows"),
        ("ensemble.json", lambda e: e.update(residuals=[[0.0, 1.0, 192]]), "residuals|other rows"),
        ("ensemble.json", lambda e: e["shares"].__setitem__(0, -0.5), "shares"),
        ("ensemble.json", lambda e: e.update(shares=[1 / 2**20] * 2**20), "its trials|length"),
        ("ensemble.json", lambda e: e.update(temperature=0.0), "temperature"),
        ("ensemble.json", lambda e: e["folds"][0].update(scale=-1.0), "scale"),
        ("ensemble.json", lambda e: e["folds"][0].update(networks=[[{"a": 1}]]), "networks"),
        ("ensemble.json", lambda e: e["members"][0].__setitem__(2, [99]), "trial"),
        ("ensemble.json", lambda e: e["members"][0].__setitem__(2, e["members"][0][2][:-1]), "not those of its trials"),
        ("encoder.json", lambda e: e["features"].pop(), ""),
        ("encoder.json", lambda e: e.update(target="size"), "columns|target"),
    ],
)
def test_another_file_that_contradicts_the_run_is_refused(name, change, sentence, folder):
    assert_refused(mended_json(folder, name, change), rf"is damaged \(.*({sentence})")


def put(arrays, name, place, value):
    arrays[name].reshape(-1)[place] = value


@pytest.mark.parametrize(
    ("name", "array", "value", "sentence"),
    [
        ("weights.safetensors", "best.0.kernel", np.nan, "not finite"),
        ("weights.safetensors", "last.1.bias", np.inf, "not finite"),
        ("ensemble.safetensors", "0.0.0.kernel", np.nan, "not finite"),
        ("splits.safetensors", "test", 10**9, "not in order|not within"),
        ("splits.safetensors", "train", -1, "below 0"),
        ("trials.safetensors", "epochs", 2**40, "epochs of the trials"),
        ("trials.safetensors", "epochs", 0, "epochs of the trials"),
        ("trials.safetensors", "best_epoch", 9, "best epoch"),
        ("trials.safetensors", "outcome", 77, "77"),
        ("trials.safetensors", "fold", -3, "fold"),
        ("trials.safetensors", "rung", -1, "rung"),
        ("trials.safetensors", "train_rows", 0, "training rows"),
        ("trials.safetensors", "seed", 9, "seed"),
        ("trials.safetensors", "config.l2", 0.5, "grid"),
        ("trials.safetensors", "quantiles", np.nan, "quantiles"),
    ],
)
def test_numbers_that_cannot_be_are_refused(name, array, value, sentence, folder):
    assert_refused(arrays_changed(folder, name, partial(put, name=array, place=0, value=value)), sentence)


# --- the exam --------------------------------------------------------------------------------------------------------


def test_training_rows_in_place_of_test_rows_do_not_pass(folder, table):
    def exchange(arrays):
        arrays["test"], arrays["train"][:10] = arrays["train"][:10].copy(), arrays["test"].copy()
        arrays["train"].sort()

    with pytest.raises((ExamError, RunError), match=r"not the rows that were sealed|loss is not a known row"):
        load(arrays_changed(folder, "splits.safetensors", exchange)).test(table)


@posix
@pytest.mark.parametrize("source", ["/etc/passwd", "/dev/zero", "pipe", "/", "~/.bashrc", "iris\0"])
def test_the_source_is_read_only_if_it_is_the_file_of_the_training(source, folder, tmp_path):
    if source == "pipe":
        source = str(tmp_path / "pipe")
        os.mkfifo(source)
    for change in ({"source": source}, {"source": source, "source_file": None}):
        copy = shutil.copytree(folder, tmp_path / "again", dirs_exist_ok=True)
        with pytest.raises((ExamError, RunError)) as refusal:
            load(mended(copy, lambda summary, change=change: summary.update(change))).test()
        assert "root:" not in str(refusal.value) and not (copy / "ledger.jsonl").exists()


def test_a_source_of_the_same_size_and_other_content_is_not_read(folder, table, tmp_path):
    other = tmp_path / "other.csv"
    other.write_bytes(table.read_bytes().replace(b"Rome", b"Bern"))
    with pytest.raises(ExamError, match=r"other\.csv' has changed since the training"):
        load(mended(folder, lambda summary: summary.update(source=str(other)))).test()


def test_the_source_of_another_machine_is_named_before_it_is_read(folder, table):
    run = load(mended(folder, lambda summary: summary.update(machine="another")))
    with pytest.warns(UserWarning, match=r"of another machine; reading the table that it names: .*people\.csv"):
        run.test()


def test_a_folder_that_has_the_name_of_a_built_in_set_is_not_taken_for_it(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "iris").mkdir()
    assert goodfit.train("iris", l2=0.1, learning_rate=0.1, epochs=1, hidden=()).record.source == "iris"
