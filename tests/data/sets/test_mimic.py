"""The MIMIC-III loaders on generated tables of the true schema; no patient's data anywhere."""

import gzip

import pandas as pd
import pytest

from attnlib.data import DataError, load
from attnlib.data.sets import mimic

NOTE_COLUMNS = [
    *("ROW_ID", "SUBJECT_ID", "HADM_ID", "CHARTDATE", "CHARTTIME", "STORETIME"),
    *("CATEGORY", "DESCRIPTION", "CGID", "ISERROR", "TEXT"),
]
ADMISSION_COLUMNS = [
    *("ROW_ID", "SUBJECT_ID", "HADM_ID", "ADMITTIME", "DISCHTIME", "DEATHTIME", "ADMISSION_TYPE"),
    *("ADMISSION_LOCATION", "DISCHARGE_LOCATION", "INSURANCE", "LANGUAGE", "RELIGION", "MARITAL_STATUS"),
    *("ETHNICITY", "EDREGTIME", "EDOUTTIME", "DIAGNOSIS", "HOSPITAL_EXPIRE_FLAG", "HAS_CHARTEVENTS_DATA"),
]
CODES = (["25000", "4019"], ["2851"], ["28521", "25000"], ["2851", "28529"], ["V290"], ["28522"])
BODY = 'Admission Date:  [**2101-{}-1**]\n\nThe patient, "stable", took 20 mg ;; daily.\nwbc was low again\n'


def patient(i):
    return 10 + i // 2  # two admissions each


def note(i, **changes):
    row = {
        "SUBJECT_ID": patient(i),
        "HADM_ID": 100 + i,
        "CHARTDATE": "2101-10-20",
        "CATEGORY": "Discharge summary",
        "DESCRIPTION": "Report",
        "TEXT": BODY.format(i) + "and so on " * (i % 3),
    }
    return row | changes


def tables(n=60):
    notes = [note(i) for i in range(n)]
    notes += [
        note(0, DESCRIPTION="Addendum", CHARTDATE="2101-10-19", TEXT="second addendum? no, first by date"),
        note(0, DESCRIPTION="Addendum", CHARTDATE="2101-10-22", TEXT="last words"),
        note(0, ISERROR="1", TEXT="a mistake"),
        note(0, CATEGORY="Nursing", TEXT="another kind"),
        note(0, HADM_ID="", TEXT="an outpatient"),
    ]
    for number, row in enumerate(notes):
        row["ROW_ID"] = number
    diagnoses = [
        {
            "ROW_ID": 9 * i + k,
            "SUBJECT_ID": patient(i),
            "HADM_ID": 100 + i,
            "SEQ_NUM": k + 1,
            "ICD9_CODE": code,
        }
        for i in range(n)
        for k, code in enumerate(CODES[i % len(CODES)])
    ]
    diagnoses.append({"ROW_ID": 9999, "SUBJECT_ID": 10, "HADM_ID": 100, "SEQ_NUM": "", "ICD9_CODE": ""})
    admissions = [{"SUBJECT_ID": patient(i), "HADM_ID": 100 + i} for i in range(n)]
    return {
        "NOTEEVENTS": pd.DataFrame(notes, columns=NOTE_COLUMNS),
        "DIAGNOSES_ICD": pd.DataFrame(diagnoses),
        "ADMISSIONS": pd.DataFrame(admissions, columns=ADMISSION_COLUMNS),
    }


@pytest.fixture
def write(tmp_path, monkeypatch, nowhere):
    monkeypatch.setenv("ATTNLIB_DATA", str(tmp_path))
    folder = tmp_path / "mimic3"
    folder.mkdir()

    def write(made=None, ending=".csv", without=()):
        for name, frame in (made or tables()).items():
            if name not in without:
                frame.to_csv(folder / (name + ending), index=False)
        return folder

    return write


def lists(folder, parts):
    for part, numbers in parts.items():
        (folder / f"{part}_50_hadm_ids.csv").write_text("".join(f"{number}\n" for number in numbers))


def everything(corpus):
    return {
        name: (text, label)
        for split in corpus.splits.values()
        for name, text, label in zip(split.ids, split.texts, split.labels.tolist(), strict=True)
    }


@pytest.mark.parametrize("ending", [".csv", ".csv.gz"])
def test_diabetes_follows_the_lists_of_the_paper(write, ending):
    folder = write(ending=ending)
    lists(folder, {"train": range(100, 140), "dev": range(140, 150), "test": range(150, 158)})
    corpus = load("diabetes")
    assert [len(split) for split in corpus.splits.values()] == [40, 10, 8]
    found = everything(corpus)
    assert all(
        label == int("25000" in CODES[(int(name[9:]) - 100) % 6]) for name, (_, label) in found.items()
    )
    assert "agree with ADMISSIONS" in " ".join(corpus.provenance["notes"])
    text = " ".join(found["diabetes/100"][0])
    # Report, then addenda by date; nothing of other notes; de-identified dates, symbols and digits replaced.
    assert text == (
        'admission date : <DE> the patient , " stable " , took qqq mg ; daily . wbc was low again '
        "second addendum ? no , first by date last words"
    )


