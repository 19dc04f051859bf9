"""Names of activations and optimizers: known before JAX is loaded."""

from goodfit.errors import ConfigError

ACTIVATION_NAMES = (
    *("linear", "relu", "leaky_relu", "elu", "selu", "gelu", "silu", "swish", "softplus", "softsign", "tanh"),
    *("sigmoid", "softmax", "exponential"),
)
"""The keys of ``ACTIVATIONS``."""
OPTIMIZER_NAMES = ("adam", "sgd")
"""The keys of ``OPTIMIZERS``."""


def validate_activation(name: str | None) -> None:
    """Raise ConfigError unless ``name`` is None (linear) or the name of an activation."""
    if name is not None and not (isinstance(name, str) and name in ACTIVATION_NAMES):
        raise ConfigError(f"activation {name!r} is not known; choose one of {', '.join(ACTIVATION_NAMES)}.")
