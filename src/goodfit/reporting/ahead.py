"""Start what draws charts while something else runs: importing altair and a JavaScript engine take most of a second."""

import importlib
import threading


def start_engine() -> threading.Thread:
    """Import altair and start the JavaScript engine in a thread, which a process waits for before it ends."""
    thread = threading.Thread(target=_start, name="goodfit-charts")
    thread.start()
    return thread


def _start() -> None:
    importlib.import_module("goodfit.reporting.page")
    importlib.import_module("goodfit.reporting.svg").start()
