"""Labelled trainings on which the verdicts are measured: `python -m benchmarks.bank`.

The truth comes from interventions, never from the rules: every training is compared, on many rows that took no part in
it, with the same training under another learning rate, penalty, number of epochs or size of the network.
"""
