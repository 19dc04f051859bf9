"""Which rows are train, validation and test rows."""
