"""What ends a training early: Ctrl-C or the end of its time, after the running chunk; a second Ctrl-C aborts.

Where checkpoints are kept, a request to end the process (SIGTERM) and a closed terminal (SIGHUP) wait until the chunk
is saved.
"""

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from goodfit.training.loop import OUT_OF_TIME, STOPPED_BY_USER

ENDING = tuple(getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name))


class Interruption(threading.Event):
    """Set when a training is to end. code: why. deadline: when its time is over, in seconds of ``time.monotonic``."""

    code = STOPPED_BY_USER
    deadline: float | None = None


@contextmanager
def interruptible(*, saves: bool = False, deadline: float | None = None) -> Iterator[Interruption]:
    """Provide an event that Ctrl-C and the end of the time set while the block runs.

    Ctrl-C does not set it outside the main thread, or where Python cannot restore the previous signal handler.

    Args:
        saves: whether the block saves its state at its end. SIGTERM and SIGHUP then set the event, too, and are raised
            again after the block, so that they do what they would have done.
        deadline: when the time is over, in seconds of ``time.monotonic``.
    """
    interrupted = Interruption()
    interrupted.deadline = deadline
    with _until(deadline, interrupted):
        yield from _interruptible(interrupted, saves=saves)


@contextmanager
def _until(deadline: float | None, interrupted: Interruption) -> Iterator[None]:
    """Set the event when the time is over."""
    if deadline is None:
        yield
        return

    def end() -> None:
        if not interrupted.is_set():
            interrupted.code = OUT_OF_TIME
            interrupted.set()

    timer = threading.Timer(max(0.0, deadline - time.monotonic()), end)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _interruptible(interrupted: Interruption, *, saves: bool) -> Iterator[Interruption]:
    """Provide the event, which Ctrl-C sets."""
    ending, pressed = list[int](), list[int]()
    signals = (signal.SIGINT, *(ENDING if saves else ()))
    in_main_thread = threading.current_thread() is threading.main_thread()
    if not in_main_thread or any(signal.getsignal(number) is None for number in signals):
        yield interrupted
        return

    def interrupt(number: int, frame: FrameType | None) -> None:
        if number in ENDING:
            ending.append(number)
        elif pressed:
            raise KeyboardInterrupt
        else:
            pressed.append(number)
        interrupted.set()

    # A signal that is ignored, as SIGHUP is under nohup, stays ignored.
    heard = [each for each in signals if each == signal.SIGINT or signal.getsignal(each) is not signal.SIG_IGN]
    before = {number: signal.signal(number, interrupt) for number in heard}
    try:
        yield interrupted
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    if ending:
        signal.raise_signal(ending[0])
