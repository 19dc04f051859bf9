"""Every block of code in README and docs/ is run, every link leads to a file, every command is shown.

The blocks of one page are run in order, in one empty folder: ```python blocks share their names, and of ```console and
```bash blocks the lines that begin with `$ goodfit` are run. `# exit 2` behind a command says that it must end so.
What only shows something (text, toml, ...) is not run, nor is a block under the comment <!-- no-run -->.
"""

import re
import shlex
import sys
from dataclasses import dataclass
from importlib.metadata import entry_points
from pathlib import Path

import pytest
import typer

ROOT = Path(__file__).parents[1]
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
RUN = {"python", "console", "bash"}
SHOWN = {"text", "toml", "json", "html", "mermaid", "csv"}

FENCE = re.compile(r"(<!-- no-run -->\s*\n)?^```([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\((?!\w+:)([^)#\s]+)")


@dataclass(frozen=True)
class Block:
    language: str
    code: str
    line: int
    run: bool


def blocks_of(text):
    return [
        Block(language=found[2], code=found[3], line=text.count("\n", 0, found.start(3)) + 1, run=found[1] is None)
        for found in FENCE.finditer(text)
    ]


def commands_of(code):
    """The words of each `$ goodfit …` line and the exit status that a comment `# exit 2` behind it announces."""
    for line in code.replace("\\\n", " ").splitlines():
        if line.startswith("$ goodfit"):
            announced = re.search(r"# exit (\d+)$", line)
            yield shlex.split(line[2:], comments=True), int(announced[1]) if announced else 0


def run_command(words, expected, monkeypatch, where):
    (script,) = entry_points(group="console_scripts", name="goodfit")
    monkeypatch.setattr(sys, "argv", words)
    with pytest.raises(SystemExit) as left:
        sys.exit(script.load()())
    assert (left.value.code or 0) == expected, f"{where}: {shlex.join(words)} ended with {left.value.code}"


def run_document(path, monkeypatch):
    names = {"__name__": "__main__"}
    for block in blocks_of(path.read_text(encoding="utf-8")):
        if not block.run:
            continue
        if block.language == "python":
            exec(compile("\n" * (block.line - 1) + block.code, str(path), "exec"), names)
        elif block.language in RUN:
            for words, expected in commands_of(block.code):
                run_command(words, expected, monkeypatch, f"{path.name}:{block.line}")


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_every_block_runs(path, tmp_path, monkeypatch, keras):
    monkeypatch.chdir(tmp_path)
    run_document(path, monkeypatch)


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_every_block_says_its_language(path):
    unknown = [block for block in blocks_of(path.read_text(encoding="utf-8")) if block.language not in RUN | SHOWN]
    assert not unknown, f"a block without a language would never be run: {unknown}"


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_every_link_leads_to_a_file(path):
    dead = [target for target in LINK.findall(path.read_text(encoding="utf-8")) if not (path.parent / target).exists()]
    assert not dead


def test_every_command_is_explained_by_an_example_and_written_about():
    cli = pytest.importorskip("goodfit.cli.main")
    pages = "".join(path.read_text(encoding="utf-8") for path in DOCUMENTS)
    for name, command in typer.main.get_command(cli.app).commands.items():
        assert f"goodfit {name}" in (command.help or ""), f"the help of {name} shows no example"
        assert f"$ goodfit {name}" in pages, f"no page shows {name}"


def test_a_broken_block_fails_with_the_line_of_the_document(tmp_path, monkeypatch):
    document = tmp_path / "page.md"
    document.write_text("# Page\n\n```python\nx = 1\n```\n\n```python\nassert x == 2\n```\n")
    with pytest.raises(AssertionError) as failure:
        run_document(document, monkeypatch)
    assert (failure.traceback[-1].path, failure.traceback[-1].lineno + 1) == (document, 8)


def test_a_block_marked_no_run_is_not_run(tmp_path, monkeypatch):
    document = tmp_path / "page.md"
    document.write_text("<!-- no-run -->\n```python\nraise SystemError\n```\n")
    run_document(document, monkeypatch)


def test_commands_are_found_with_their_exit_status():
    code = "$ make demo\n$ goodfit train 'my data.csv' \\\n    --target y\noutput\n$ goodfit test runs/y  # exit 2\n"
    assert list(commands_of(code)) == [
        (["goodfit", "train", "my data.csv", "--target", "y"], 0),
        (["goodfit", "test", "runs/y"], 2),
    ]
