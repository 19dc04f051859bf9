"""What users call of both estimators: constructor, fit, and what is known after it."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np
from scipy.sparse import issparse, vstack
from sklearn.exceptions import NotFittedError
from sklearn.utils import column_or_1d
from sklearn.utils.validation import check_is_fitted

from goodfit.diagnosis.findings import Finding, Verdict
from goodfit.diagnosis.verdict import diagnose
from goodfit.errors import SplitError
from goodfit.estimators.fit_tasks import CallbackSupportMixin, FitTasks, with_callbacks
from goodfit.estimators.learning import Learning, with_folds
from goodfit.estimators.rows import learning_rows
from goodfit.estimators.sparse_rows import SparseRows
from goodfit.experiment.experiment import Watchers, fit_prepared
from goodfit.experiment.kept_ensemble import KeptEnsemble
from goodfit.experiment.prepare import prepare_folds, prepare_unchecked
from goodfit.files import write_file
from goodfit.reporting.array_page import array_html
from goodfit.reporting.page import report
from goodfit.run import Run
from goodfit.search.choices import SelectionRule
from goodfit.search.trials import OnProgress
from goodfit.training.callbacks import EpochLines, call_each

Values = float | Sequence[float] | str


class GoodFitEstimator(CallbackSupportMixin, Learning):  # type: ignore[misc]  # scikit-learn has no types
    """Base of both estimators."""

    def __init__(
        self,
        *,
        hidden_layer_sizes: int | Sequence[int] = (64, 64),
        activation: str = "leaky_relu",
        dropout: float = 0.0,
        l2: Values = 0.0001,
        learning_rate: Values = 0.003,
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

    @with_callbacks  # type: ignore[untyped-decorator]
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
        X : {data frame, array-like, sparse matrix} of shape (n_samples, n_features)
            A data frame (pandas, polars, pyarrow) may have numbers, categories, dates, text and missing values; an
            array has numbers, and NaN where they are missing; a sparse matrix is never made dense.
        y : array-like of shape (n_samples,) or (n_samples, n_targets)
            Class labels or values. Several columns are labels of 0 and 1, of which a row may have any number, or
            several values of each row.
        sample_weight : array-like of shape (n_samples,), default=None
            Weight of each row, in training and validation. Weight 2 is the same as the row twice.
        X_val : {data frame, array-like, sparse matrix} of shape (n_validation_samples, n_features), default=None
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
        labels = y  # as the user names them
        X, y, name, weights = self._checked(X, y, sample_weight)
        validation = None if X_val is None else self._checked_validation(X_val, y_val, sparse=issparse(X))
        groups = None if groups is None else column_or_1d(groups)
        rows = learning_rows(X, y, weights, name=name, groups=groups, validation=validation)
        more = {"split": rows.split or "random", "group": rows.group or None, "drop": rows.outputs}
        task = "regression" if rows.outputs else self._task
        settings = self._settings(**more, task=task, **self._own_settings())
        if rows.split is not None and settings.folds not in ("auto", 1):
            raise SplitError(f"folds={settings.folds} splits all rows: leave out folds, or X_val and y_val.")
        prepared = prepare_unchecked(rows.source, rows.target, settings, weights=rows.weights)
        folds = prepare_folds(with_folds(prepared))
        lines = EpochLines(self.verbose, self.epochs)
        tasks = FitTasks(self, None if folds[0].settings.sweeps else self.epochs)
        on_progress: OnProgress | None = call_each([lines.line.step if lines.line.is_on else None, tasks.on_progress])
        self._columns = tuple(rows.source.names[: self.n_features_in_])
        self._takes_sparse = issparse(X)
        if rows.outputs or self._takes_sparse:
            matrix = vstack([X, *validation[:1]]) if validation and self._takes_sparse else X
            self._fit_joint(folds, rows.outputs, SparseRows.of(matrix) if self._takes_sparse else None, on_progress)
        else:
            watched = Watchers(on_epoch=call_each([lines.listener, tasks.on_epoch]), on_progress=on_progress)
            self._keep(fit_prepared(folds, watched, share_programs=True))
        lines.end()
        tasks.end(X, labels)
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
                raise ValueError(
                    "with several targets or a sparse X there is a verdict_ and a report, but no run_: fit one target "
                    "on dense X."
                )
            if self._fitted is None:
                raise NotFittedError("partial_fit keeps no rows and has no validation rows: call fit for a verdict.")
            self._run, self._fitted = self._measure(self._fitted), None
        return self._run

    @property
    def ensemble_(self) -> KeptEnsemble | None:
        """The configs that predict, with their weights; the first use measures their cross-fitted scores."""
        check_is_fitted(self)
        return self._measured_ensemble()

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
        check_is_fitted(self)
        if self._observations is None:
            return report(self.run_, path, spell=self._spell)
        if self._sweep is None:
            raise ValueError("a pickle holds no training row: write the report of this fit before it is pickled.")
        page = array_html(self._sweep, self.verdict_, self._arguments())
        write_file(Path(path), page.encode(), replace=True)
        return Path(path)

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "_predictor")

    def __sklearn_tags__(self) -> Any:  # noqa: ANN401
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.sparse = True
        return tags

    def __getstate__(self) -> dict[str, Any]:
        """Measure before the training rows are left behind: no row is pickled."""
        if self.__sklearn_is_fitted__() and self._fitted is not None:
            _ = self.run_
        state: dict[str, Any] = super().__getstate__()
        return state | {"_sweep": None} if "_sweep" in state else state
