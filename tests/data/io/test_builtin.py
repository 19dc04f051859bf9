"""The built-in data sets are those of scikit-learn, cell by cell."""

import subprocess
import sys

import numpy as np
import pyarrow as pa
import pytest
import sklearn.datasets

from goodfit.data.io.builtin import read_builtin
from goodfit.data.io.names import BUILTIN


@pytest.mark.parametrize("name", BUILTIN)
def test_a_built_in_set_is_that_of_scikit_learn(name):
    expected, found = getattr(sklearn.datasets, f"load_{name}")(), read_builtin(name)
    assert found.column_names == [*expected.feature_names, "target"]
    np.testing.assert_array_equal(np.column_stack([found[name] for name in expected.feature_names]), expected.data)
    if name == "diabetes":
        np.testing.assert_array_equal(found["target"], expected.target)
    else:
        labels = np.asarray(expected.target_names).astype(str)[expected.target]
        assert pa.types.is_dictionary(found["target"].type)  # classes, though the names of digits are numbers
        assert found["target"].to_pylist() == labels.tolist()


def test_reading_one_does_not_import_scikit_learn():
    code = "import sys; from goodfit.data.io.builtin import *; read_builtin('iris'); print('sklearn' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout == "False\n"
