"""Rules: each reads observations and returns a finding, or nothing."""
