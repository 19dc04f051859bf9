"""Optimizers by name. A new one is a file with a subclass of ``Optimizer``, and an entry in ``OPTIMIZERS``."""

from goodfit.errors import ConfigError
from goodfit.nn.optimizers.adam import Adam as Adam
from goodfit.nn.optimizers.base import Optimizer as Optimizer
from goodfit.nn.optimizers.sgd import SGD as SGD

OPTIMIZERS: dict[str, type[SGD | Adam]] = {"adam": Adam, "sgd": SGD}


def get_optimizer(optimizer: str | Optimizer) -> Optimizer:
    """Return the optimizer of that name with its defaults, or the optimizer itself; ConfigError if there is none."""
    if isinstance(optimizer, str) and optimizer in OPTIMIZERS:
        return OPTIMIZERS[optimizer]()
    if not isinstance(optimizer, Optimizer):
        names = [f"{name!r}" for name in OPTIMIZERS] + [f"{cls.__name__}(…)" for cls in OPTIMIZERS.values()]
        raise ConfigError(f"optimizer must be one of {', '.join(names)}, not {optimizer!r}.")
    return optimizer
