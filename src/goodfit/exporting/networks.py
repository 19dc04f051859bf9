"""What predicts, as an export needs it: the networks of each fold with their encoder, one network or an ensemble."""

from dataclasses import dataclass

from goodfit.data.features.base import ColumnFeature
from goodfit.data.target import Target
from goodfit.experiment.kept_ensemble import FoldNetworks
from goodfit.experiment.predictor import Predictor
from goodfit.experiment.prepare import layers_for
from goodfit.nn.layers import Layer


@dataclass(frozen=True)
class Networks:
    """The networks that predict; a single one is an ensemble of one network and one fold.

    layers: of every network. folds: their weights, with the encoder and the scale of the target that belong to them.
    shares: weight of each network of a fold (networks,). temperature: of the mean probabilities, 1 for none.
    """

    target: Target
    layers: tuple[Layer, ...]
    folds: tuple[FoldNetworks, ...]
    shares: tuple[float, ...]
    temperature: float

    @property
    def columns(self) -> dict[str, list[ColumnFeature]]:
        """Every column that a fold learned from, with what each of these folds made of it."""
        found: dict[str, list[ColumnFeature]] = {}
        for fold in self.folds:
            for feature in fold.encoder.features:
                found.setdefault(feature.name, []).append(feature)
        return found


def networks_of(predictor: Predictor) -> Networks:
    """Return the networks that predict."""
    target, kept = predictor.target, predictor.ensemble
    layers = layers_for(predictor.settings, target)
    if kept is not None:
        return Networks(target, layers, kept.folds, kept.shares, kept.temperature)
    only = FoldNetworks(predictor.encoder, target.mean, target.scale, (predictor.params,))
    return Networks(target, layers, (only,), (1.0,), 1.0)
