"""Signals that end a training: what is done is kept, the command that resumes it is shown, and nobody waits long."""

import contextlib
import os
import shlex
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import FrameType

from goodfit.errors import GoodFitError
from goodfit.experiment.run_path import is_interrupted, validate_run

ENDING = {getattr(signal, name): name for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)}
PATIENCE = 1.5
"""Seconds for the running chunk to end and be saved. After that the state saved before has to do."""


def resume_command(folder: Path) -> str:
    """Return the command that goes on with the training in a folder."""
    return f"goodfit train --resume {shlex.quote(str(folder))}"


def report_command(folder: Path) -> str:
    """Return the command that writes the report of a run."""
    return f"goodfit report {shlex.quote(str(folder))}"


@contextlib.contextmanager
def ended_by_signals(folder: Path, complain: Callable[[str], None]) -> Iterator[None]:
    """Say how to resume the training of the block when SIGTERM or SIGHUP ends it, with status 128 + signal.

    The training saves its state and raises the signal again (``goodfit.training.interrupt``). Python hears a signal
    only between two instructions, and a chunk or a compilation is one instruction. So a thread watches over the
    signals, too, and ends the process if the training has not done so; likewise after a second Ctrl-C.
    """
    done, pressed = threading.Event(), list[int]()

    def leave(number: int) -> None:
        with contextlib.suppress(OSError, GoodFitError):  # the terminal may be closed
            if not is_interrupted(folder):
                validate_run(folder)
                complain(f"ended by {ENDING[number]}; the run is saved, for its report: {report_command(folder)}")
            else:
                complain(f"ended by {ENDING[number]}; to resume: {resume_command(folder)}")

    def end(number: int, frame: FrameType | None) -> None:
        done.set()
        leave(number)
        sys.exit(128 + number)

    def hurry(number: int) -> None:
        if not done.wait(PATIENCE):
            leave(number)
            os._exit(128 + number)

    def again(number: int) -> None:
        pressed.append(number)
        if len(pressed) > 1 and not done.wait(PATIENCE):
            os._exit(128 + number)

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    heard = [number for number in ENDING if signal.getsignal(number) == signal.SIG_DFL]
    before = {number: signal.signal(number, end) for number in heard}
    with _watched(dict.fromkeys(heard, hurry) | {signal.SIGINT: again}):
        try:
            yield
        except KeyboardInterrupt:  # after the search, while it is measured and reported
            with contextlib.suppress(OSError, GoodFitError):
                if is_interrupted(folder):
                    complain(f"interrupted; to resume: {resume_command(folder)}")
            raise
        finally:
            done.set()
            for number, handler in before.items():
                signal.signal(number, handler)


@contextlib.contextmanager
def _watched(actions: Mapping[int, Callable[[int], None]]) -> Iterator[None]:
    """Call an action in a thread when its signal arrives."""
    if sys.platform == "win32":  # signals of other processes do not exist there
        yield
        return
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    before = signal.set_wakeup_fd(writer, warn_on_full_buffer=False)

    def watch() -> None:
        while number := os.read(reader, 1):
            actions.get(number[0], int)(number[0])
        os.close(reader)

    threading.Thread(target=watch, daemon=True).start()
    try:
        yield
    finally:
        signal.set_wakeup_fd(before)
        os.close(writer)
