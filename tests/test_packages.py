"""The wheel installs in a clean environment and runs from any folder; the sdist has the tests, which pass in it."""

import os
import re
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
pytestmark = pytest.mark.slow


def run(*words, cwd, **environment):
    """What a command prints; without what this process says about where Python finds things."""
    inherited = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")}
    words = [str(word) for word in words]
    done = subprocess.run(words, cwd=cwd, env=inherited | environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def dist(tmp_path_factory):
    """A folder with the wheel and the sdist."""
    folder = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "hatchling", "build", "-d", folder, cwd=ROOT)
    return folder


@pytest.fixture(scope="module")
def wheel(dist):
    (wheel,) = dist.glob("*.whl")
    return wheel


@pytest.fixture(scope="module")
def unpacked(dist, tmp_path_factory):
    """The sdist, unpacked."""
    (sdist,) = dist.glob("*.tar.gz")
    folder = tmp_path_factory.mktemp("sdist")
    with tarfile.open(sdist) as archive:
        archive.extractall(folder, filter="data")
    (root,) = folder.iterdir()
    return root


@pytest.fixture(scope="module")
def clean(wheel, tmp_path_factory):
    """The programs of an environment that has the wheel and what it asks for, and nothing else."""
    folder = tmp_path_factory.mktemp("clean")
    run(sys.executable, "-m", "venv", folder / "venv", cwd=folder)
    programs = folder / "venv" / ("Scripts" if os.name == "nt" else "bin")
    pip = (programs / "python", "-m", "pip", "--quiet", "--disable-pip-version-check")
    run(*pip, "install", "--require-hashes", "--requirement", ROOT / "locks" / "run.txt", cwd=folder)
    run(*pip, "install", "--no-deps", wheel, cwd=folder)
    run(*pip, "check", cwd=folder)
    return programs


def test_the_wheel_has_every_file_of_the_package(wheel):
    listed = run("git", "ls-files", "src", cwd=ROOT).split() if (ROOT / ".git").exists() else []
    expected = {Path(name).relative_to("src").as_posix() for name in listed}
    packed = {name for name in zipfile.ZipFile(wheel).namelist() if name.startswith("goodfit/")}
    assert packed >= expected
    assert {"goodfit/py.typed", "goodfit/__init__.pyi", "goodfit/data/io/builtin_sets/iris.parquet"} <= packed
    assert {
        "goodfit/reporting/report.html.j2",
        "goodfit/reporting/page.css",
        "goodfit/guided_tour/tour.html.j2",
    } <= packed


def test_the_wheel_trains_examines_and_predicts_in_any_folder(clean, tmp_path):
    goodfit = clean / "goodfit"
    where = run(clean / "python", "-c", "import goodfit; print(goodfit.__file__)", cwd=tmp_path)
    assert Path(where.strip()).is_relative_to(clean.parent)
    cache = {"GOODFIT_CACHE": os.fspath(tmp_path / "cache"), "JAX_PLATFORMS": "cpu"}
    said = run(goodfit, "train", "breast_cancer", "--epochs", "5", "--out", "run", cwd=tmp_path, **cache)
    assert "569 rows, 31 columns" in said
    assert re.search(r"accuracy +0\.9", run(goodfit, "test", "run", cwd=tmp_path, **cache))
    run(goodfit, "predict", "run", "breast_cancer", "--out", "p.csv", cwd=tmp_path, **cache)
    assert len((tmp_path / "p.csv").read_text().splitlines()) == 570
    assert "<svg" in (tmp_path / "run" / "report.html").read_text("utf-8")


def test_the_sdist_makes_the_same_wheel(unpacked, wheel, tmp_path):
    run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", tmp_path, cwd=unpacked)
    (again,) = tmp_path.glob("*.whl")
    assert set(zipfile.ZipFile(again).namelist()) == set(zipfile.ZipFile(wheel).namelist())


def test_tests_of_the_sdist_pass_in_it(unpacked):
    few = ("tests/test_formatting.py", "tests/data/io", "tests/test_public_names.py", "tests/test_dependencies.py")
    said = run(
        sys.executable,
        "-m",
        "pytest",
        "-p",
        "no:cacheprovider",
        *few,
        cwd=unpacked,
        PYTHONPATH=os.fspath(unpacked / "src"),
    )
    assert re.search(r"\d+ passed", said) and "failed" not in said
