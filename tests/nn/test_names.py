"""The names that are known before JAX is loaded."""

from goodfit.nn.activations import ACTIVATIONS
from goodfit.nn.names import ACTIVATION_NAMES, OPTIMIZER_NAMES
from goodfit.nn.optimizers import OPTIMIZERS


def test_every_activation_and_optimizer_is_known_by_its_name():
    assert tuple(ACTIVATIONS) == ACTIVATION_NAMES
    assert tuple(OPTIMIZERS) == OPTIMIZER_NAMES
