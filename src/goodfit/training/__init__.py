"""Joins mathematics and rows: what is chosen (recipe), what is varied (knobs), and the one training cycle."""
