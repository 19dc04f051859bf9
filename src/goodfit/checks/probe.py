"""How much columns can tell: the score of a quick forest, out of the bag or on rows held out."""

import numpy as np
import numpy.typing as npt
from sklearn.ensemble import ExtraTreesClassifier, ExtraTreesRegressor
from sklearn.metrics import accuracy_score, r2_score, roc_auc_score

from goodfit.arrays import Numbers
from goodfit.checks.probe_data import ProbeData

Outputs = Numbers
"""Class probabilities (n, k), or quantities (n, 1)."""
TREES = 40


def score_of(sample: ProbeData) -> tuple[float, Numbers]:
    """The score that a forest reaches for rows that a tree did not see, and the columns' importances."""
    model = _forest(sample, bootstrap=True, oob_score=True).fit(sample.x, sample.y)
    outputs = model.oob_prediction_[:, None] if sample.task == "regression" else model.oob_decision_function_
    judged = np.isfinite(outputs).all(axis=1)
    return score(sample, np.flatnonzero(judged), outputs[judged]), np.asarray(model.feature_importances_)


def fitted_outputs(sample: ProbeData, train: npt.NDArray[np.int64], judged: npt.NDArray[np.int64]) -> Outputs:
    """What a forest that learned from some rows says of others."""
    model = _forest(sample).fit(sample.x[train], sample.y[train])
    if sample.task == "regression":
        return np.asarray(model.predict(sample.x[judged]))[:, None]
    outputs = np.zeros((len(judged), sample.n_classes))
    outputs[:, model.classes_] = model.predict_proba(sample.x[judged])
    return outputs


def score(sample: ProbeData, judged: npt.NDArray[np.int64], outputs: Outputs) -> float:
    """AUC, accuracy or R² (`ProbeData.metric`) of the outputs for these rows."""
    y = sample.y[judged]
    if sample.task == "regression":
        return float(r2_score(y, outputs[:, 0]))
    if sample.task == "binary" and 0 < y.mean() < 1:
        return float(roc_auc_score(y, outputs[:, 1]))
    return float(accuracy_score(y, outputs.argmax(axis=1)))


def _forest(sample: ProbeData, **settings: bool) -> ExtraTreesClassifier | ExtraTreesRegressor:
    """One thread: on a busy machine the threads of a tiny model wait for each other a hundred times its own time."""
    common = {"n_estimators": TREES, "min_samples_leaf": 3, "random_state": sample.seed, "n_jobs": 1} | settings
    if sample.task == "regression":
        return ExtraTreesRegressor(**common, max_features=0.7)
    return ExtraTreesClassifier(**common, max_features=0.5)
