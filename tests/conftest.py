"""Shared by all tests: what must be set before anything is imported, and which tests this machine can run."""

import os
from pathlib import Path

import pytest
import torch

if not torch.cuda.is_available():
    # Triton's decorator reads this when a kernel's module is imported.
    os.environ.setdefault("TRITON_INTERPRET", "1")


def pytest_collection_modifyitems(items):
    needs_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
    needs_data = pytest.mark.skipif(
        not os.environ.get("ATTNLIB_DATA"), reason="needs real data sets: set ATTNLIB_DATA to their folder"
    )
    for item in items:
        if item.get_closest_marker("gpu"):
            item.add_marker(needs_gpu)
        if item.get_closest_marker("data"):
            item.add_marker(needs_data)


@pytest.fixture(scope="session")
def data_folder():
    """The folder with real data sets; for tests marked `data`."""
    return Path(os.environ["ATTNLIB_DATA"]).expanduser()
