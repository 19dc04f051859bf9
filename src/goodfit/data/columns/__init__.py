"""What a column is: its cells, dates, kind and name."""
