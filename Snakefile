# From sources to pages: notebooks (py:percent) are executed with parameters, then staged with the pages of
# book/ in build/book and built by Jupyter Book. Everything made lies under build/.
#
#   snakemake --profile profiles/local                                   the book
#   snakemake --profile profiles/local --config data=planted             the book of generated texts alone
#   snakemake --profile profiles/local --config train=true               the book, its models trained anew
#   snakemake --profile profiles/local --configfile config/jain_wallace.yaml -- sweep   a grid of runs
#   snakemake --profile profiles/local --configfile config/jain_wallace.yaml -- record  the grid, kept in book/results

import fcntl
import functools
import hashlib
import os
import shutil
import sys
from pathlib import Path

# The packages of this folder, wherever others are installed.
sys.path[:0] = [os.getcwd(), os.path.join(os.getcwd(), "book")]
from attnbook.runs import grid, values
from attnbook.runs.train import PREPARED_BY, model_of
from attnlib.cache.sources import files_of, sources_of
from attnlib.checks import own_path
from snakemake.utils import update_config


configfile: "config/default.yaml"

# Snakemake has read the files by YAML 1.1, in which `no` is false and 010 is 8: again, by the rule of all parameters.
for path in ["config/default.yaml", *workflow.overwrite_configfiles]:
    update_config(config, values.load_file(path))
update_config(config, workflow.config_settings.config)


