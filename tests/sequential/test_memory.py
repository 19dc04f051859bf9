"""Rows are not copied."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from goodfit import (
    Dense,
    Sequential,
    SplitError,
)

MEMORY = """
import sys, threading, time
import numpy as np
from goodfit import Dense, Sequential

def train(x):
    model = Sequential([Dense(4, activation="relu"), Dense(1, activation="sigmoid")])
    model.compile("sgd", "binary_crossentropy")
    model.fit(x, np.arange(len(x)) % 2, epochs=1, batch_size=1000, validation_split=0.2)

def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4096

train(np.ones((20_000, 512), "float32"))  # what a training needs besides its table
x = np.ones((100_000, 512), sys.argv[1], order=sys.argv[2])
before, highest, done = resident(), 0, threading.Event()

def watch():
    global highest
    while not done.is_set():
        highest = max(highest, resident())
        time.sleep(0.002)

watcher = threading.Thread(target=watch)
watcher.start()
train(x)
done.set()
watcher.join()
print((highest - before) / (4 * x.size))
"""


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="reads the memory of a process from /proc")
@pytest.mark.parametrize(("dtype", "order"), [("float32", "C"), ("float32", "F")])
def test_a_training_holds_its_table_twice_at_most(dtype, order):
    """The user's own 200 MB, and one more copy of it; the rest is blocks of a fixed size."""
    done = subprocess.run([sys.executable, "-c", MEMORY, dtype, order], capture_output=True, text=True, check=True)
    assert float(done.stdout) < 1.3


@pytest.mark.parametrize("asked", [{"split": "last"}, {"validation_data": (np.ones((4, 30)), np.ones(4))}])
def test_folds_leave_no_room_for_another_split(asked):
    model = Sequential([Dense(1, activation="sigmoid")])
    model.compile(loss="binary_crossentropy")
    with pytest.raises(SplitError, match="leave out validation_data and split"):
        model.sweep(np.ones((20, 30)), np.arange(20) % 2, folds=2, **asked)
