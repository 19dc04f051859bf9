"""Doors for scikit-learn: ``GoodFitClassifier`` and ``GoodFitRegressor``."""
