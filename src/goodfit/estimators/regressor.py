"""``GoodFitRegressor``: a regularised network for a quantity, as an estimator of scikit-learn."""

from typing import Any, Self

import numpy as np
from sklearn.base import RegressorMixin
from sklearn.utils import check_array, column_or_1d

from goodfit.arrays import Array
from goodfit.estimators.base import GoodFitEstimator
from goodfit.estimators.joint import JointPredictor


class GoodFitRegressor(RegressorMixin, GoodFitEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """Neural network regressor with an L2 penalty and early stopping that says whether the fit is good.

    By default three networks are trained, each with early stopping on another third of the rows, and their mean
    predicts. ``l2='auto', learning_rate='auto'``, or several values of either, searches: the grid is trained in one
    compiled program, validation rows select, and an ensemble of the best configs predicts. The target is standardised
    for the training; the loss is the mean squared error. With several targets, y of shape (n_samples, n_targets), it
    is the mean over them.

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
        Share of the rows that validate, drawn at random. With three folds a third does.
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
    random_state : int, RandomState instance or None, default=0
        Seed of splits, initial weights, row orders and dropout; ``None`` draws one from NumPy's global state.
    verbose : {0, 1, 2}, default=0
        1 shows progress on one line of stderr, 2 a line for each epoch of a single training.

    Attributes
    ----------
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
        The fit as a run of ``goodfit.train`` without test rows, for ``goodfit.plot``; of one target only.
    n_iter_ : int
        Number of epochs of the selected training.
    n_features_in_ : int
        Number of columns of ``X``.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the columns, if ``X`` is a data frame whose names are all strings.

    See Also
    --------
    GoodFitClassifier : The same for classes.
    goodfit.train : The same for a table with its target, with sealed test rows.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from sklearn.model_selection import cross_val_score
    >>> from goodfit import GoodFitRegressor
    >>> X, y = load_diabetes(return_X_y=True)
    >>> scores = cross_val_score(GoodFitRegressor(l2=0.001, learning_rate=0.01), X, y, cv=3)
    >>> bool(scores.mean() > 0.4)
    True
    """

    _task = "regression"

    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:  # noqa: ANN401
        """Train one network for one epoch on these rows; it goes on with its weights and the state of its optimizer.

        For rows that come in parts. No rows validate, so there is no early stopping, no search and no verdict:
        ``l2`` and ``learning_rate`` have one value each. Kinds, scales and categories of the
        columns, and the scale of the target, are learned from the rows of the first call. After ``fit`` the selected
        network goes on.

        Parameters
        ----------
        X : {data frame, array-like} of shape (n_samples, n_features)
            Rows.
        y : array-like of shape (n_samples,)
            Their values.
        sample_weight : array-like of shape (n_samples,), default=None
            Weight of each row.

        Returns
        -------
        self : object
            The estimator.
        """
        return self._fit_one_epoch(X, y, sample_weight)

    def predict(self, X: Any) -> Array:  # noqa: ANN401
        """Predict the value of every row.

        Parameters
        ----------
        X : {data frame, array-like, sparse matrix} of shape (n_samples, n_features)
            Rows with the columns of ``fit``.

        Returns
        -------
        y : ndarray of shape (n_samples,) or (n_samples, n_targets)
            Predicted values.
        """
        predicted = self._predicted(X)
        if isinstance(self._predictor, JointPredictor):
            return predicted[:, 0] if predicted.shape[1] == 1 else predicted
        return self._predictor.target.decode(predicted).values

    def __sklearn_tags__(self) -> Any:  # noqa: ANN401
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags

    def _checked_target(self, y: Any, *, name: str = "y") -> Array:  # noqa: ANN401
        numbers = check_array(y, ensure_2d=False, dtype=np.float64, input_name=name, estimator=self)
        several = numbers.ndim == 2 and numbers.shape[1] > 1
        return np.asarray(numbers if several else column_or_1d(numbers, warn=True))

    def _learn_target(self, y: Array, used: Array) -> Array:
        return y

    def _encoded(self, y: Array, *, name: str = "y_val") -> Array:
        return y
