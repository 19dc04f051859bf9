"""Small tables that come with scikit-learn, for a first try without any file."""

import numpy as np
import pyarrow as pa
from sklearn import datasets


def read_builtin(name: str) -> pa.Table:
    """A built-in set by its name; its last column, "target", holds class names, or the measure of `diabetes`."""
    data = getattr(datasets, f"load_{name}")()
    columns = {feature: data.data[:, i] for i, feature in enumerate(data.feature_names)}
    names = getattr(data, "target_names", None)
    target = pa.array(data.target if names is None else np.asarray(names).astype(str)[data.target])
    # A dictionary says that these are classes: the names of digits alone would be read as numbers.
    target = target if names is None else target.dictionary_encode()
    return pa.table({**columns, "target": target})