if workflow.is_main_process and not workflow.dryrun:
    # Snakemake's own lock outlives a killed process and then needs a human; this one goes with the process.
    Path("build").mkdir(exist_ok=True)
    LOCK = open("build/.lock", "w")
    try:
        fcntl.flock(LOCK, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        raise WorkflowError("another Snakemake is at work in this folder: wait for it, or stop it")


onstart:
    # To keep to so many new jobs a second (100/1s unless asked otherwise), Snakemake 9.27 plans anew a second after
    # each time it has planned, and every finished job adds one more such chain: after a thousand runs it plans a
    # thousand times a second. Two cores or a cluster's queue are limit enough.
    limit = getattr(workflow.scheduler, "job_rate_limiter", None)
    if limit is not None and (limit.max_jobs, limit.timespan) == (100, 1):
        workflow.scheduler.job_rate_limiter = None


def files(folder):
    """Return the files below a folder."""
    return sorted(str(path) for path in Path(folder).rglob("*") if path.is_file() and path.suffix != ".pyc")


@functools.cache
def version(script):
    """Return a file that lists what a script of this project depends on, with checksums; it changes with them.

    One input for a run instead of a hundred: the graph of a thousand runs takes seconds, not minutes.
    """
    runner = files_of("attnbook.runs.run")[-1]
    files = {Path(script).absolute(), *sources_of(script), runner, *sources_of(runner)}
    lines = [f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.relative_to(os.getcwd())}" for path in sorted(files)]
    target = Path("build/versions", Path(script).absolute().relative_to(os.getcwd()).with_suffix(".txt"))
    return written(target, "\n".join(lines) + "\n")


def written(target, text):
    """Return the name of a file that has this text; one that has it already stays as it is."""
    target = Path(target)
    if not target.is_file() or target.read_text(encoding="utf-8") != text:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
    return str(target)


def own_file(parameters):
    """Return the file of one's own that a run reads, if any: it runs again when that has changed."""
    return [str(path) for path in [own_path(parameters.get("dataset"))] if path]


BIN = Path(sys.executable).parent
# The site documents all of it; a run depends on what its notebook imports. Snakemake compares contents, not
# only times.
LIBRARY = sorted(str(path) for path in (*Path("attnlib").rglob("*.py"), *Path("book/attnbook").rglob("*.py")))
# The workshop and what it writes are no pages.
PAGES = [path for name in ("_assets", "_ext", "reference") for path in files(f"book/{name}")]
PAGES += sorted(str(path) for path in Path("book").glob("*") if path.suffix in (".md", ".bib", ".yml"))
# What some pages show besides their own runs: `make bench`, `make record` and `make sweep` wrote it.
RESULTS = files("book/results") + files("book/reference")
RESULTS += sorted(str(path) for path in Path("build/sweep").glob("*/*/*/summary.csv"))
RECORDS = {
    "beyond/ledger": RESULTS + files("config"),
    "beyond/speed": files("benchmarks/results"),
    "wiegreffe_pinter/adversary": files("book/results/wiegreffe_pinter"),
    "wiegreffe_pinter/diagnostic": files("book/results/wiegreffe_pinter"),
}
# Chapters answer from the recorded results; some let the reader play with the recorded Readouts.
PLAYED = [*files("book/readouts"), "book/attnbook/playground.html", "book/attnbook/playground.py"]
for path in Path("notebooks/chapters").glob("*.py"):
    plays = "page.playground(" in path.read_text(encoding="utf-8")
    RECORDS[f"chapters/{path.stem}"] = RESULTS + (PLAYED if plays else [])
NOTEBOOKS = sorted(path.relative_to("notebooks").with_suffix("").as_posix() for path in Path("notebooks").rglob("*.py"))

os.environ["ATTNLIB_CACHE"] = os.path.abspath("build/cache")
# The kernel is this environment's Python, never one registered in the user's home.
os.environ["JUPYTER_PREFER_ENV_PATH"] = "1"


def known(notebook):
    """Return a notebook's name, or say which ones there are."""
    if notebook not in NOTEBOOKS:
        raise WorkflowError(f"no notebook {notebook!r}: there are {', '.join(NOTEBOOKS)}")
    return notebook


def options(parameters):
    """Return the command line of a run's parameters."""
    return [word for name, value in parameters.items() for word in ("-p", name, values.dump(value))]


def of_page(given):
    """Return a page's parameters; those of a page of recorded Readouts as `data` and `train` ask for them."""
    if given.get("readouts") != "only" or not (config.get("data") or config.get("train")):
        return given
    if config.get("data", "planted") != "planted":
        raise WorkflowError(f"data={config['data']}: pages are of recorded Readouts, or of planted texts (data=planted)")
    # A notebook's own parameters are those of a short run on generated texts.
    return {name: value for name, value in given.items() if config.get("train") and name != "readouts"}


BOOK = {known(name): grid.as_declared(name, of_page(given or {})) for name, given in config["book"].items()}
SWEEP = grid.runs(config)
for notebook, cell in SWEEP:
    known(notebook)
if SWEEP and workflow.is_main_process and not workflow.dryrun:
    from attnbook.runs import results

    for notebook, cell in SWEEP:
        tables = Path("build/sweep", notebook, cell)
        try:
            for name in (results.SUMMARY, results.TEXTS):
                results.check_whole(tables / name)
        except ValueError as error:
            # Neither recorded nor the end of the sweep: what is missing is made, if what follows from it is too.
            print(f"{error}. It is taken away", file=sys.stderr)
            shutil.rmtree(tables)
            Path("build/sweep/summary.csv").unlink(missing_ok=True)

MODELS = {}


def models_of(runs):
    """Return the name of the model of each run that trains one, by the run's key; MODELS has them by name."""
    names = {}
    for key, (notebook, parameters) in runs.items():
        if model := model_of(f"notebooks/{notebook}.py", parameters):
            prepared_by, settings = model
            names[key] = f"{prepared_by}/{grid.run_name(settings)}"
            MODELS[names[key]] = model
    return names


# The models of the sweep, and those that several pages share: each trained once, before the runs that share it.
OF_CELL = models_of({key: (key[0], parameters) for key, parameters in SWEEP.items()})
OF_PAGE = models_of({name: (name, parameters) for name, parameters in BOOK.items()})
OF_PAGE = {name: model for name, model in OF_PAGE.items() if list(OF_PAGE.values()).count(model) > 1}

RUN = (
    "OMP_NUM_THREADS={threads} {BIN:q}/python -m attnbook run {input.source:q} {output.notebook:q} {params.options:q}"
    " > {log:q} 2>&1 || {{ tail -n 40 {log:q} >&2; exit 1; }}"
)


wildcard_constraints:
    notebook=r"[\w/]+",
    cell=r"[^/]+",
    model=r"\w+/[^/]+",


rule book:
    input:
        "build/_build/html/index.html",


rule page:
    # One executed notebook of the book.
    input:
        lambda wildcards: version(f"notebooks/{wildcards.notebook}.py"),
        lambda wildcards: RECORDS.get(wildcards.notebook, []),
        lambda wildcards: files("book/readouts") if BOOK[wildcards.notebook].get("readouts") == "only" else [],
        lambda wildcards: [f"build/models/{OF_PAGE[name]}" for name in [wildcards.notebook] if name in OF_PAGE],
        lambda wildcards: own_file(BOOK[wildcards.notebook]),
        source="notebooks/{notebook}.py",
    output:
        notebook="build/runs/{notebook}.ipynb",
    params:
        options=lambda wildcards: options(BOOK[wildcards.notebook]),
    log:
        "build/logs/{notebook}.log",
    threads: config["threads"]
    message:
        "running notebooks/{wildcards.notebook}.py"
    shell:
        RUN


rule model:
    # One trained model of several runs, in the cache. The mark says that it was trained; a run that does not find
    # it there any more trains it again.
    input:
        lambda wildcards: version(files_of(PREPARED_BY[MODELS[wildcards.model][0]][0])[-1]),
        lambda wildcards: own_file(MODELS[wildcards.model][1]),
    output:
        touch("build/models/{model}"),
    params:
        prepared_by=lambda wildcards: MODELS[wildcards.model][0],
        options=lambda wildcards: options(MODELS[wildcards.model][1]),
    log:
        "build/logs/models/{model}.log",
    threads: config["threads"]
    message:
        "training {wildcards.model}"
    shell:
        "OMP_NUM_THREADS={threads} {BIN:q}/python -m attnbook train {params.prepared_by:q} {params.options:q}"
        " > {log:q} 2>&1 || {{ tail -n 40 {log:q} >&2; exit 1; }}"


rule cell:
    # One run of a sweep: the executed notebook, and its tables beside it.
    input:
        lambda wildcards: version(f"notebooks/{wildcards.notebook}.py"),
        lambda wildcards: [f"build/models/{OF_CELL[key]}" for key in [tuple(wildcards)] if key in OF_CELL],
        lambda wildcards: own_file(SWEEP[wildcards.notebook, wildcards.cell]),
        source="notebooks/{notebook}.py",
    output:
        notebook="build/sweep/{notebook}/{cell}.ipynb",
        tables=directory("build/sweep/{notebook}/{cell}"),
    params:
        options=lambda wildcards, output: options(
            SWEEP[wildcards.notebook, wildcards.cell] | {"output": output.tables}
        ),
    log:
        "build/logs/sweep/{notebook}/{cell}.log",
    threads: config["threads"]
    message:
        "running notebooks/{wildcards.notebook}.py with {wildcards.cell}"
    shell:
        RUN


rule sweep:
    # All runs of the grid, and one table of their summaries.
    input:
        [f"build/sweep/{notebook}/{cell}" for notebook, cell in SWEEP],
    output:
        "build/sweep/summary.csv",
    params:
        # A command line holds a thousand runs, not ten thousand.
        listed=lambda wildcards, input: written("build/versions/sweep.txt", "".join(f"{folder}\n" for folder in input)),
    shell:
        "{BIN:q}/python -m attnbook collect @{params.listed:q} --output {output:q}"


rule record:
    # The one rule that writes outside build/: the tables of book/results are part of the repository. It has no
    # output, so that it always runs; recording the same runs again changes nothing.
    input:
        "build/sweep/summary.csv",
    message:
        "recording the sweep in book/results"
    shell:
        "{BIN:q}/python -m attnbook record build/sweep"


rule site:
    # The pages and the executed notebooks in one folder, then one strict build.
    input:
        PAGES,
        LIBRARY,
        config="_config.yml",
        runs=[f"build/runs/{notebook}.ipynb" for notebook in BOOK],
    output:
        "build/_build/html/index.html",
    log:
        "build/logs/site.log",
    message:
        "building the site"
    shell:
        # -p keeps the times, so that Sphinx reads only what changed. Hidden files are what a killed run left.
        "rm -rf build/book && mkdir build/book && cp -Rp book/*.md book/*.bib book/*.yml book/_assets book/_ext book/reference build/book"
        " && cp -Rp build/runs build/book/experiments && mv build/book/experiments/chapters/index.ipynb build/book"
        " && find build/book/experiments -name '.*' -type f -delete"
        " && {BIN:q}/jupyter-book build build/book --config {input.config:q} --path-output build"
        " -W -n --keep-going -q > {log:q} 2>&1 || {{ cat {log:q} >&2; exit 1; }}"
