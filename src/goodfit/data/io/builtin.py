"""Small data sets that come with scikit-learn, for a first try without any file."""

import lazy_loader
import numpy as np
import pyarrow as pa

sklearn = lazy_loader.load("sklearn")  # it takes longer to import than most tables to read

BUILTIN = ("breast_cancer", "digits", "wine", "iris", "diabetes")
"""Names of the built-in data sets."""


def read_builtin(name: str) -> pa.Table:
    """Return a built-in data set; its last column, "target", holds class names, or the measure of `diabetes`."""
    data = getattr(sklearn.datasets, f"load_{name}")()
    columns = {feature: data.data[:, i] for i, feature in enumerate(data.feature_names)}
    names = getattr(data, "target_names", None)
    target = pa.array(data.target if names is None else np.asarray(names).astype(str)[data.target])
    # A dictionary says that these are classes: the names of digits alone would be read as numbers.
    target = target if names is None else target.dictionary_encode()
    return pa.table({**columns, "target": target})
