"""Joins mathematics and rows: what is chosen (recipe), what is varied (knobs), and the one training cycle."""

from goodfit.training.devices import split_cpu

# Before any other module here has a chance to start JAX.
split_cpu()
