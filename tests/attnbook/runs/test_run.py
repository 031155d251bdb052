"""`attnbook run`: parameters are checked first, and a failed run never looks finished."""

import ast
import json
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

from attnbook.__main__ import main
from attnbook.runs import run
from tests.test_faults import file_system

pytestmark = pytest.mark.slow

SOURCE = """
# %%
from typing import Any, Optional

# %% tags=["parameters"]
seed: int = 0
name: str = "a"
rate: float = 0.5
names: list = []
maybe: Optional[int] = 4
free: Any = 1

# %%
from attnbook import notebook
values = notebook.parameters(globals())
assert seed < 5, "seed is too large"
print(values)
"""


@pytest.fixture
def notebook(tmp_path):
    path = tmp_path / "toy.py"
    path.write_text(SOURCE)
    return path


def execute(source, *words, output=None):
    """Run a notebook by the command; its output lies beside it unless another one is given."""
    output = output or source.with_name("out.ipynb")
    main(["run", str(source), str(output), *map(str, words)])
    return output


def files(folder):
    return sorted(path.name for path in folder.iterdir())


def values_of(executed):
    """What the toy notebook printed of its parameters."""
    (output,) = json.loads(executed.read_text())["cells"][-1]["outputs"]
    return ast.literal_eval("".join(output["text"]))


@pytest.mark.parametrize(
    ("name", "word", "message"),
    [
        ("sead", "3", "unknown parameter 'sead': known are seed, name, .*, free. Did you mean 'seed'"),
        ("seed", "010", "parameter seed is '010': it must be int, such as 10"),
        ("rate", "1_0", "parameter rate is '1_0': it must be float, such as 10"),
        ("names", "[1,2", r"parameter names is '\[1,2': line 1: no YAML"),
        ("free", "!!binary IjsgZXhpdCgpICM=", "binary is no plain value"),
    ],
)
def test_a_value_that_could_be_another_is_refused_before_anything_runs(name, word, message, notebook):
    with pytest.raises(SystemExit, match=message):
        execute(notebook, "-p", name, word)
    assert files(notebook.parent) == ["toy.py"]


def test_words_and_files_are_read_by_the_annotations(notebook, tmp_path):
    file, deep = tmp_path / "given.yaml", tmp_path / "deep/out.ipynb"
    file.write_text("rate: 1e-2\nname: 'no'\nnames: [1e-2, 'on', null]\nmaybe: null\n")
    expected = {"seed": 0, "name": "no", "rate": 0.01, "names": [0.01, "on", None], "maybe": None, "free": 1}
    assert values_of(execute(notebook, "-f", file, output=deep)) == expected
    assert files(deep.parent) == ["out.ipynb"]
    words = {"name": "no", "rate": "-5E-3", "names": "[a, b]", "maybe": "None", "free": "'010'"}
    found = values_of(execute(notebook, "-f", file, *(w for pair in words.items() for w in ("-p", *pair))))
    assert found == expected | {"rate": -0.005, "names": ["a", "b"], "free": "010"}


def test_only_plain_values_reach_a_notebook_from_python_too(notebook, tmp_path):
    # All others: test_values.py.
    with pytest.raises(ValueError, match="parameter free is of type bytes"):
        run.run(notebook, tmp_path / "out.ipynb", {"free": b'"; import os; os._exit(1) #'})


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"- 1\n", "given.yaml holds list: write a line `name: value` for each"),
        (b"seed: 010\n", "given.yaml: line 1: readers of YAML differ about 010"),
        (None, r"No such file or directory: '.*given.yaml'"),
    ],
)
def test_a_file_of_parameters_that_is_none_is_named(content, message, notebook, tmp_path):
    if content is not None:
        (tmp_path / "given.yaml").write_bytes(content)
    with pytest.raises(SystemExit, match=message):
        execute(notebook, "-f", tmp_path / "given.yaml")


