import pytest


@pytest.fixture
def root(tmp_path, monkeypatch, nowhere):
    """An empty folder of data sets, the only one; the cache is empty and nobody is at any address."""
    monkeypatch.setenv("ATTNLIB_DATA", str(tmp_path))
    return tmp_path
