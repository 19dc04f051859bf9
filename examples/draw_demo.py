"""Draw what `make demo` shows, or other commands, as a picture that needs nothing from the network.

python examples/draw_demo.py docs/images/demo.svg
python examples/draw_demo.py iris.svg "goodfit train iris --out runs/iris" "goodfit test runs/iris"
"""

import contextlib
import io
import re
import shlex
import sys
import tempfile
from pathlib import Path
from unittest.mock import patch

from rich.console import CONSOLE_SVG_FORMAT, Console
from rich.terminal_theme import MONOKAI

from goodfit.cli import main as program

COMMANDS = ["goodfit train breast_cancer --out runs/demo", "goodfit test runs/demo"]
FONT = "ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace"
PICTURE = re.sub(r"@font-face \{\{.*?\}\}\n", "", CONSOLE_SVG_FORMAT, flags=re.DOTALL).replace("Fira Code", FONT)


def run(command: str, console: Console) -> None:
    """One command, drawn on the console; it must succeed."""
    console.print(f"$ {command}\n", style="bold green")
    try:
        program.main(shlex.split(command)[1:])
    except SystemExit as left:
        if left.code:
            raise
    console.print()


picture = Path(sys.argv[1] if len(sys.argv) > 1 else "demo.svg").absolute()
console = Console(
    record=True, file=io.StringIO(), force_terminal=True, width=84, highlight=False, markup=False, emoji=False
)
unseen = Console(file=io.StringIO())
with (
    tempfile.TemporaryDirectory() as folder,
    contextlib.chdir(folder),
    patch.multiple(program, OUT=console, ERR=unseen),
):
    for command in sys.argv[2:] or COMMANDS:
        run(command, console)
picture.write_text(
    console.export_svg(title="goodfit", theme=MONOKAI, code_format=PICTURE, unique_id="demo"), encoding="utf-8"
)
