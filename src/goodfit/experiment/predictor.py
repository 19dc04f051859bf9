"""What predicts: one network or an ensemble, from a table to probabilities or values."""

from dataclasses import dataclass

from goodfit.arrays import Array
from goodfit.data.encoder import Encoder
from goodfit.data.table import Table
from goodfit.data.target import Target
from goodfit.experiment.kept_ensemble import KeptEnsemble
from goodfit.experiment.memory import memory_explained
from goodfit.experiment.prepare import TASKS, layers_for
from goodfit.experiment.settings import Settings
from goodfit.nn.arrays import Params
from goodfit.search.padding import padded_params, shared_inputs
from goodfit.training.evaluation import predictions
from goodfit.training.recipe import make_recipe


def read_for(encoder: Encoder, table: Table) -> Table:
    """Return the table with its columns read as the kinds that the encoder knows them by."""
    read = {column.name: column.kind for column in table.schema}
    columns = encoder.columns.items()
    return table.override(kinds={name: kind for name, kind in columns if read.get(name, kind) != kind})


@dataclass(frozen=True, repr=False)
class Predictor:
    """The weights of the selected network, and the ensemble if one is kept, with all that they need.

    encoder, target: as the training rows of the selected network made them.
    """

    settings: Settings
    target: Target
    encoder: Encoder
    params: Params
    ensemble: KeptEnsemble | None

    def read(self, table: Table) -> Table:
        """Return the table with its columns read as the kinds they had in training."""
        return read_for(self.encoder, table)

    def predict(self, table: Table) -> Array:
        """Return probabilities or standardised values (rows, outputs), by the ensemble if there is one."""
        with memory_explained():
            return self._predict(table)

    def _predict(self, table: Table) -> Array:
        if self.ensemble is not None:
            return self.target.limit(self.ensemble.predict(self.settings, self.target, table))
        recipe = make_recipe(layers_for(self.settings, self.target), loss=TASKS[self.target.task].loss)
        x = shared_inputs(self.encoder.transform(table))
        return self.target.limit(predictions(recipe, padded_params(self.params, x.shape[1]), x))
