"""The devices that run the trials of a sweep in parallel: on a CPU, each core is a device."""

import contextlib
import os
from pathlib import Path

import jax


def split_cpu() -> None:
    """Ask JAX for one CPU device per core, unless a number was set. Has no effect after JAX has started."""
    if jax.config.jax_num_cpu_devices < 1:  # type: ignore[attr-defined]
        with contextlib.suppress(RuntimeError):  # JAX has started
            jax.config.update("jax_num_cpu_devices", n_cores())  # type: ignore[no-untyped-call]


def use_at_most(cores: int) -> None:
    """Ask JAX for no more CPU devices than this. Has no effect after JAX has started."""
    if jax.config.jax_num_cpu_devices > cores:  # type: ignore[attr-defined]
        with contextlib.suppress(RuntimeError):  # JAX has started
            jax.config.update("jax_num_cpu_devices", cores)  # type: ignore[no-untyped-call]


def n_cores() -> int:
    """Return the number of cores that this process may use, by its affinity and by the quota of its container."""
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    with contextlib.suppress(OSError, ValueError):  # no quota, no control groups, or another system
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text().split()
        allowed = min(allowed, max(1, -(-int(quota) // int(period))))
    return allowed
