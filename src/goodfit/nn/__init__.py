"""The mathematics: layers, losses, penalties, metrics, optimizers, schedules, early stopping.

Pure functions of arrays, one formula each. Nothing here knows a table, a file or a screen.
"""