def test_without_lists_no_patient_is_on_two_sides(write):
    folder = write(without=("ADMISSIONS",))
    corpus = load("diabetes")
    sides = [{patient(int(name[9:]) - 100) for name in split.ids} for split in corpus.splits.values()]
    assert sum(map(len, sides)) == len(set.union(*sides)) == 30
    assert [len(split) for split in corpus.splits.values()] == [42, 8, 10]
    notes = " ".join(corpus.provenance["notes"])
    assert "lists of admissions were not found" in notes
    assert "were not compared with ADMISSIONS" in notes
    lists(folder, {"train": [100], "dev": [102], "test": ["x"]})
    with pytest.raises(DataError, match=r"test_50_hadm_ids\.csv:1: expected an admission number, found 'x'"):
        load("diabetes")


def test_anemia_takes_acute_or_chronic_but_not_both(write):
    write()
    corpus = load("anemia")
    kinds = {1: 1, 2: 0, 5: 0}
    found = everything(corpus)
    # 10 of each kind; the shortest texts of each part are dropped, as in the released code.
    assert {(int(name[7:]) - 100) % 6 for name in found} <= set(kinds)
    assert all(label == kinds[(int(name[7:]) - 100) % 6] for name, (_, label) in found.items())
    assert corpus.class_names == ("chronic", "acute")


def test_large_tables_are_read_in_chunks(write, monkeypatch):
    write()
    whole = load("diabetes").checksum
    monkeypatch.setattr(mimic, "CHUNK", 7)
    assert load("diabetes").checksum == whole


def test_columns_in_lower_case_are_read(write):
    whole = {name: frame.rename(columns=str.lower) for name, frame in tables().items()}
    write(whole)
    assert len(load("diabetes").train) == 42


@pytest.mark.parametrize(
    ("table", "change", "problem"),
    [
        ("NOTEEVENTS", lambda f: f.drop(columns="ISERROR"), r"NOTEEVENTS\.csv:1: no column ISERROR"),
        ("DIAGNOSES_ICD", lambda f: f.drop(columns=["ICD9_CODE"]), "no column ICD9_CODE"),
        ("NOTEEVENTS", lambda f: f.assign(HADM_ID="abc"), "row 1: HADM_ID is 'abc', not a number"),
        ("DIAGNOSES_ICD", lambda f: f.assign(SEQ_NUM="1.5"), "row 1: SEQ_NUM is '1.5'"),
        ("NOTEEVENTS", lambda f: f.assign(DESCRIPTION="Letter"), "row 1: .* not 'Letter'"),
        ("NOTEEVENTS", lambda f: f.assign(TEXT=" "), "row 1 has no category or no text"),
        ("NOTEEVENTS", lambda f: f.assign(CATEGORY="Nursing"), "no admission with a diagnosis has"),
        ("ADMISSIONS", lambda f: f.iloc[1:], "admission 100 of patient 10 is not listed, nor are 0 others"),
        ("NOTEEVENTS", lambda f: f.iloc[:1], "too few patients"),
    ],
)
def test_tables_that_cannot_be_used_are_named(write, table, change, problem):
    made = tables()
    made[table] = change(made[table])
    write(made)
    with pytest.raises(DataError, match=problem):
        load("diabetes")


def test_rows_of_the_wrong_length_are_named(write):
    folder = write()
    for name, line, problem in (
        ("NOTEEVENTS.csv", "70,10,100", "row 66 has no category or no text"),
        ("DIAGNOSES_ICD.csv", "1,2,3,4,5,6", "Expected 5 fields in line 93, saw 6"),
    ):
        with (folder / name).open("a") as file:
            file.write(line + "\n")
        with pytest.raises(DataError, match=rf"{name}: .*{problem}"):
            load("diabetes")


def test_damaged_tables_are_named(write):
    folder = write()
    path = folder / "NOTEEVENTS.csv"
    packed = gzip.compress(path.read_bytes())
    path.unlink()
    (folder / "NOTEEVENTS.csv.gz").write_bytes(packed[: len(packed) // 2])
    with pytest.raises(DataError, match=r"NOTEEVENTS\.csv\.gz"):
        load("diabetes")
    (folder / "NOTEEVENTS.csv.gz").write_bytes(gzip.compress(b""))
    with pytest.raises(DataError, match=r"NOTEEVENTS\.csv\.gz: No columns"):
        load("diabetes")


@pytest.mark.parametrize("name", ["diabetes", "anemia"])
def test_without_tables_the_message_says_how_to_get_access(nowhere, name):
    with pytest.raises(DataError, match=r"(?s)DIAGNOSES_ICD\.csv not found.*credentialed.*physionet\.org"):
        load(name)
