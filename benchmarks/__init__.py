"""Measurements of the kernels: `python -m benchmarks.run`, or `make bench`."""
