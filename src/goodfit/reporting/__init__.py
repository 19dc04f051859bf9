"""The report of a run as one page, and its charts for notebooks and as PNG files."""
