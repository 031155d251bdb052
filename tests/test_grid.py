"""The runs of a sweep and their names."""

from pathlib import Path

import pytest
import yaml

from attnlib import grid

ROOT = Path(__file__).parents[1]


def test_every_combination_once_and_in_order():
    block = {"notebooks": ["a/b", "a/c"], "parameters": {"dataset": ["x", "y"], "seed": [0, 1], "k": 5}}
    assert grid.combinations(block)[:2] == [
        {"dataset": "x", "seed": 0, "k": 5},
        {"dataset": "x", "seed": 1, "k": 5},
    ]
    found = grid.runs({"sweep": [block, {"notebooks": ["a/d"]}]})
    assert len(found) == 9
    assert next(iter(found)) == ("a/b", "dataset=x+seed=0+k=5")
    assert found["a/d", "defaults"] == {}
    assert grid.runs({"book": {}}) == {}


def test_a_list_as_one_value_is_a_list_in_a_list():
    assert grid.combinations({"parameters": {"depths": [[1, 4]]}}) == [{"depths": [1, 4]}]


def test_names_are_fit_for_files_and_tell_runs_apart():
    names = [
        grid.run_name(parameters)
        for parameters in (
            {"dataset": "sst", "seed": 0},
            {"path": "a/b"},
            {"path": "a:b"},
            {"depths": [1, 2]},
            {"words": "x" * 300},
            {"words": "x" * 301},
        )
    ]
    assert names[0] == "dataset=sst+seed=0"
    assert len(set(names)) == len(names)
    assert all(len(name) <= grid.LONGEST and not set(name) & set("/:, []") for name in names)


@pytest.mark.parametrize("config", sorted((ROOT / "config").glob("*.yaml")), ids=lambda path: path.stem)
def test_grids_name_notebooks_that_exist_and_parameters_that_these_have(config):
    from attnlib.sources import defaults

    runs = grid.runs(yaml.safe_load(config.read_text()))
    sources = {notebook: ROOT / "notebooks" / f"{notebook}.py" for notebook, _ in runs}
    for source in sources.values():
        assert source.is_file()
    known = {notebook: set(defaults(source)) for notebook, source in sources.items()}
    for (notebook, name), parameters in runs.items():
        assert set(parameters) <= known[notebook], name
