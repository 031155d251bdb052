"""`attnbook run`: parameters are checked first, and a failed run never looks finished."""

import json
import os
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest

from attnbook.runs import run

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


@contextmanager
def control_group(megabytes):
    """The file that takes a process into a group of so much memory; needs the right to make one."""
    lines = [line.split(":", 2) for line in Path("/proc/self/cgroup").read_text().splitlines()]
    own = {kinds: name.lstrip("/") for _, kinds, name in lines}
    base, limit = Path("/sys/fs/cgroup"), "memory.max"
    if "memory" in own:
        base, limit = base / "memory", "memory.limit_in_bytes"
    group = base / own.get("memory", own.get("", "")) / f"attnlib-test-{os.getpid()}"
    try:
        group.mkdir()
        (group / limit).write_text(str(megabytes << 20))
    except OSError as error:
        if group.is_dir():
            group.rmdir()
        pytest.skip(f"a limit of memory needs the right to set it: {error}")
    try:
        yield group / "cgroup.procs"
    finally:
        group.rmdir()


def test_a_kernel_that_runs_out_of_memory_is_killed_and_nothing_looks_finished(notebook, tmp_path):
    greedy = notebook.with_name("greedy.py")
    greedy.write_text(SOURCE + "\nheld = [bytearray(b'1') * (1 << 20) for _ in range(2000)]\n")
    output = tmp_path / "out.ipynb"
    words = [sys.executable, "-m", "attnbook.runs.run", str(greedy), str(output)]
    with control_group(500) as members:
        done = subprocess.run(
            ["sh", "-c", f'echo $$ > "{members}" && exec "$@"', "sh", *words], capture_output=True, text=True
        )
    assert done.returncode == 1
    assert "greedy.py: its kernel was killed, as the system does where memory runs out" in done.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["greedy.py", "toy.py"]
    run.main([str(notebook), str(output)])
    assert output.is_file()
