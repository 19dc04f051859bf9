"""From a table to a run folder."""