def test_an_output_that_cannot_be_written_is_refused_before_anything_runs(notebook, tmp_path):
    folder, file = tmp_path / "folder", tmp_path / "file"
    folder.mkdir()
    (tmp_path / "kept.failed.ipynb").mkdir()
    file.touch()
    for output, message in (
        (folder, r"output .*folder is a folder: name a file, such as .*folder/toy\.ipynb"),
        (tmp_path / "kept.ipynb", r"output .*kept\.failed\.ipynb is a folder"),
        (notebook, r"output .*toy\.py is the notebook itself"),
        (file / "out.ipynb", r"nothing can be written in .*/file \(Not a directory\)"),
        (Path("/proc/none/out.ipynb"), r"nothing can be written in /proc \("),
    ):
        with pytest.raises(SystemExit, match=message):
            # The notebook would fail, and what runs leaves a failed notebook.
            execute(notebook, "-p", "seed", "9", output=output)
    assert notebook.read_text() == SOURCE
    assert files(tmp_path) == ["file", "folder", "kept.failed.ipynb", "toy.py"]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("latin.py", b"# %%\nx = '\xe9'\n", "latin.py is not UTF-8 text: .* at byte 10"),
        ("broken.ipynb", b"{", "broken.ipynb is no notebook"),
        ("words.txt", b"words", "words.txt is no notebook"),
        ("cell.py", b'# %% tags=["parameters"]\nseed = = 1\n', "the parameters of .*cell.py are no Python"),
        (".", None, "notebook .* is a folder"),
        ("nowhere.py", None, r"nowhere\.py does not exist"),
    ],
)
def test_what_is_no_notebook_is_named(name, content, message, tmp_path):
    if content:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(SystemExit, match=message):
        execute(tmp_path / name, "-p", "seed", "1", output=tmp_path / "out.ipynb")


def command(source):
    return [sys.executable, "-m", "attnbook", "run", str(source), str(source.with_name("out.ipynb"))]


def longer(notebook, code):
    """The toy notebook with more code at its end."""
    path = notebook.with_name("longer.py")
    path.write_text(f"{SOURCE}\n{code}\n")
    return path


def test_ctrl_c_ends_a_run_and_nothing_is_kept(notebook, tmp_path):
    begun = tmp_path / "begun"
    waiting = longer(notebook, f"import pathlib, time\npathlib.Path({str(begun)!r}).touch()\ntime.sleep(600)")
    process = subprocess.Popen(command(waiting), stderr=subprocess.PIPE, text=True, start_new_session=True)
    while not begun.exists():
        assert process.poll() is None
        time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    # Seldom, on a busy machine, Jupyter's own cleaning up swallows an interrupt: it comes again by itself.
    _, text = process.communicate(timeout=90)
    assert process.returncode == 130
    assert "stopped" in text
    # What the dying kernel says is not ours.
    assert "attnlib" not in text
    assert files(tmp_path) == ["begun", "longer.py", "toy.py"]


def test_the_kernel_is_this_environments_though_the_home_has_one_of_that_name(notebook, tmp_path):
    other = tmp_path / "home/.local/share/jupyter/kernels/python3"
    other.mkdir(parents=True)
    spec = {"argv": ["/bin/false", "{connection_file}"], "display_name": "other", "language": "python"}
    (other / "kernel.json").write_text(json.dumps(spec))
    environment = os.environ | {"HOME": str(tmp_path / "home"), "JUPYTER_PREFER_ENV_PATH": "0"}
    done = subprocess.run(command(notebook), env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "out.ipynb").is_file()


def test_letters_beyond_ascii_pass_whatever_the_locale(notebook, tmp_path):
    far = notebook.rename(tmp_path / "mañana – 今.py")
    far.write_text(f"{SOURCE}# × ≥\n", encoding="utf-8")
    (tmp_path / "given.yaml").write_text("name: déjà × 今\n", encoding="utf-8")
    ascii_alone = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    words = [*command(far), "-f", str(tmp_path / "given.yaml")]
    done = subprocess.run(words, env=os.environ | ascii_alone, capture_output=True)
    assert done.returncode == 0, done.stderr.decode()
    assert values_of(tmp_path / "out.ipynb")["name"] == "déjà × 今"


def test_a_full_disk_is_one_line_with_the_path(notebook, tmp_path):
    with file_system(tmp_path / "small", 1 << 16) as folder:
        with suppress(OSError):
            (folder / "filling").write_bytes(bytes(1 << 17))
        output = folder / "out.ipynb"
        done = subprocess.run([*command(notebook)[:-1], str(output)], capture_output=True, text=True)
        assert done.returncode == 1
        assert done.stderr == f"attnbook run: [Errno 28] No space left on device: '{output}'\n"
        assert files(folder) == ["filling"]


def test_a_failed_run_is_kept_under_another_name(notebook, tmp_path):
    with pytest.raises(SystemExit, match="seed is too large"):
        execute(notebook, "-p", "seed", "9")
    assert files(tmp_path) == ["out.failed.ipynb", "toy.py"]


def test_a_kernel_that_is_killed_for_its_memory_is_an_error_that_says_so(notebook, tmp_path):
    # What the system does where memory runs out: no exception, no clean-up.
    killed = longer(notebook, "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)")
    with pytest.raises(SystemExit, match=r"longer\.py: its kernel was killed.*memory"):
        execute(killed)
    assert files(tmp_path) == ["longer.py", "toy.py"]
    assert execute(notebook).is_file()
