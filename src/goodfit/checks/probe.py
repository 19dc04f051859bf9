"""The probe model: a small forest whose score, out of bag or on other rows, says what columns predict."""

import numpy as np
from sklearn.ensemble import ExtraTreesClassifier, ExtraTreesRegressor
from sklearn.metrics import accuracy_score, r2_score, roc_auc_score

from goodfit.arrays import Indices, Numbers
from goodfit.checks.probe_data import ProbeData

N_TREES = 40
MIN_LEAF_ROWS = 3
"""Smooths out-of-bag scores. Comparisons use full trees, which interpolate between neighbours in time."""


def score_of(probe: ProbeData) -> tuple[float, Numbers]:
    """Return the out-of-bag score and the importance of each column."""
    model = _forest(probe, bootstrap=True, oob_score=True, min_samples_leaf=MIN_LEAF_ROWS).fit(probe.x, probe.y)
    outputs = model.oob_prediction_[:, None] if probe.task == "regression" else model.oob_decision_function_
    rows = np.flatnonzero(np.isfinite(outputs).all(axis=1))
    return score(probe, rows, outputs[rows]), np.asarray(model.feature_importances_)


def fitted_outputs(probe: ProbeData, train: Indices, rows: Indices) -> Numbers:
    """Return class probabilities (n, classes) or quantities (n, 1) of ``rows``, learned from the rows ``train``."""
    model = _forest(probe).fit(probe.x[train], probe.y[train])
    if probe.task == "regression":
        return np.asarray(model.predict(probe.x[rows]))[:, None]
    outputs = np.zeros((len(rows), probe.n_classes))
    outputs[:, model.classes_] = model.predict_proba(probe.x[rows])
    return outputs


def score(probe: ProbeData, rows: Indices, outputs: Numbers) -> float:
    """Return AUC, accuracy or R² (``ProbeData.metric``) of the outputs for these rows."""
    y = probe.y[rows]
    if probe.task == "regression":
        return float(r2_score(y, outputs[:, 0]))
    if probe.task == "binary" and 0 < y.mean() < 1:
        return float(roc_auc_score(y, outputs[:, 1]))
    return float(accuracy_score(y, outputs.argmax(axis=1)))


def _forest(probe: ProbeData, **settings: int) -> ExtraTreesClassifier | ExtraTreesRegressor:
    """One thread: on a busy machine the threads of a tiny model wait for each other a hundred times its own time."""
    common = {"n_estimators": N_TREES, "random_state": probe.seed, "n_jobs": 1} | settings
    if probe.task == "regression":
        return ExtraTreesRegressor(**common, max_features=0.7)
    return ExtraTreesClassifier(**common, max_features=0.5)
