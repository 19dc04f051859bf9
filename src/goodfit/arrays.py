"""Array types that annotations share."""

from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
Numbers = npt.NDArray[np.float64]
Indices = npt.NDArray[np.int64]
