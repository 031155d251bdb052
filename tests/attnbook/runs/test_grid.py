"""The runs of a sweep and their names."""

from pathlib import Path

import pytest

from attnbook.runs import grid, values
from attnlib.cache.sources import defaults

ROOT = Path(__file__).parents[3]
CONFIGS = sorted((ROOT / "config").glob("*.yaml"))
NOTEBOOK = """
# %% tags=["parameters"]
dataset: str = "planted"
epsilon: float = 0.01
seed: int = 0
names: list = []

# %%
other: int = 1
"""
ONE = "sweep: [{notebooks: [a/b], parameters: {seed: [0, 1]}}]"


def test_every_combination_once_and_in_order():
    block = {"notebooks": ["a/b", "a/c"], "parameters": {"dataset": ["x", "y"], "seed": [0, 1], "k": 5}}
    first = [{"dataset": "x", "seed": seed, "k": 5} for seed in (0, 1)]
    assert grid.combinations(block)[:2] == first
    found = grid.runs({"sweep": [block, {"notebooks": ["a/d"]}]})
    assert len(found) == 9
    assert next(iter(found)) == ("a/b", "dataset=x+seed=0+k=5")
    assert found["a/d", "defaults"] == {}
    assert grid.runs({"book": {}}) == {}
    # A list as one value is a list in a list.
    assert grid.combinations({"parameters": {"depths": [[1, 4]]}}) == [{"depths": [1, 4]}]


@pytest.fixture
def place(tmp_path):
    """A folder with one notebook, in which configurations are written."""
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "notebooks" / "page.py").write_text(NOTEBOOK)
    return tmp_path


def read_of(place, parameters):
    """Runs of a grid with these parameters, in YAML."""
    (place / "grid.yaml").write_text(f"sweep: [{{notebooks: [page], parameters: {parameters}}}]")
    return grid.read(place / "grid.yaml", place)


def test_values_are_read_by_the_annotations_of_their_notebook(place):
    found = read_of(place, "{epsilon: [1e-2, '5E-3', .5, 1], dataset: ['no', '010'], names: [[1e-2, 'on']]}")
    names = [0.01, "on"]
    first = [tuple(run.values()) for run in found.values()][:3]
    assert first == [(0.01, "no", names), (0.01, "010", names), (0.005, "no", names)]
    assert next(iter(found))[1] == grid.run_name({"epsilon": 0.01, "dataset": "no", "names": names})
    # What the notebook does not have is for the run to refuse.
    assert read_of(place, "{sead: ['010']}") == {("page", "sead=010"): {"sead": "010"}}
    grid.write(place / "again.yaml", found)
    assert grid.read(place / "again.yaml", place) == found


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ("{seed: [010]}", "grid.yaml: line 1: readers of YAML differ about 010"),
        ("{seed: ['010']}", "grid.yaml: .*page.py: parameter seed is '010': it must be int, such as 10"),
        ("{seed: [1e0]}", "parameter seed is 1.0: it must be int"),
        ("{names: [1]}", "parameter names is 1: it must be list"),
        ("{epsilon: 1e999}", "grid.yaml: is inf: give a finite number"),
        ("{names: [!!binary aGk=]}", "binary is no plain value"),
    ],
)
def test_a_value_that_could_be_another_or_is_not_plain_is_refused_by_name(parameters, message, place):
    with pytest.raises(ValueError, match=message):
        read_of(place, parameters)


def test_names_are_fit_for_files_and_tell_runs_apart():
    runs = [{"dataset": "sst", "seed": 0}, {"path": "a/b"}, {"path": "a:b"}, {"depths": [1, 2]}]
    names = [grid.run_name(run) for run in [*runs, {"words": "x" * 300}, {"words": "x" * 301}]]
    assert names[0] == "dataset=sst+seed=0"
    assert len(set(names)) == len(names)
    assert all(len(name) <= grid.LONGEST and not set(name) & set("/:, []") for name in names)


