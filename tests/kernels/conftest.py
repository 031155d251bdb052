import pytest


@pytest.fixture
def both(monkeypatch):
    """Calls a function twice, with the kernels through torch, then through Triton; returns both results."""

    def run(function):
        results = []
        for fast in (False, True):
            with monkeypatch.context() as patch:
                for name in ("adversary", "correlation", "exact", "permutation"):
                    patch.setattr(f"attnlib.kernels.{name}.use_triton", lambda x, fast=fast: fast)
                results.append(function())
        return results

    return run
