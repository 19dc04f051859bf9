"""The ensemble that a run keeps: its networks with the encoders of their folds, and its score on known rows."""

import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np

from goodfit.arrays import Array
from goodfit.cards import Card, ShownAsCard
from goodfit.data.encoder import Encoder
from goodfit.data.table import Table
from goodfit.data.target import Target
from goodfit.experiment.decision import Decision, all_decided, choose
from goodfit.experiment.goal import Goal, Rule
from goodfit.experiment.out_of_fold import OutOfFold, out_of_fold
from goodfit.experiment.prediction_bins import Bins, calibration_of, residuals_of
from goodfit.experiment.prepare import TASKS, Prepared, layers_for, metrics_of
from goodfit.experiment.reference_models import scores_of_baseline
from goodfit.experiment.settings import Settings
from goodfit.formatting import METRIC_LABELS, count, exact, numbers
from goodfit.nn.arrays import Params
from goodfit.search.calibration import with_temperature
from goodfit.search.ensemble import Ensemble, Member
from goodfit.search.padding import padded_params, shared_inputs
from goodfit.stats import Estimate, interval_of_new_sample
from goodfit.training.evaluation import ensemble_predictions, losses_of_predictions
from goodfit.training.recipe import make_recipe
from goodfit.training.scores import confusion_matrix, estimates

ENCODED_BYTES = 2**29
"""Memory for the inputs of all threads that predict."""


@dataclass(frozen=True)
class FoldNetworks:
    """The networks of one fold, in the order of the members, seed by seed.

    encoder: learned from the training rows of this fold. mean, scale: of the target in these rows, 0 and 1 for classes.
    """

    encoder: Encoder
    mean: float
    scale: float
    networks: tuple[Params, ...]


@dataclass(frozen=True, repr=False)
class KeptEnsemble(ShownAsCard):
    """The networks that predict.

    Attributes:
        members: configs with their weights, the largest first.
        shares: weight of each network of a fold (networks,); they sum to 1.
        folds: the networks of each fold; all folds weigh the same. () where a ``JointPredictor`` has them.
        n_rows: number of known rows that judged it.
        temperature: of the probabilities, see ``goodfit.search.calibration``; 1 for none.
        loss, standard_error: cross-fitted loss of the known rows. loss_before: without the temperature. selected_loss:
            of the selected config alone.
        scores: metrics of the cross-fitted predictions, with 95 % intervals, in the target's own unit; {} unless
            measured, and so are the next five.
        selected_scores: the same metrics of the selected config alone, on the same rows.
        baseline_scores: the same metrics without columns, by the class shares or the mean in the training rows; NaN
            where they are undefined.
        confusion, calibration, residuals: of the cross-fitted predictions, as in ``Measurements``.
        decision: the threshold of two classes, if it was chosen on the cross-fitted predictions.
        out_of_fold: the cross-fitted loss of every row that judged.
    """

    members: tuple[Member, ...]
    shares: tuple[float, ...]
    folds: tuple[FoldNetworks, ...]
    n_rows: int
    temperature: float
    loss: float
    standard_error: float
    loss_before: float
    selected_loss: float
    scores: Mapping[str, Estimate]
    selected_scores: Mapping[str, float]
    baseline_scores: Mapping[str, float]
    confusion: tuple[tuple[int, ...], ...] = ()
    calibration: Bins = ()
    residuals: Bins = ()
    decision: Decision | None = None
    out_of_fold: OutOfFold | None = None

    @property
    def n_networks(self) -> int:
        """Number of networks."""
        return sum(len(member.trials) for member in self.members)

    def _card(self) -> Card:
        loss, error, selected = numbers(self.loss, self.standard_error, self.selected_loss)
        facts = [
            ("out-of-fold loss", f"{loss} ± {error} on {count(self.n_rows, 'row')}"),
            ("of the selected configuration alone", selected),
        ]
        names = list(self.members[0].config)
        rows = [(f"{m.weight:.0%}", *(exact(m.config[name]) for name in names)) for m in self.members]
        title = f"Ensemble of {count(self.n_networks, 'network')}"
        return Card(title, facts, ("weight", *(METRIC_LABELS.get(name, name) for name in names)), rows)

    @property
    def params(self) -> Params:
        """The weights of all networks, layer after layer."""
        return tuple(layer for fold in self.folds for network in fold.networks for layer in network)

    def expected(self, name: str, n_new: int) -> Estimate:
        """Return the 95 % interval in which a metric of so many new rows lies, by the known rows."""
        return interval_of_new_sample(self.scores[name], self.n_rows, n_new)

    def predict(self, settings: Settings, target: Target, table: Table) -> Array:
        """Return probabilities, or values standardised as ``target`` says, of every row (rows, outputs)."""
        recipe = make_recipe(layers_for(settings, target), loss=TASKS[target.task].loss)
        shares = np.array(self.shares)

        def of_fold(fold: FoldNetworks) -> Array:
            x = shared_inputs(fold.encoder.transform(table))
            networks = [padded_params(network, x.shape[1]) for network in fold.networks]
            value = ensemble_predictions(recipe, networks, shares, x).astype(float) * fold.scale + fold.mean
            return np.asarray((value - target.mean) / target.scale)

        first = of_fold(self.folds[0])  # alone, so that threads do not compile the same program
        with ThreadPoolExecutor(_threads(self.folds, table.n_rows)) as pool:
            total = sum(pool.map(of_fold, self.folds[1:]), start=first)
        return with_temperature(total / len(self.folds), self.temperature, recipe.link)


