"""What a notebook depends on: what it imports, followed through packages and functions, and nothing else."""

import ast
import gc
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from attnlib import prepare
from attnlib.cache import sources

ROOT = Path(__file__).parents[2]
# A module that imports no other; the package itself hands on the Readout.
ALONE = {f"attnlib/{name}.py" for name in ("__init__", "readout", "cache/__init__", "cache/tensors")}


def names(script):
    folders = [sources.folder_of(name).parent for name in reversed(sources.PACKAGES)]
    files = sources.sources_of(script)
    return {path.relative_to(next(f for f in folders if f in path.parents)).as_posix() for path in files}


@pytest.fixture
def script(tmp_path):
    def write(text):
        path = tmp_path / "script.py"
        path.write_text(text)
        return path

    return write


def test_imports_are_followed(script):
    # The divergences import torch and nothing of this package; the package imports the exact kernel.
    known = ("__init__", "kernels/__init__", "kernels/divergence", "kernels/exact", "readout")
    found = names(script("import numpy\nfrom attnlib.kernels.divergence import jsd"))
    assert found >= {f"attnlib/{name}.py" for name in known}
    assert names(script("import numpy")) == set()
    assert names(script("import attnlib.cache as c")) == ALONE
    assert names(script("from attnlib import cache, __version__")) == ALONE
    # One inside a function counts, one in a string does not.
    assert names(script("def f():\n    from attnlib import cache\n'from attnlib import data'\n")) == ALONE


def test_no_python_is_refused_by_name(script):
    with pytest.raises(SyntaxError, match="script.py"):
        sources.sources_of(script("from attnlib import"))


@pytest.mark.slow
def test_a_page_of_records_does_not_depend_on_models_and_a_run_on_other_papers_models():
    reader = names(ROOT / "notebooks/beyond/ledger.py")
    assert not {name for name in reader if name.split("/")[1] in ("models", "data", "kernels")}
    run = names(ROOT / "notebooks/jain_wallace/adversary.py")
    assert {"attnlib/training/flat.py", "attnlib/kernels/exact.py", "attnbook/charts/frames.py"} <= run
    assert not {"attnlib/training/documents.py", "attnlib/explain/transformers/methods.py"} & run
    assert "attnlib/training/documents.py" in names(ROOT / "notebooks/serrano_smith/sets.py")


@pytest.mark.parametrize("source", sorted((ROOT / "notebooks").rglob("*.py")), ids=lambda path: path.stem)
def test_a_notebook_names_the_module_of_what_prepares_its_model(source):
    # The package hands names on when asked, which no reader of sources sees.
    found = [node for node in ast.walk(ast.parse(source.read_text())) if isinstance(node, ast.ImportFrom)]
    handed = {alias.name for node in found if node.module == "attnlib.prepare" for alias in node.names}
    assert not handed & set(prepare.HOMES)


@pytest.mark.slow
def test_what_is_found_is_what_python_imports():
    """The modules that running the imports truly loads are among those found; no list by hand to forget."""
    source = ROOT / "notebooks/violation/regions.py"
    imports = [line for line in source.read_text().splitlines() if line.startswith(("from ", "import "))]
    own = "[m for n, m in sys.modules.items() if n.split('.')[0] in ('attnlib', 'attnbook')]"
    program = "\n".join([*imports, "import sys", f"print(*[m.__file__ for m in {own}], sep='\\n')"])
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    loaded = {Path(line) for line in done.stdout.split()}
    assert len(loaded) > 50
    assert loaded <= set(sources.sources_of(source))


def test_defaults_are_read_off_the_parameters_cell():
    found = sources.defaults(ROOT / "notebooks/jain_wallace/permutation.py")
    assert (found["dataset"], found["seed"], found["limit"]) == ("planted", 0, None)


def test_threads_may_ask_at_once():
    """The collector calls Python amid parsing, as many tools do: another thread goes on there."""
    interval, thresholds = sys.getswitchinterval(), gc.get_threshold()

    def each_collection(*_):
        return [None for _ in range(20)]

    texts = [path.read_text() for path in sorted((ROOT / "attnlib/kernels").glob("*.py"))]
    gc.callbacks.append(each_collection)
    try:
        sys.setswitchinterval(1e-6)
        gc.set_threshold(50, 2, 2)
        with ThreadPoolExecutor(4) as pool:
            found = list(pool.map(lambda _: [list(sources.imported(text, "")) for text in texts], range(8)))
    finally:
        gc.callbacks.remove(each_collection)
        sys.setswitchinterval(interval)
        gc.set_threshold(*thresholds)
    assert all(each == found[0] for each in found)
