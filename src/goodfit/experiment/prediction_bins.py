"""What a report shows of predictions beside their metrics: calibration and residuals in bins, without single rows."""

import numpy as np

from goodfit.arrays import Array

CALIBRATION_BINS, RESIDUAL_BINS = 10, 31
Bins = tuple[tuple[float, float, int], ...]


def calibration_of(task: str, truth: Array, found: Array) -> Bins:
    """Return mean predicted, mean observed and rows, of bins of equally many rows in the order of what was predicted.

    Args:
        task: of the target.
        truth: class numbers (rows,), or values (rows, 1).
        found: probabilities (rows, classes), or (rows, 1) of the second of two classes; or values (rows, 1).
    """
    if task == "regression":
        predicted, observed = found[:, 0].astype(float), truth[:, 0].astype(float)
    elif found.shape[1] == 1:
        predicted, observed = found[:, 0].astype(float), truth.astype(float)
    else:
        predicted, observed = found.max(axis=1).astype(float), (found.argmax(axis=1) == truth).astype(float)
    groups = np.array_split(np.argsort(predicted, kind="stable"), min(CALIBRATION_BINS, len(predicted)))
    return tuple((float(predicted[rows].mean()), float(observed[rows].mean()), len(rows)) for rows in groups)


def residuals_of(residuals: Array) -> Bins:
    """Return low end, high end and rows of bins between the 0.5 % and the 99.5 % quantile.

    What lies outside counts in the outermost bins.

    Args:
        residuals: true − predicted (rows,).
    """
    low, high = np.quantile(residuals, [0.005, 0.995])
    edges = np.linspace(low, high, RESIDUAL_BINS + 1)
    counts, _ = np.histogram(np.clip(residuals, edges[0], edges[-1]), edges)
    return tuple(zip(edges[:-1].tolist(), edges[1:].tolist(), counts.tolist(), strict=True))