@pytest.mark.parametrize("config", CONFIGS, ids=lambda path: path.stem)
def test_grids_name_notebooks_that_exist_and_parameters_that_these_have(config):
    runs = grid.runs(values.load_file(config), ROOT)
    known = {notebook: set(defaults(ROOT / "notebooks" / f"{notebook}.py")) for notebook, _ in runs}
    for (notebook, name), parameters in runs.items():
        assert set(parameters) <= known[notebook], name


def test_the_grid_of_all_papers_is_that_of_each():
    others = ("paper", "default", "readouts")
    parts = [grid.read(path, ROOT) for path in CONFIGS if path.stem not in others]
    assert len(parts) >= 5
    every = {key: parameters for part in parts for key, parameters in part.items()}
    assert grid.read(ROOT / "config/paper.yaml", ROOT) == every


def write(place, **files):
    for name, text in files.items():
        (place / f"{name}.yaml").write_text(text)


def test_a_run_of_several_grids_is_one_run_in_the_order_of_the_first(tmp_path, monkeypatch):
    two = "sweep: [{notebooks: [a/c, a/b], parameters: {seed: [1, 2]}}]"
    own = "sweep: [{notebooks: [a/b], parameters: {seed: [0, 7]}}]"
    both = f"grids: [one.yaml, two.yaml, one.yaml]\n{own}"
    write(tmp_path, one=ONE, two=two, both=both, nested="grids: [both.yaml, two.yaml]")
    found = grid.read(tmp_path / "both.yaml", tmp_path)
    order = [f"{notebook} {run['seed']}" for (notebook, _), run in found.items()]
    assert order == ["a/b 0", "a/b 1", "a/c 1", "a/c 2", "a/b 2", "a/b 7"]
    assert grid.read(tmp_path / "nested.yaml", tmp_path) == found
    # Paths begin where the command is given.
    monkeypatch.chdir(tmp_path)
    assert grid.runs({"grids": ["nested.yaml"]}) == grid.read("nested.yaml") == found


@pytest.mark.parametrize(
    ("text", "error", "message"),
    [
        ("grids: [nowhere.yaml]", FileNotFoundError, r"grid .*nowhere.yaml, which .*top.yaml names,"),
        ("grids: [plain.yaml]", ValueError, "plain.yaml is no grid of runs: it has neither `sweep` nor"),
        ("grids: [empty.yaml]", ValueError, "empty.yaml is no grid of runs"),
        ("grids: [list.yaml]", ValueError, "list.yaml is no grid of runs"),
        ("grids: [broken.yaml]", ValueError, "broken.yaml: line 1: no YAML: expected the node content"),
        ("grids: [nameless.yaml]", ValueError, "nameless.yaml is no grid of runs: KeyError.'notebooks'"),
        ("grids: [top.yaml]", ValueError, "top.yaml names itself"),
        ("grids: [ring.yaml]", ValueError, "top.yaml names itself: .*top.yaml → .*ring.yaml → .*top.yaml"),
        ("grids: one.yaml", ValueError, "grids is 'one.yaml': give a list"),
        ("grids: []", ValueError, "top.yaml is no grid of runs"),
    ],
)
def test_what_is_no_grid_is_named(text, error, message, tmp_path):
    write(tmp_path, top=text, plain="book: {}", empty="", list="- 1", broken="sweep: [")
    write(tmp_path, nameless="sweep: [{parameters: {seed: 0}}]", ring="grids: [top.yaml]")
    with pytest.raises(error, match=message):
        grid.read(tmp_path / "top.yaml", tmp_path)


def test_a_configuration_given_as_values_may_not_lead_back_to_a_file_twice(tmp_path):
    write(tmp_path, ring="grids: [ring.yaml]")
    with pytest.raises(ValueError, match="ring.yaml names itself"):
        grid.runs({"grids": ["ring.yaml"]}, tmp_path)
