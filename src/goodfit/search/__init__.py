"""Search: many trials in parallel, and the selection of one config."""
