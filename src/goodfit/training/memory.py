"""Memory that runs out while a training runs: recognised here, answered by whoever can do with less."""

import warnings

import jax


def is_out_of_memory(error: BaseException | None) -> bool:
    """Whether this is the error of Python, of NumPy or of a device that has no memory left."""
    if isinstance(error, jax.errors.JaxRuntimeError):
        return "RESOURCE_EXHAUSTED" in str(error)
    return isinstance(error, MemoryError)


def warn_of_less(now: str) -> None:
    """Say that the training goes on with less at a time."""
    warnings.warn(f"memory ran out; the training goes on with {now} at a time, and loses nothing", stacklevel=5)
