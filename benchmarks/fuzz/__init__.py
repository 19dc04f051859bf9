"""Files that someone changed: what a run folder, a journal and a table do with them."""
