"""Signals during training: the first Ctrl-C stops it after the running chunk, the second aborts.

Where checkpoints are kept, a request to end the process (SIGTERM) and a closed terminal (SIGHUP) wait until the chunk
is saved.
"""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

ENDING = tuple(getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name))


@contextmanager
def interruptible(*, saves: bool = False) -> Iterator[threading.Event]:
    """Provide an event that Ctrl-C sets while the block runs.

    It is never set outside the main thread, or where Python cannot restore the previous signal handler.

    Args:
        saves: whether the block saves its state at its end. SIGTERM and SIGHUP then set the event, too, and are raised
            again after the block, so that they do what they would have done.
    """
    interrupted, ending = threading.Event(), []
    signals = (signal.SIGINT, *(ENDING if saves else ()))
    in_main_thread = threading.current_thread() is threading.main_thread()
    if not in_main_thread or any(signal.getsignal(number) is None for number in signals):
        yield interrupted
        return

    def interrupt(number: int, frame: FrameType | None) -> None:
        if number in ENDING:
            ending.append(number)
        elif interrupted.is_set():
            raise KeyboardInterrupt
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
