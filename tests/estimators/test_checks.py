"""Every check that scikit-learn has for an estimator, none of them expected to fail."""

import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from goodfit import GoodFitClassifier, GoodFitRegressor

SMALL = {"l2": 0.001, "learning_rate": 0.01, "hidden_layer_sizes": (16,), "epochs": 20}
pytestmark = [
    # Some checks have fewer rows of a class than folds, or one row of it.
    pytest.mark.filterwarnings("ignore:class .* has . rows? for .* folds:UserWarning"),
    pytest.mark.filterwarnings("ignore:the validation rows have none of class:UserWarning"),
]


@parametrize_with_checks([GoodFitClassifier(**SMALL), GoodFitRegressor(**SMALL)])
def test_a_small_network_passes_every_check(estimator, check):
    check(estimator)


@pytest.mark.slow
@parametrize_with_checks([GoodFitClassifier(), GoodFitRegressor()])
def test_the_defaults_pass_every_check(estimator, check):
    check(estimator)
