"""What an estimator does behind its methods: checks what it is given, fits, and keeps what is known after it."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar, Literal, Self

import numpy as np
from scipy.sparse import csr_array, issparse
from sklearn.base import BaseEstimator
from sklearn.utils import check_consistent_length, check_random_state
from sklearn.utils.validation import check_is_fitted

from goodfit.arrays import Array
from goodfit.data.arrays import row_weights
from goodfit.data.target import Target
from goodfit.diagnosis.observations import Observations
from goodfit.estimators.joint import Joint, JointPredictor, fit_joint
from goodfit.estimators.one_epoch import Batch, begin, one_epoch, quantity, single
from goodfit.estimators.rows import checked_features, columns_of
from goodfit.estimators.several_targets import QUANTITIES, rows_of_targets
from goodfit.estimators.sparse_rows import SparseRows
from goodfit.experiment.experiment import Fitted
from goodfit.experiment.kept_ensemble import KeptEnsemble
from goodfit.experiment.network import make_layers
from goodfit.experiment.predictor import Predictor
from goodfit.experiment.prepare import TASKS, Prepared, TaskDefaults, layers_for, with_checks
from goodfit.experiment.recording import in_own_unit, kept, record_of, swept
from goodfit.experiment.run_folder import Record, SweepRecord
from goodfit.experiment.settings import Settings, settings_from
from goodfit.holdout.ledger import Ledger
from goodfit.reporting.spelling import keywords, python_call
from goodfit.run import Run
from goodfit.search.parallel import OnProgress
from goodfit.search.sweep import Sweep
from goodfit.training.fit import OptimizerPosition
from goodfit.training.history import History

RENAMED = {"hidden_layer_sizes": "hidden", "random_state": "seed"}
"""Arguments that have another name in ``goodfit.Settings``."""
IMPLIED = ("test_size", "task", "split", "group")
"""Settings that follow from the class, or from what ``fit`` is given."""
MAX_SEED = 2**31 - 1
FOLDS = 3
"""``folds="auto"`` of a single config. Three networks were better than MLPClassifier and MLPRegressor on six tables of
six and took less time, one was worse on two of them, and five took longer on two; docs/benchmarks.md."""


def with_folds(prepared: Prepared) -> Prepared:
    """Return the same with three folds if there is one config for an ensemble; fewer if rows of a class are fewer."""
    settings = prepared.settings
    if settings.folds != "auto" or settings.keep == "one" or settings.sweeps or not isinstance(settings.split, str):
        return prepared
    n_units = len(prepared.splits.known)
    if prepared.target.task != "regression":
        n_units = int(np.bincount(np.asarray(prepared.target.encode(prepared.table))).min())
    if settings.group is not None:
        n_units = min(n_units, len(np.unique(prepared.table.values(settings.group))))
    return replace(prepared, settings=replace(settings, folds=max(1, min(FOLDS, n_units))))


class Learning(BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """The private half of both estimators."""

    _task: ClassVar[Literal["classification", "regression"]]
    _several: ClassVar[TaskDefaults] = QUANTITIES
    _fitted: Fitted | None
    _run: Run | None
    _sweep: Sweep | None
    _position: OptimizerPosition | None
    _predictor: Predictor | JointPredictor
    _observations: Observations | None
    _columns: tuple[str, ...]
    _takes_sparse: bool
    history_: History
    sweep_: SweepRecord | None
    _ensemble: KeptEnsemble | None

    def _fit_one_epoch(self, X: Any, y: Any, sample_weight: Any) -> Self:  # noqa: ANN401
        """Train one epoch on these rows; see ``partial_fit``."""
        first = not self.__sklearn_is_fitted__()
        X, y = checked_features(self, X, reset=first, smallest=1), self._checked_target(y)
        check_consistent_length(X, y)
        known = None if first else self._predictor
        if issparse(X):
            raise TypeError("X is sparse, but partial_fit takes dense rows: give X.toarray(), or all rows to fit.")
        if y.ndim > 1 or isinstance(known, JointPredictor):
            raise ValueError(
                "partial_fit takes one target and dense rows: give several targets, or a sparse X, to fit."
            )
        y = self._encoded(y, name="y")
        batch = Batch(X, y, row_weights(sample_weight, len(y)) * self._weights_of_classes(y))
        values = {name: single(name, getattr(self, name)) for name in ("l2", "learning_rate")}
        if known is None:
            settings = self._settings(**values)
            predictor, position = begin(batch, settings, n_classes=len(getattr(self, "classes_", ()))), None
            self._columns, self._takes_sparse = tuple(columns_of(X).names), False
        else:
            l2, rate = values["l2"], values["learning_rate"]
            settings = replace(known.settings, l2=l2, learning_rate=rate, batch_size=self.batch_size)
            target = replace(known.target, limits=None)
            predictor, position = replace(known, settings=settings, target=target), self._position
        self._predictor, training = one_epoch(predictor, batch, self._columns, position)
        record = in_own_unit(training, predictor.target).history
        goes_on = not first and self._fitted is None and self._run is None
        before = self.history_ if goes_on else History()
        self.history_ = History({name: np.append(before.get(name, ()), found) for name, found in record.items()})
        self.n_iter_, self._position = self.history_.n_epochs, training.optimizer
        self.best_l2_, self.best_learning_rate_ = values["l2"], values["learning_rate"]
        self.sweep_ = self._ensemble = self._fitted = self._run = self._observations = self._sweep = None
        return self

    def _weights_of_classes(self, y: Array) -> Array:
        """Return the weight of each row's class (rows,)."""
        return np.ones(len(y))

    def _settings(self, **more: Any) -> Settings:  # noqa: ANN401
        """Return the constructor's arguments as settings, without test rows: the outer loop has those."""
        given = {RENAMED.get(name, name): value for name, value in self.get_params(deep=False).items()}
        del given["verbose"]
        if not isinstance(given["seed"], int | np.integer):
            given["seed"] = check_random_state(given["seed"]).randint(MAX_SEED)
        return settings_from({**given, "task": self._task, "test_size": 0, **more})

    def _own_settings(self) -> dict[str, Any]:
        """Return settings that one of the estimators has alone."""
        return {}

    def _keep(self, fitted: Fitted) -> None:
        """Set what is known after a fit; measuring it waits until it is asked for."""
        prepared, sweep, settings = fitted.prepared, fitted.sweep, fitted.prepared.settings
        single = {name: values[0] for name, values in settings.space.items()}
        config = sweep.selection.chosen.config if sweep else single
        self.best_l2_, self.best_learning_rate_ = config["l2"], config["learning_rate"]
        self.history_ = in_own_unit(fitted.training, prepared.target).history
        self.n_iter_ = self.history_.n_epochs
        self.sweep_ = swept(sweep, prepared.target) if sweep else None
        self._ensemble = kept(fitted, measured=False)
        network = fitted.training.params
        self._predictor = Predictor(settings, prepared.target, prepared.encoder, network, self._ensemble)
        self._fitted, self._run, self._position = fitted, None, fitted.training.optimizer
        self._observations = self._sweep = None

    def _fit_joint(
        self,
        folds: Sequence[Prepared],
        outputs: Sequence[str],
        entries: SparseRows | None,
        on_progress: OnProgress | None,
    ) -> None:
        """Fit several targets, those in the columns ``outputs``, or rows of a sparse matrix."""
        settings, target = folds[0].settings, folds[0].target
        defaults = self._several if outputs else TASKS[target.task]
        layers = make_layers(settings, len(outputs), defaults.output) if outputs else layers_for(settings, target)
        rows = [rows_of_targets(each, outputs, defaults) for each in folds]
        if entries is not None:
            rows, layers = entries.fitting(folds, rows, layers)
        found = fit_joint(folds[0], rows, layers, defaults, on_progress)
        unscaled = replace(quantity(np.zeros(1)), scale=1.0)
        self._keep_joint(found, unscaled if outputs else folds[found.sweep.winner_fold].target)

    def _keep_joint(self, found: Joint, target: Target) -> None:
        """Set what is known after a joint fit; losses and metrics are in the unit of the target."""
        config = found.sweep.selection.chosen.config
        self.best_l2_, self.best_learning_rate_ = config["l2"], config["learning_rate"]
        self.history_ = in_own_unit(found.sweep.winner, target).history
        self.n_iter_ = self.history_.n_epochs
        self.sweep_ = swept(found.sweep, target) if found.predictor.settings.sweeps else None
        self._predictor, self._observations = found.predictor, found.observations
        self._ensemble, self._sweep = found.ensemble, found.sweep
        self._fitted = self._run = self._position = None

    def _spell(self, source: str, target: str, given: Mapping[str, Any]) -> str:
        """Return the call that fits with these settings; of ``goodfit.train`` if a setting is no argument of ours."""
        names, settings = self._arguments(), self._predictor.settings
        implied = {name for name in IMPLIED if given.get(name) == getattr(settings, name)}
        if not set(given) - implied <= set(names):
            return python_call(source, target, given)
        ours = {names[name]: value for name, value in given.items() if name not in implied}
        return f"{type(self).__name__}({', '.join(keywords(ours))}).fit(X, y)"

    def _arguments(self) -> dict[str, str]:
        """Return the settings that are arguments of the constructor, and how they are called there."""
        return {RENAMED.get(name, name): name for name in self.get_params(deep=False)}

    def _measure(self, fitted: Fitted) -> Run:
        """Return the fit as a run, with the data checks and all that a diagnosis needs."""
        checks = with_checks(fitted.folds[0]).checks
        checked = fitted._replace(prepared=replace(fitted.prepared, checks=checks))
        return Run(self._named(record_of(checked, self._measured_ensemble(), "")), Ledger())

    def _measured_ensemble(self) -> KeptEnsemble | None:
        """Return the ensemble with its scores."""
        if self._ensemble is not None and not self._ensemble.scores and self._fitted is not None:
            self._ensemble = kept(self._fitted)
        return self._ensemble

    def _named(self, record: Record) -> Record:
        """Return the record with the classes as the user names them."""
        return record

    def _predicted(self, X: Any) -> Array:  # noqa: ANN401
        """Return probabilities, or standardised values, of every row (rows, outputs)."""
        check_is_fitted(self)
        rows, known = checked_features(self, X, reset=False), self._predictor
        if issparse(rows) and not self._takes_sparse:
            raise TypeError("X is sparse, but that of fit was dense: give X.toarray().")
        if self._takes_sparse:
            return known.predict(rows if issparse(rows) else csr_array(np.asarray(rows, float)))
        table = columns_of(rows, self._columns).read()
        return known.predict(table if isinstance(known, JointPredictor) else known.read(table))

    def _checked(self, X: Any, y: Any, sample_weight: Any) -> tuple[Any, Array, str, Array]:  # noqa: ANN401
        """Return features, encoded target, its name, and the weights of the rows."""
        if y is None:
            raise ValueError(f"This {type(self).__name__} estimator requires y to be passed, but the target y is None.")
        X, name = checked_features(self, X, reset=True), getattr(y, "name", None)
        y = self._checked_target(y)
        check_consistent_length(X, y)
        weights = row_weights(sample_weight, len(y))
        return X, self._learn_target(y, weights > 0), name if isinstance(name, str) else "target", weights

    def _checked_validation(self, X_val: Any, y_val: Any, *, sparse: bool) -> tuple[Any, Array]:  # noqa: ANN401
        if issparse(X_val) != sparse:
            raise TypeError("X and X_val must be both sparse or both dense.")
        X_val, y_val = checked_features(self, X_val, reset=False), self._checked_target(y_val, name="y_val")
        check_consistent_length(X_val, y_val)
        return X_val, self._encoded(y_val)

    def _checked_target(self, y: Any, *, name: str = "y") -> Array:  # noqa: ANN401
        """Return y as one column."""
        raise NotImplementedError

    def _learn_target(self, y: Array, used: Array) -> Array:
        """Return class numbers or values of y (rows,); the classes are those of the rows that are used."""
        raise NotImplementedError

    def _encoded(self, y: Array, *, name: str = "y_val") -> Array:
        """Return class numbers or values of rows that come after the first ones."""
        raise NotImplementedError
