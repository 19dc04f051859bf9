"""Memory that a network needs: refused before the training where it cannot be, explained where it runs out."""

import contextlib
from collections.abc import Iterator, Sequence
from math import prod

import jax

from goodfit.errors import ConfigError
from goodfit.files import memory
from goodfit.nn.layers import Layer
from goodfit.nn.network import param_shapes
from goodfit.training.memory import is_out_of_memory

ADVICE = "choose fewer hidden units, a smaller batch size, or fewer columns."


def validate_network_size(layers: Sequence[Layer], n_inputs: int) -> None:
    """Raise ConfigError unless the weights, their best values and Adam's two moments fit into memory, four bytes each.

    Initial weights are drawn in eight bytes, which is less.
    """
    n_weights = sum(prod(shape) for layer in param_shapes(layers, n_inputs=n_inputs) for shape in layer.values())
    if (needed := 16 * n_weights) > memory():
        gigabytes = f"{needed / 2**30:,.0f} GB of memory, and this machine has {memory() / 2**30:,.0f} GB"
        raise ConfigError(f"the network has {n_weights:,} weights, which take {gigabytes}: {ADVICE}")


@contextlib.contextmanager
def memory_explained() -> Iterator[None]:
    """Say in one sentence that memory ran out."""
    try:
        yield
    except (MemoryError, jax.errors.JaxRuntimeError) as error:
        if not is_out_of_memory(error):
            raise
        raise ConfigError(f"there is not enough memory ({str(error)[:200]}): {ADVICE}") from error


def ran_out_of_memory(error: ConfigError) -> bool:
    """Whether this is the error of ``memory_explained``."""
    return is_out_of_memory(error.__cause__)
