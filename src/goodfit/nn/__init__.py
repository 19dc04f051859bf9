"""Mathematics of training: layers, losses, penalties, metrics, optimizers, schedules, early stopping.

Pure functions of arrays, independent of tables, files and terminals.
"""
