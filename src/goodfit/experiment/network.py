"""The network that the settings ask for, and its optimizer."""

from dataclasses import replace

from goodfit.experiment.settings import Settings
from goodfit.nn.layers import Dense, Dropout, Layer
from goodfit.nn.optimizers import Optimizer, get_optimizer
from goodfit.nn.regularizers import l2


def make_layers(settings: Settings, n_outputs: int, output: str) -> tuple[Layer, ...]:
    """Return the hidden layers, each followed by dropout if there is any, and the last layer; l2 on every kernel.

    Of several values of l2 the first stands for all of them.
    """
    penalty = l2(settings.space["l2"][0])
    layers: list[Layer] = []
    for units in settings.hidden:
        layers.append(Dense(units, activation=settings.activation, kernel_regularizer=penalty))
        if settings.dropout:
            layers.append(Dropout(settings.dropout))
    return (*layers, Dense(n_outputs, activation=output, kernel_regularizer=penalty))


def make_optimizer(settings: Settings) -> Optimizer:
    """Return SGD or Adam with this learning rate, of several the first."""
    return replace(get_optimizer(settings.optimizer), learning_rate=settings.space["learning_rate"][0])
