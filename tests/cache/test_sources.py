"""What a notebook depends on: what it imports, followed through packages and functions, and nothing else."""

from pathlib import Path

import pytest

from attnlib.cache import sources

ROOT = Path(__file__).parents[2]
# A module that imports no other; the package itself hands on the Readout.
ALONE = {"__init__.py", "readout.py", "tensor_files.py", "cache.py"}


def names(script):
    return {path.relative_to(sources.PACKAGE).as_posix() for path in sources.sources_of(script)}


@pytest.fixture
def script(tmp_path):
    def write(text):
        path = tmp_path / "script.py"
        path.write_text(text)
        return path

    return write


def test_imports_are_followed(script):
    # The divergences import torch and nothing of this package.
    assert names(script("import numpy\nfrom attnlib.kernels.divergence import jsd")) >= {
        "__init__.py",
        "kernels/__init__.py",
        "kernels/divergence.py",
        "kernels/exact.py",  # by the package
        "readout.py",
    }
    assert names(script("import numpy")) == set()
    assert names(script("import attnlib.cache as c")) == ALONE
    assert names(script("from attnlib import cache, __version__")) == ALONE


def test_an_import_inside_a_function_counts_and_one_in_a_string_does_not(script):
    text = "def f():\n    from attnlib import cache\n'from attnlib import charts'\n"
    assert names(script(text)) == ALONE


def test_no_python_is_refused_by_name(script):
    with pytest.raises(SyntaxError, match="script.py"):
        sources.sources_of(script("from attnlib import"))


def test_a_page_of_records_does_not_depend_on_models_and_a_run_on_other_papers_models():
    reader = names(ROOT / "notebooks/jain_wallace/ledger.py")
    assert not {name for name in reader if name.startswith(("models/", "data/", "kernels/"))}
    run = names(ROOT / "notebooks/jain_wallace/adversary.py")
    assert {"training.py", "models/classifier.py", "kernels/exact.py", "charts/frames.py"} <= run
    assert not {"training_documents.py", "models/stock.py", "explain/stock.py"} & run
    assert "training_documents.py" in names(ROOT / "notebooks/serrano_smith/sets.py")


@pytest.mark.slow
def test_what_is_found_is_what_python_imports():
    """The modules that running the imports truly loads are among those found; no list by hand to forget."""
    import subprocess
    import sys

    source = ROOT / "notebooks/violation/regions.py"
    imports = [line for line in source.read_text().splitlines() if line.startswith(("from ", "import "))]
    program = "\n".join(
        [
            *imports,
            "import sys",
            "print(*[m.__file__ for n, m in sys.modules.items() if n.split('.')[0] == 'attnlib'], sep='\\n')",
        ]
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    loaded = {Path(line) for line in done.stdout.split()}
    assert len(loaded) > 50
    assert loaded <= set(sources.sources_of(source))


def test_defaults_are_read_off_the_parameters_cell():
    found = sources.defaults(ROOT / "notebooks/jain_wallace/permutation.py")
    assert (found["dataset"], found["seed"], found["limit"]) == ("planted", 0, None)
