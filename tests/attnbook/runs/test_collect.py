"""Tables of many runs as one, wherever they lie."""

import pandas as pd
import pytest

from attnbook.__main__ import main
from attnbook.runs import results
from tests.attnbook.made import save

ROW = {"paper": "own", "experiment": "e", "dataset": "d", "encoder": "bilstm", "scorer": "s", "metric": "m"}


@pytest.fixture
def sweep(tmp_path):
    for seed in range(3):
        table = pd.DataFrame([ROW | {"seed": seed, "value": seed / 4}])
        save(tmp_path / "it's (2)", table, table.assign(text="=t"), cell=f"seed={seed}")
    (tmp_path / "it's (2)/summary.csv").write_text("collected earlier")
    (tmp_path / "bare").mkdir()
    return tmp_path / "it's (2)"


@pytest.mark.parametrize("name", ["all.csv", "all.csv.gz", "new/all.parquet"])
def test_folders_of_runs_and_runs_become_one_table(name, sweep, tmp_path, capsys):
    runs = sorted(sweep.glob("*/*/*"))
    (tmp_path / "list").write_text("".join(f"{run}\n" for run in runs))
    tables = []
    for given in ([sweep], runs, [f"@{tmp_path / 'list'}"], [*runs, tmp_path / "bare"]):
        main(["collect", *map(str, given), "-o", str(tmp_path / name)])
        tables.append(results.read(tmp_path / name))
    assert tables[0]["value"].tolist() == [0, 0.25, 0.5]
    assert all(table.equals(tables[0]) for table in tables)
    assert capsys.readouterr().err == f"{tmp_path}/bare: no run with a summary.csv; left out\n"
    main(["collect", str(sweep), "--texts", "-o", str(tmp_path / name)])
    own = "=t" if name.endswith(".parquet") else "'=t"
    assert results.read(tmp_path / name)["text"].tolist() == [own] * 3


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["nowhere"], "nowhere does not exist"),
        ([".", "-o", "all.txt"], "must end in .csv, .csv.gz or .parquet"),
        ([".", "-o", "bare"], "--output bare is a folder: name a file, such as bare/summary.csv"),
    ],
)
def test_what_cannot_be_collected_is_named(words, message, sweep, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit, match=message):
        main(["collect", *words])
