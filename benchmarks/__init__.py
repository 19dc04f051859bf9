"""Side by side with Keras, torch and scikit-learn: `python -m benchmarks`, or one: `python -m benchmarks.start_up`.

Nothing here is asserted, for machines are noisy; every script prints what it ran on, what was typed, and a table in
Markdown. Contestants take turns in fresh processes, and medians are shown.
"""
