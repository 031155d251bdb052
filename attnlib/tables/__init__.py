"""Per-text results become tidy numbers."""
