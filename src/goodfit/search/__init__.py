"""Search: many trials in parallel, and the selection among them."""
