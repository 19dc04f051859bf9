"""``goodfit export``: what a person sees, and what a mistake looks like."""

import onnxruntime
import pytest

import goodfit
from goodfit.cli.main import main


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("runs") / "iris"
    goodfit.train("iris", l2=0.001, learning_rate=0.01, epochs=3, out=path)
    return path


def export(*words):
    """Status of the command."""
    with pytest.raises(SystemExit) as left:
        main(["export", *map(str, words)])
    return left.value.code or 0


def test_a_run_is_exported_to_onnx(folder, tmp_path, capsys):
    file = tmp_path / "iris.onnx"
    assert export(folder, "--onnx", file) == 0
    assert "1 network in one model, from 4 columns" in capsys.readouterr().out
    assert len(onnxruntime.InferenceSession(file).get_inputs()) == 4
    assert export(folder, "--onnx", file) == 2
    assert "(--force)" in capsys.readouterr().err
    assert export(folder, "--onnx", file, "--force") == 0


def test_a_run_is_exported_to_keras(folder, tmp_path, capsys, keras):
    file = tmp_path / "iris.keras"
    assert export(folder, "--keras", file) == 0
    assert keras.saving.load_model(file).output_shape == (None, 3)
    assert export(folder, "--keras", tmp_path / "iris.h5") == 2
    assert "a file that ends in .keras" in capsys.readouterr().err


def test_without_a_file_the_flags_are_named(folder, capsys):
    assert export(folder) == 2
    said = capsys.readouterr().err
    assert "(--onnx)" in said
    assert "(--keras)" in said
