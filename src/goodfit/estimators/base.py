"""What both estimators share: from the constructor's arguments to a fit, and what is known after it."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar, Literal, Self

import numpy as np
from scipy.sparse import issparse
from sklearn.base import BaseEstimator
from sklearn.exceptions import NotFittedError
from sklearn.utils import check_consistent_length, check_random_state, column_or_1d
from sklearn.utils.validation import check_is_fitted, validate_data

from goodfit.arrays import Array
from goodfit.data.arrays import row_weights
from goodfit.diagnosis.findings import Finding, Verdict
from goodfit.diagnosis.observations import Observations
from goodfit.diagnosis.verdict import diagnose
from goodfit.errors import SplitError
from goodfit.estimators.joint import Joint, JointPredictor, fit_joint
from goodfit.estimators.one_epoch import Batch, begin, one_epoch, quantity, single
from goodfit.estimators.rows import columns_of, learning_rows
from goodfit.estimators.several_targets import QUANTITIES, rows_of_targets
from goodfit.experiment.experiment import Fitted, Watchers, fit_prepared
from goodfit.experiment.kept_ensemble import KeptEnsemble
from goodfit.experiment.predictor import Predictor
from goodfit.experiment.prepare import TaskDefaults, prepare_folds, prepare_unchecked, with_checks
from goodfit.experiment.recording import in_own_unit, kept, record_of, swept
from goodfit.experiment.run_folder import Record, SweepRecord
from goodfit.experiment.settings import Settings, settings_from
from goodfit.holdout.ledger import Ledger
from goodfit.reporting.page import report
from goodfit.reporting.spelling import keywords, python_call
from goodfit.run import Run
from goodfit.search.selection import SelectionRule
from goodfit.training.callbacks import EpochLines, call_each
from goodfit.training.fit import OptimizerPosition
from goodfit.training.history import History

Values = float | Sequence[float] | str
RENAMED = {"hidden_layer_sizes": "hidden", "random_state": "seed"}
"""Arguments that have another name in ``goodfit.Settings``."""
IMPLIED = ("test_size", "task", "split", "group")
"""Settings that follow from the class, or from what ``fit`` is given."""
MAX_SEED = 2**31 - 1


class GoodFitEstimator(BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """Base of both estimators."""

    _task: ClassVar[Literal["classification", "regression"]]
    _several: ClassVar[TaskDefaults] = QUANTITIES
    _fitted: Fitted | None
    _run: Run | None
    _position: OptimizerPosition | None
    _predictor: Predictor | JointPredictor
    _observations: Observations | None
    _columns: tuple[str, ...]
    history_: History
    sweep_: SweepRecord | None
    ensemble_: KeptEnsemble | None

    def __init__(
        self,
        *,
        hidden_layer_sizes: int | Sequence[int] = (64, 64),
        activation: str = "leaky_relu",
        dropout: float = 0.0,
        l2: Values = "auto",
        learning_rate: Values = "auto",
        optimizer: str = "adam",
        batch_size: int | Literal["auto"] = "auto",
        epochs: int = 200,
        patience: int = 10,
        validation_split: float = 0.2,
        folds: int | Literal["auto"] = "auto",
        keep: Literal["ensemble", "one"] = "ensemble",
        choice: SelectionRule = "best",
        seeds: int = 1,
        random_state: int | np.random.RandomState | None = 0,
        verbose: int = 0,
    ) -> None:
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.dropout = dropout
        self.l2 = l2
        self.learning_rate = learning_rate
        self.optimizer = optimizer
        self.batch_size = batch_size
        self.epochs = epochs
        self.patience = patience
        self.validation_split = validation_split
        self.folds = folds
        self.keep = keep
        self.choice = choice
        self.seeds = seeds
        self.random_state = random_state
        self.verbose = verbose

    def fit(
        self,
        X: Any,  # noqa: ANN401
        y: Any,  # noqa: ANN401
        sample_weight: Any = None,  # noqa: ANN401
        X_val: Any = None,  # noqa: ANN401
        y_val: Any = None,  # noqa: ANN401
        groups: Any = None,  # noqa: ANN401
    ) -> Self:
        """Train every config of the grid, select one, and keep an ensemble of the best.

        Rows that validate are taken from ``X``, unless ``X_val`` is given; no test rows are held out.

        Parameters
        ----------
        X : {data frame, array-like} of shape (n_samples, n_features)
            A data frame (pandas, polars, pyarrow) may have numbers, categories, dates, text and missing values; an
            array has numbers, and NaN where they are missing.
        y : array-like of shape (n_samples,) or (n_samples, n_targets)
            Class labels or values. Several columns are labels of 0 and 1, of which a row may have any number, or
            several values of each row.
        sample_weight : array-like of shape (n_samples,), default=None
            Weight of each row, in training and validation. Weight 2 is the same as the row twice.
        X_val : {data frame, array-like} of shape (n_validation_samples, n_features), default=None
            Rows that validate, instead of a part of ``X``.
        y_val : array-like of shape (n_validation_samples,) or (n_validation_samples, n_targets), default=None
            Their labels or values.
        groups : array-like of shape (n_samples,), default=None
            Rows of a group stay together in training or validation.

        Returns
        -------
        self : object
            The fitted estimator.
        """
        if (X_val is None) != (y_val is None):
            raise ValueError("X_val and y_val must be given together.")
        X, y, name, weights = self._checked(X, y, sample_weight)
        validation = None if X_val is None else self._checked_validation(X_val, y_val)
        groups = None if groups is None else column_or_1d(groups)
        rows = learning_rows(X, y, weights, name=name, groups=groups, validation=validation)
        more = {"split": rows.split or "random", "group": rows.group or None, "drop": rows.outputs}
        task = "regression" if rows.outputs else self._task
        settings = self._settings(**more, task=task, **self._own_settings())
        if rows.split is not None and settings.folds not in ("auto", 1):
            raise SplitError(f"folds={settings.folds} splits all rows: leave out folds, or X_val and y_val.")
        folds = prepare_folds(prepare_unchecked(rows.source, rows.target, settings, weights=rows.weights))
        lines = EpochLines(self.verbose, self.epochs)
        on_progress = lines.line.step if lines.line.is_on else None
        self._columns = tuple(rows.source.names[: self.n_features_in_])
        if rows.outputs:
            fitting = [rows_of_targets(each, rows.outputs, self._several) for each in folds]
            layers = settings.layers(len(rows.outputs), self._several.output)
            self._keep_joint(fit_joint(folds[0], fitting, layers, self._several, on_progress))
            lines.end()
            return self
        watched = Watchers(on_epoch=call_each([lines.listener]), on_progress=on_progress)
        fitted = fit_prepared(folds, watched, share_programs=True)
        lines.end()
        self._keep(fitted, settings)
        return self

    @property
    def run_(self) -> Run:
        """The same as a run of ``goodfit.train``, for ``goodfit.plot`` and ``goodfit.report``; it has no test rows.

        The first use measures the network on its rows, compares it with a linear model and boosted trees, and checks
        the data.
        """
        check_is_fitted(self)
        if self._run is None:
            if self._observations is not None:
                raise ValueError("with several targets there is a verdict_, but no run_ and no report: fit one target.")
            if self._fitted is None:
                raise NotFittedError("partial_fit keeps no rows and has no validation rows: call fit for a verdict.")
            self._run, self._fitted = self._measure(self._fitted), None
        return self._run

    @property
    def verdict_(self) -> Verdict:
        """Whether the fit is good, in one word, and why; see ``goodfit.diagnose``."""
        check_is_fitted(self)
        return diagnose(self._observations or self.run_)

    @property
    def findings_(self) -> tuple[Finding, ...]:
        """Every finding of the diagnosis, the most severe first."""
        return self.verdict_.findings

    def report(self, path: str | Path) -> Path:
        """Write the report of the fit as one HTML file.

        Parameters
        ----------
        path : str or Path
            The file; an existing one is replaced.

        Returns
        -------
        path : Path
            The same path.
        """
        return report(self.run_, path, spell=self._spell)

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "_predictor")

    def __sklearn_tags__(self) -> Any:  # noqa: ANN401
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags

    def __getstate__(self) -> dict[str, Any]:
        """Measure before the training rows are left behind: no row is pickled."""
        if self.__sklearn_is_fitted__() and self._fitted is not None:
            _ = self.run_
        state: dict[str, Any] = super().__getstate__()
        return state

    def _fit_one_epoch(self, X: Any, y: Any, sample_weight: Any) -> Self:  # noqa: ANN401
        """Train one epoch on these rows; see ``partial_fit``."""
        first = not self.__sklearn_is_fitted__()
        X, y = checked_features(self, X, reset=first, smallest=1), self._checked_target(y)
        check_consistent_length(X, y)
        known = None if first else self._predictor
        if y.ndim > 1 or isinstance(known, JointPredictor):
            raise ValueError(
                "partial_fit takes one target: fit several at once by fit, or each by an estimator of its own."
            )
        y = self._encoded(y, name="y")
        batch = Batch(X, y, row_weights(sample_weight, len(y)) * self._weights_of_classes(y))
        values = {name: single(name, getattr(self, name)) for name in ("l2", "learning_rate")}
        if known is None:
            settings = self._settings(**values)
            predictor, position = begin(batch, settings, n_classes=len(getattr(self, "classes_", ()))), None
            self._columns = tuple(columns_of(X).names)
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
        self.sweep_ = self.ensemble_ = self._fitted = self._run = self._observations = None
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

    def _keep(self, fitted: Fitted, settings: Settings) -> None:
        """Set what is known after a fit; measuring it waits until it is asked for."""
        prepared, sweep = fitted.prepared, fitted.sweep
        single = {name: values[0] for name, values in settings.space.items()}
        config = sweep.selection.chosen.config if sweep else single
        self.best_l2_, self.best_learning_rate_ = config["l2"], config["learning_rate"]
        self.history_ = in_own_unit(fitted.training, prepared.target).history
        self.n_iter_ = self.history_.n_epochs
        self.sweep_ = swept(sweep, prepared.target) if sweep else None
        self.ensemble_ = kept(fitted)
        network = fitted.training.params
        self._predictor = Predictor(settings, prepared.target, prepared.encoder, network, self.ensemble_)
        self._fitted, self._run, self._position = fitted, None, fitted.training.optimizer
        self._observations = None

    def _keep_joint(self, found: Joint) -> None:
        """Set what is known after a joint fit; losses and metrics of quantities are in multiples of their scales."""
        config, plain = found.sweep.selection.chosen.config, replace(quantity(np.zeros(1)), scale=1.0)
        self.best_l2_, self.best_learning_rate_ = config["l2"], config["learning_rate"]
        self.history_ = found.sweep.winner.history
        self.n_iter_ = self.history_.n_epochs
        self.sweep_, self.ensemble_ = swept(found.sweep, plain) if found.predictor.settings.sweeps else None, None
        self._predictor, self._observations = found.predictor, found.observations
        self._fitted = self._run = self._position = None

    def _spell(self, source: str, target: str, given: Mapping[str, Any]) -> str:
        """Return the call that fits with these settings; of ``goodfit.train`` if a setting is no argument of ours."""
        names, settings = {setting: name for name, setting in RENAMED.items()}, self._predictor.settings
        implied = {name for name in IMPLIED if given.get(name) == getattr(settings, name)}
        ours = {names.get(name, name): value for name, value in given.items() if name not in implied}
        if not set(ours) <= set(self.get_params()):
            return python_call(source, target, given)
        return f"{type(self).__name__}({', '.join(keywords(ours))}).fit(X, y)"

    def _measure(self, fitted: Fitted) -> Run:
        """Return the fit as a run, with the data checks and all that a diagnosis needs."""
        checks = with_checks(fitted.folds[0]).checks
        checked = fitted._replace(prepared=replace(fitted.prepared, checks=checks))
        return Run(self._named(record_of(checked, self.ensemble_, "")), Ledger())

    def _named(self, record: Record) -> Record:
        """Return the record with the classes as the user names them."""
        return record

    def _predicted(self, X: Any) -> Array:  # noqa: ANN401
        """Return probabilities, or standardised values, of every row (rows, outputs)."""
        check_is_fitted(self)
        table = columns_of(checked_features(self, X, reset=False), self._columns).read()
        known = self._predictor
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

    def _checked_validation(self, X_val: Any, y_val: Any) -> tuple[Any, Array]:  # noqa: ANN401
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


def checked_features(estimator: BaseEstimator, X: Any, *, reset: bool, smallest: int = 2) -> Any:  # noqa: ANN401
    """Return a data frame as it is, anything else as an array of numbers; scikit-learn's errors for what is neither."""
    if issparse(X):
        raise TypeError(
            "Sparse data was passed, but dense data is required: give text as a column of a data frame, or reduce the "
            "columns with TruncatedSVD first."
        )
    if hasattr(X, "__arrow_c_stream__") and hasattr(X, "columns"):
        return validate_data(estimator, X, reset=reset, skip_check_array=True)
    least = smallest if reset else 1
    return validate_data(estimator, X, reset=reset, ensure_all_finite="allow-nan", ensure_min_samples=least)
