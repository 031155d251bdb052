"""`python -m attnlib.run`: parameters are checked first, and a failed run never looks finished."""

import json

import pytest

from attnlib import run

pytestmark = pytest.mark.slow

SOURCE = """
# %% tags=["parameters"]
seed: int = 0
name: str = "a"

# %%
from attnlib import notebook
values = notebook.parameters(globals())
assert seed < 5, "seed is too large"
print(values)
"""


@pytest.fixture
def notebook(tmp_path):
    path = tmp_path / "toy.py"
    path.write_text(SOURCE)
    return path


def test_parameters_arrive(notebook, tmp_path):
    output = tmp_path / "deep" / "out.ipynb"
    run.main([str(notebook), str(output), "-p", "seed", "3", "-p", "name", "b"])
    cells = json.loads(output.read_text())["cells"]
    assert cells[-1]["outputs"][0]["text"] == ["{'seed': 3, 'name': 'b'}\n"]
    assert [path.name for path in output.parent.iterdir()] == ["out.ipynb"]


def test_a_misspelt_parameter_is_refused_before_anything_runs(notebook, tmp_path):
    with pytest.raises(SystemExit, match="no parameter 'sead': it has seed, name. Did you mean 'seed'"):
        run.main([str(notebook), str(tmp_path / "out.ipynb"), "-p", "sead", "3"])
    assert [path.name for path in tmp_path.iterdir()] == ["toy.py"]


def test_a_value_of_the_wrong_type_fails_with_the_reason(notebook, tmp_path):
    with pytest.raises(SystemExit, match="parameter seed is 'many'"):
        run.main([str(notebook), str(tmp_path / "out.ipynb"), "-p", "seed", "many"])


def test_a_failed_run_is_kept_under_another_name(notebook, tmp_path):
    with pytest.raises(SystemExit, match="seed is too large"):
        run.main([str(notebook), str(tmp_path / "out.ipynb"), "-p", "seed", "9"])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out.failed.ipynb", "toy.py"]


def test_a_missing_notebook_is_named(tmp_path):
    with pytest.raises(SystemExit, match=r"nowhere\.py does not exist"):
        run.main([str(tmp_path / "nowhere.py"), str(tmp_path / "out.ipynb")])


def test_a_kernel_that_is_killed_for_its_memory_is_an_error_that_says_so(notebook, tmp_path):
    # What the system does where memory runs out: no exception, no clean-up.
    killed = notebook.with_name("killed.py")
    killed.write_text(SOURCE + "\nimport os, signal\nos.kill(os.getpid(), signal.SIGKILL)\n")
    with pytest.raises(SystemExit, match=r"killed\.py: its kernel was killed.*memory"):
        run.main([str(killed), str(tmp_path / "out.ipynb")])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["killed.py", "toy.py"]
    run.main([str(notebook), str(tmp_path / "out.ipynb")])
    assert (tmp_path / "out.ipynb").is_file()