def _threads(folds: Sequence[FoldNetworks], n_rows: int) -> int:
    """Return how many folds may be encoded at the same time."""
    n_bytes = 4 * n_rows * max(len(fold.encoder.feature_names) for fold in folds)
    return max(1, min(len(folds), os.cpu_count() or 1, ENCODED_BYTES // max(1, n_bytes)))


def summary_of(found: Ensemble) -> KeptEnsemble:
    """Return what is known of an ensemble without its networks, metrics and rows."""
    return KeptEnsemble(
        members=found.members,
        shares=tuple(found.shares.tolist()),
        folds=(),
        n_rows=len(found.predictions),
        temperature=found.temperature,
        loss=found.loss,
        standard_error=found.standard_error,
        loss_before=found.loss_before,
        selected_loss=found.selected_loss,
        scores={},
        selected_scores={},
        baseline_scores={},
    )


def keep_ensemble(
    found: Ensemble, folds: Sequence[Prepared], target: Target, seed: int, *, measured: bool = True
) -> KeptEnsemble:
    """Return what a run keeps of an ensemble.

    Args:
        folds: the table once for each fold.
        target: in whose unit metrics are given.
        seed: of the bootstrap.
        measured: whether its metrics are wanted, which take longer than a small grid to train.
    """
    networks = tuple(
        FoldNetworks(folds[fold].encoder, folds[fold].target.mean, folds[fold].target.scale, of_fold)
        for fold, of_fold in zip(np.unique(found.rows.folds).tolist(), found.networks, strict=True)
    )
    rule = folds[0].settings.decision_rule
    chosen = choose(rule, found.rows.y[:, 0].astype(int), found.predictions[:, 0]) if isinstance(rule, Goal) else None
    kept = replace(summary_of(found), folds=networks, out_of_fold=_row_losses(found, folds), decision=chosen)
    if not measured:
        return kept
    return _measured(kept, found, folds, target, rule, seed)


def _row_losses(found: Ensemble, folds: Sequence[Prepared]) -> OutOfFold:
    """The cross-fitted loss of every row, a squared error in the target's own unit."""
    used = np.unique(found.rows.folds).tolist()
    rows = np.concatenate([folds[fold].splits.validation for fold in used])
    losses = losses_of_predictions(found.recipe, found.rows.y, found.predictions).astype(float)
    scales = np.array([folds[fold].target.scale for fold in found.rows.folds])
    return out_of_fold(rows, losses * scales**2)


def _measured(
    kept: KeptEnsemble, found: Ensemble, folds: Sequence[Prepared], target: Target, rule: Rule, seed: int
) -> KeptEnsemble:
    """Add what is measured on all known rows that judged, in the target's own unit."""
    models = {"ensemble": found.predictions, "selected": found.selected_predictions, "baseline": found.baseline}
    truth: Array = found.rows.y.astype(float)
    regression = target.task == "regression"
    if regression:
        mean, scale = (
            np.array([getattr(folds[fold].target, name) for fold in found.rows.folds])[:, None]
            for name in ("mean", "scale")
        )
        models, truth = {name: values * scale + mean for name, values in models.items()}, truth * scale + mean
    else:
        truth = truth[:, 0].astype(np.int64)
    labelled = all_decided(rule, truth, models) if target.task == "binary" else models
    scores = estimates(metrics_of(target), truth, models, seed=seed, decided=labelled)
    own = models["ensemble"]
    return replace(
        kept,
        scores=scores["ensemble"],
        selected_scores={name: value for name, (value, *_) in scores["selected"].items()},
        baseline_scores=scores_of_baseline(scores["baseline"]),
        confusion=() if regression else confusion_matrix(truth, labelled["ensemble"], len(target.classes)),
        calibration=calibration_of(target.task, truth, own),
        residuals=residuals_of((truth - own)[:, 0]) if regression else (),
    )
