"""The guide, measured: one page whose every picture is drawn from trainings that run there and then."""
