"""Kinds of columns: how each becomes numbers that a network can learn from, one file a kind."""
