"""Training: the recipe, the compiled training loop, and evaluation."""

from goodfit.training.devices import split_cpu

# Before any other module here can start JAX.
split_cpu()
