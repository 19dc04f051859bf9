"""The processors that trials of a sweep are laid over: on a CPU every core is a device of its own."""

import contextlib
import os

import jax


def split_cpu() -> None:
    """Ask JAX for one CPU device per core. Only heard before JAX starts; and who asked for a number keeps it."""
    if jax.config.jax_num_cpu_devices < 1:  # type: ignore[attr-defined]
        with contextlib.suppress(RuntimeError):  # JAX has started: its devices are what they are
            jax.config.update("jax_num_cpu_devices", n_cores())  # type: ignore[no-untyped-call]


def n_cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
