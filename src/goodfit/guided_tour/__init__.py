"""The guide as one page whose figures are drawn from trainings that run when it is written."""
