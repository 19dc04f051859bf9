"""Tables and rows: reading, columns, splits, encoding. NumPy and Arrow, no JAX."""
