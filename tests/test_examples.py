"""Every public entry point has an example in its docstring, and all examples give what they say."""

import doctest
import importlib
import re
from pathlib import Path

import pytest

import attnlib
from attnlib import data, explain, faithfulness, kernels, prepare

ROOT = Path(__file__).parents[1]
MODULES = [
    pytest.param(
        ".".join(path.relative_to(folder).with_suffix("").parts).removesuffix(".__init__"),
        # These train.
        marks=[pytest.mark.slow] * (">>> run = prepare" in text),
    )
    for folder in (ROOT, ROOT / "book")
    for path in sorted(folder.glob("attn*/**/*.py"))
    if re.search(r"^ *>>> ", text := path.read_text(), re.MULTILINE)
]
ENTRIES = {
    "attnlib.Readout": attnlib.Readout,
    **{f"kernels.{name}": getattr(kernels, name) for name in kernels.__all__},
    **{f"prepare.{name}": getattr(prepare, name) for name in prepare.HOMES if name.startswith("prepare")},
    **{f"data.{name}": getattr(data, name) for name in ("load", "load_scenes", "names")},
    "explain.explain": explain.explain,
    **{f"faithfulness.{name}": getattr(faithfulness, name) for name in ("violation_test", "removals")},
}


@pytest.mark.parametrize("module", MODULES)
def test_examples_give_what_they_say(module, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)  # some write a file
    found = doctest.testmod(
        importlib.import_module(module), optionflags=doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS
    )
    assert found.attempted
    assert not found.failed


@pytest.mark.parametrize("name", ENTRIES)
def test_a_public_entry_point_has_an_example(name):
    assert ">>> " in ENTRIES[name].__doc__
