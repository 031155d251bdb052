"""Shared by all tests: what must be set before anything is imported, and which tests this machine can run."""

import os
from pathlib import Path

import pytest

# What is tested is small: a second thread makes it no faster, and the threads of two workers of pytest-xdist
# on two cores make it ten times slower. Kernels of notebooks and other processes take it over.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import torch

if not torch.cuda.is_available():
    # Triton's decorator reads this when a kernel's module is imported.
    os.environ.setdefault("TRITON_INTERPRET", "1")


def missing(sets):
    """Whether real data sets are not at hand, and the reason to give; `sets` are folders of ATTNLIB_DATA."""
    if not (root := os.environ.get("ATTNLIB_DATA")):
        return True, "needs real data sets: set ATTNLIB_DATA to their folder"
    absent = [name for name in sets if not (Path(root).expanduser() / name).is_dir()]
    return bool(absent), f"no {', '.join(absent)} in ATTNLIB_DATA"


def pytest_collection_modifyitems(items):
    needs_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
    for item in items:
        if item.get_closest_marker("gpu"):
            item.add_marker(needs_gpu)
        if data := item.get_closest_marker("data"):
            absent, reason = missing(data.args)
            item.add_marker(pytest.mark.skipif(absent, reason=reason))


@pytest.fixture(scope="session", autouse=True)
def shared_cache(tmp_path_factory):
    """The cache of a test that sets no other one: empty at first, and one for all workers of pytest-xdist."""
    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ATTNLIB_CACHE", str(folder / "cache"))
        yield folder / "cache"


@pytest.fixture(scope="session")
def data_folder():
    """The folder with real data sets; for tests marked `data`."""
    return Path(os.environ["ATTNLIB_DATA"]).expanduser()
