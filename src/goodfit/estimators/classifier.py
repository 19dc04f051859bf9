"""``GoodFitClassifier``: a regularised network for classes, as an estimator of scikit-learn."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal, Self

import numpy as np
from scipy.sparse import csr_array, issparse
from sklearn.base import ClassifierMixin
from sklearn.utils import check_array, column_or_1d
from sklearn.utils.multiclass import check_classification_targets, type_of_target

from goodfit.arrays import Array
from goodfit.data.choices import DEFAULT_THRESHOLD
from goodfit.errors import ConfigError, DataError
from goodfit.estimators.base import GoodFitEstimator, Values
from goodfit.estimators.several_targets import LABELS
from goodfit.experiment.run_folder import Record
from goodfit.formatting import count, join
from goodfit.nn.losses import SMALLEST_PROBABILITY
from goodfit.search.choices import SelectionRule


class GoodFitClassifier(ClassifierMixin, GoodFitEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """Neural network classifier with an L2 penalty and early stopping that says whether the fit is good.

    By default three networks are trained, each with early stopping on another third of the rows, and their mean
    predicts. ``l2='auto', learning_rate='auto'``, or several values of either, searches: the grid is trained in one
    compiled program, validation rows select, and an ensemble of the best configs predicts. With several labels, y of
    shape (n_samples, n_labels) with 0 and 1, one network predicts the probability of each; the loss is the mean of
    their cross-entropies.

    Read more in docs/scikit-learn.md.

    Parameters
    ----------
    hidden_layer_sizes : int or sequence of int, default=(64, 64)
        Units of each hidden layer; ``()`` for a linear model.
    activation : {'leaky_relu', 'relu', 'tanh', 'sigmoid', 'linear'}, default='leaky_relu'
        Of the hidden layers.
    dropout : float, default=0.0
        Share of the hidden outputs set to 0 in training.
    l2 : float, sequence of float or 'auto', default=0.0001
        λ of the penalty λ·Σw² on every kernel: no ½, independent of batch size and number of rows. Several values are
        searched; ``'auto'``: 0, 0.0001, 0.001, 0.01, 0.1, 1. ``goodfit.convert`` has the values of other libraries.
    learning_rate : float, sequence of float or 'auto', default=0.003
        η. Several values are searched; ``'auto'``: 0.00001, 0.0001, 0.001, 0.01, 0.1.
    optimizer : {'adam', 'sgd'}, default='adam'
        Adam in the form of Keras, or SGD.
    batch_size : int or 'auto', default='auto'
        Rows of one update; ``'auto'``: 32 below 4,000 rows, up to 256 from 16,000 rows.
    epochs : int, default=200
        The most that are run.
    patience : int, default=10
        Epochs without improvement of the validation loss after which training stops. The best epoch is restored.
    validation_split : float, default=0.2
        Share of the rows that validate, drawn at random and stratified by class. With three folds a third does.
    folds : int or 'auto', default='auto'
        Number of cross-validation folds; 1 for a single split. ``'auto'``: three for one config, unless ``keep='one'``.
        Of a grid on up to 5,000 rows as many as ``validation_split`` makes, where only configs in doubt are trained on
        the folds after the first; on more rows 1.
    keep : {'ensemble', 'one'}, default='ensemble'
        What predicts: the weighted mean of the best configs, each with its networks of all folds, or the network of the
        selected config.
    choice : {'best', '1se'}, default='best'
        Which config is selected: that of the lowest validation loss, or the largest ``l2`` within one standard error.
    seeds : int, default=1
        Trainings of every config, each with initial weights and row orders of its own.
    class_weight : dict or 'balanced', default=None
        Weight of each class, 1 for those not named, in training and validation. ``'balanced'``: all classes weigh the
        same.
    random_state : int, RandomState instance or None, default=0
        Seed of splits, initial weights, row orders and dropout; ``None`` draws one from NumPy's global state.
    verbose : {0, 1, 2}, default=0
        1 shows progress on one line of stderr, 2 a line for each epoch of a single training.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Class labels, sorted; with several labels the numbers of their columns.
    best_l2_ : float
        λ of the selected config.
    best_learning_rate_ : float
        η of the selected config.
    history_ : History
        Loss, metrics, penalty, gradient norm and more of every epoch of the selected training, by name.
    sweep_ : SweepRecord or None
        ``sweep_.table`` has a row for each training, ``sweep_.selection`` says how certain the selection is; None for a
        single training.
    ensemble_ : KeptEnsemble or None
        The configs that predict, with their weights and cross-fitted scores; None if one network does.
    verdict_ : Verdict
        Whether the fit is good: underfitting, good fit, overfitting, or cannot tell.
    findings_ : tuple of Finding
        What the diagnosis found, the most severe first; advice is given as arguments of ``goodfit.train``.
    run_ : Run
        The fit as a run of ``goodfit.train`` without test rows, for ``goodfit.plot``; of one label only.
    n_iter_ : int
        Number of epochs of the selected training.
    n_features_in_ : int
        Number of columns of ``X``.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the columns, if ``X`` is a data frame whose names are all strings.

    See Also
    --------
    GoodFitRegressor : The same for a quantity.
    goodfit.train : The same for a table with its target, with sealed test rows.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.model_selection import train_test_split
    >>> from goodfit import GoodFitClassifier
    >>> X, y = load_iris(return_X_y=True)
    >>> X_train, X_test, y_train, y_test = train_test_split(X, y, stratify=y, random_state=0)
    >>> clf = GoodFitClassifier(l2=[0.0, 0.001], learning_rate=0.01).fit(X_train, y_train)
    >>> clf.score(X_test, y_test) > 0.9
    True
    """

    _task = "classification"
    _several = LABELS
    _n_labels: int
    _sparse_labels: bool

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
        class_weight: Mapping[Any, float] | Literal["balanced"] | None = None,
        random_state: int | np.random.RandomState | None = 0,
        verbose: int = 0,
    ) -> None:
        super().__init__(
            hidden_layer_sizes=hidden_layer_sizes,
            activation=activation,
            dropout=dropout,
            l2=l2,
            learning_rate=learning_rate,
            optimizer=optimizer,
            batch_size=batch_size,
            epochs=epochs,
            patience=patience,
            validation_split=validation_split,
            folds=folds,
            keep=keep,
            choice=choice,
            seeds=seeds,
            random_state=random_state,
            verbose=verbose,
        )
        self.class_weight = class_weight

    def partial_fit(
        self,
        X: Any,  # noqa: ANN401
        y: Any,  # noqa: ANN401
        classes: Any = None,  # noqa: ANN401
        sample_weight: Any = None,  # noqa: ANN401
    ) -> Self:
        """Train one network for one epoch on these rows; it goes on with its weights and the state of its optimizer.

        For rows that come in parts. No rows validate, so there is no early stopping, no search and no verdict:
        ``l2`` and ``learning_rate`` have one value each. Kinds, scales and categories of the
        columns are learned from the rows of the first call. After ``fit`` the selected network goes on.

        Parameters
        ----------
        X : {data frame, array-like} of shape (n_samples, n_features)
            Rows.
        y : array-like of shape (n_samples,)
            Their labels.
        classes : array-like of shape (n_classes,), default=None
            All classes that will come; needed at the first call.
        sample_weight : array-like of shape (n_samples,), default=None
            Weight of each row.

        Returns
        -------
        self : object
            The estimator.
        """
        first = not self.__sklearn_is_fitted__()
        if first and classes is None:
            raise ValueError("classes must be given at the first call of partial_fit: all labels that will come.")
        if classes is not None:
            given = np.unique(classes)
            if not first and not np.array_equal(given, self.classes_):
                raise ValueError(f"classes={classes!r} are not those of the first call, {self.classes_.tolist()}.")
            self._learn_target(given, np.ones(len(given), bool))
        return self._fit_one_epoch(X, y, sample_weight)

    def predict(self, X: Any) -> Any:  # noqa: ANN401
        """Predict the class of every row.

        Parameters
        ----------
        X : {data frame, array-like, sparse matrix} of shape (n_samples, n_features)
            Rows with the columns of ``fit``.

        Returns
        -------
        y : ndarray of shape (n_samples,), or {ndarray, CSR array} of shape (n_samples, n_labels)
            The class of the highest probability; 1 for each label that is more likely than not, sparse if ``y`` was.
        """
        found = self.predict_proba(X)
        if not self._n_labels:
            return np.asarray(self.classes_[found.argmax(axis=1)])
        labels = (found > DEFAULT_THRESHOLD).astype(int)
        return csr_array(labels) if self._sparse_labels else labels

    def predict_proba(self, X: Any) -> Array:  # noqa: ANN401
        """Predict the probability of every class.

        Parameters
        ----------
        X : {data frame, array-like, sparse matrix} of shape (n_samples, n_features)
            Rows with the columns of ``fit``.

        Returns
        -------
        p : ndarray of shape (n_samples, n_classes) or (n_samples, n_labels)
            In the order of ``classes_``; with several labels the probability of 1, as ``MLPClassifier`` has it.
        """
        found = self._predicted(X).astype(float)
        return np.hstack([1 - found, found]) if found.shape[1] == 1 else found

    def decision_function(self, X: Any) -> Array:  # noqa: ANN401
        """Return log-odds of the second class or of each label, or with more classes log-probabilities.

        Parameters
        ----------
        X : {data frame, array-like, sparse matrix} of shape (n_samples, n_features)
            Rows with the columns of ``fit``.

        Returns
        -------
        scores : ndarray of shape (n_samples,), (n_samples, n_classes) or (n_samples, n_labels)
            Of two classes, above 0 where the second is predicted; of a label, above 0 where it is.
        """
        found = self.predict_proba(X)
        logs = np.log(found.clip(SMALLEST_PROBABILITY))
        if self._n_labels:
            return np.asarray(logs - np.log((1 - found).clip(SMALLEST_PROBABILITY)))
        return np.asarray(logs if len(self.classes_) > 2 else logs[:, 1] - logs[:, 0])

    def __sklearn_tags__(self) -> Any:  # noqa: ANN401
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags

    def _checked_target(self, y: Any, *, name: str = "y") -> Array:  # noqa: ANN401
        if name == "y":
            self._sparse_labels = issparse(y)
        dense = y.toarray() if issparse(y) else y
        labels = check_array(dense, ensure_2d=False, dtype=None, input_name=name, estimator=self)
        if labels.ndim == 2 and labels.shape[1] > 1:
            if type_of_target(labels) != "multilabel-indicator" or labels.min() < 0 or labels.max() > 1:
                raise DataError(
                    f"{name} has {labels.shape[1]} columns, which must be labels of 0 and 1: for several targets with "
                    "classes use MultiOutputClassifier."
                )
            return np.asarray(labels, float)
        labels = np.asarray(column_or_1d(labels, warn=True))
        check_classification_targets(labels)
        return labels

    def _learn_target(self, y: Array, used: Array) -> Array:
        self._n_labels = y.shape[1] if y.ndim == 2 else 0
        if self._n_labels:
            if not np.ptp(y[used], axis=0).any():
                raise DataError("y has the same labels in every row: give rows that differ.")
            self.classes_ = np.arange(self._n_labels)
            return y
        self.classes_, of_used = np.unique(y[used], return_inverse=True)
        if len(self.classes_) < 2:
            raise DataError(
                f"{type(self).__name__} needs 2 classes, but y has the one class {self.classes_.tolist()[0]!r} only."
            )
        codes = np.zeros(len(y), np.int64)
        codes[used] = of_used
        return codes

    def _encoded(self, y: Array, *, name: str = "y_val") -> Array:
        if y.ndim == 2 or self._n_labels:
            n_given, n_known = (y.shape[1] if y.ndim == 2 else 1), max(1, self._n_labels)
            if n_given != n_known:
                raise DataError(f"{name} has {count(n_given, 'column')}, but y has {n_known}: give the same labels.")
            return y
        unknown = np.setdiff1d(y, self.classes_)
        if len(unknown):
            known = "y does not have" if name == "y_val" else "classes does not have"
            raise DataError(f"{name} has the class {unknown.tolist()[0]!r}, which {known}.")
        return np.asarray(np.searchsorted(self.classes_, y))

    def _own_settings(self) -> dict[str, Any]:
        """Return class weights by class number."""
        if self._n_labels and self.class_weight is not None:
            raise ConfigError("class_weight weighs the classes of one label: with several labels give sample_weight.")
        if not isinstance(self.class_weight, Mapping):
            return {"class_weight": self.class_weight}
        numbers = {label: number for number, label in enumerate(self.classes_.tolist())}
        for label in self.class_weight:
            if label not in numbers:
                raise ConfigError(
                    f"class_weight names {label!r}, but the classes are {join(map(repr, numbers), most=10)}."
                )
        return {"class_weight": {str(numbers[label]): weight for label, weight in self.class_weight.items()}}

    def _weights_of_classes(self, y: Array) -> Array:
        weights = self._own_settings()["class_weight"]
        if isinstance(weights, str):
            raise ConfigError("class_weight='balanced' needs all rows: for partial_fit give a weight for each label.")
        return np.array([(weights or {}).get(str(number), 1.0) for number in y.tolist()])

    def _named(self, record: Record) -> Record:
        target = replace(record.target, classes=tuple(self.classes_.tolist()))
        return replace(record, target=target, settings=replace(record.settings, class_weight=self.class_weight))
