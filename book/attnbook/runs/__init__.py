"""Runs of notebooks: one, a grid, its progress, what is recorded and verified."""
