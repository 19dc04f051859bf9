"""The test rows: which they are, what may be known about them before the exam, and the exam."""
