"""What more than one of these files uses."""

import numpy as np
import pytest

import goodfit
from goodfit import Outcome, Training
from goodfit.training.history import History


@pytest.fixture
def asked(monkeypatch):
    """What the training would have been given; none is run."""
    calls = []

    def record(recipe, rows, **choices):
        calls.append(choices | {"recipe": recipe, "rows": rows})
        params = choices["params"]
        return Training(params, params, History({"loss": np.zeros(1)}), Outcome.FINISHED, 1)

    monkeypatch.setattr(goodfit.sequential, "fit", record)
    return calls
