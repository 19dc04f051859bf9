"""The site of the documentation: all pages and public names are on it; it is built without a warning or the network."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import goodfit

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"


def test_every_page_is_in_the_navigation():
    named = re.findall(r"^ +- [^:\n]+: (\S+\.md)$", (ROOT / "mkdocs.yml").read_text(encoding="utf-8"), re.MULTILINE)
    assert sorted(named) == sorted(path.name for path in DOCS.glob("*.md"))


def test_every_public_name_is_on_the_page_of_the_api():
    page = (DOCS / "api.md").read_text(encoding="utf-8")
    shown = dict(re.findall(r"^### `goodfit\.(\w+)`\n\n::: (\S+)$", page, re.MULTILINE))
    assert shown.keys() == set(goodfit.__all__)
    for name, place in shown.items():
        assert place.split(".")[0] == "goodfit" and place.endswith(f".{name}")


@pytest.mark.slow
def test_the_site_is_built_without_a_warning_or_the_network(tmp_path):
    subprocess.run([sys.executable, "-m", "venv", tmp_path / "venv"], check=True)
    programs = tmp_path / "venv" / ("Scripts" if os.name == "nt" else "bin")
    lock = ROOT / "locks" / "docs.txt"
    subprocess.run([programs / "python", "-m", "pip", "--quiet", "install", "--requirement", lock], check=True)
    offline = dict.fromkeys(("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"), "http://127.0.0.1:9")
    words = [programs / "mkdocs", "build", "--strict", "--site-dir", tmp_path / "site"]
    environment = os.environ | offline | {"NO_MKDOCS_2_WARNING": "1"}
    done = subprocess.run(words, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    api = (tmp_path / "site" / "api.html").read_text(encoding="utf-8")
    assert "α_t" in api and "64 % of the rows teach" in api
    loaded = re.findall(r'<(?:script|img|link)[^>]* (?:src|href)="(https?:[^"]+)"', api)
    assert not loaded
