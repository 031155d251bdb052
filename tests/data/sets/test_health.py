"""The MIMIC-III loaders on generated tables of the true schema; no patient's data anywhere."""

import re

import pandas as pd
import pytest

from attnlib.data import DataError, load
from attnlib.data.sets import health
from tests.data.sets.writing import each_text, everything, sizes, write


def letters(number):
    return "".join(chr(ord("a") + int(digit)) for digit in str(number))


def relation(text, effect, drug, offset=500):
    starts = [offset + text.index(term) for term in (effect, drug)]
    ends = [starts[0] + len(effect), starts[1] + len(drug)]
    return "|".join(map(str, ("10", text, effect, starts[0], ends[0], drug, starts[1], ends[1])))


RASH = "A severe rash in patient {} followed 20 mg of drugx given daily."
POSITIVE = [relation(RASH.format(letters(i)), "severe rash", "drugx") for i in range(30)]
NEGATIVE = [f"10 NEG Nothing of note was seen in the {letters(i)} patient at all." for i in range(60)]


def write_ade(root, positive, negative):
    write(root / "ade_corpus_v2", {"DRUG-AE.rel": "\n".join(positive), "ADE-NEG.txt": "\n".join(negative)})


def test_sentences_of_case_reports_are_distinct_and_split_by_class(root):
    shared = POSITIVE[0].split("|")[1]
    write_ade(root, POSITIVE + POSITIVE[:3], [*NEGATIVE, NEGATIVE[0], f"10 NEG {shared}"])
    corpus = load("ade", verify=False)
    assert sizes(corpus) == [61, 11, 18]
    assert [int(split.labels.sum()) for split in corpus.splits.values()] == [20, 4, 6]
    assert "1 sentences that are in both files" in corpus.provenance["notes"][1]
    assert {"ade/DRUG-AE/30", "ade/ADE-NEG/60"} <= set(everything(corpus))
    for text, label, marks in each_text(corpus, "texts", "labels", "evidence"):
        marked = [token for token, mark in zip(text, marks, strict=True) if mark]
        assert marked == (["severe", "rash", "drugx"] if label else [])
    assert "qqq" in corpus.vocabulary.words
    with pytest.raises(DataError, match="not the official file"):
        load("ade")


def test_of_repeated_words_those_at_the_right_distance_are_marked():
    text = "drugx or pain, then pain after drugx"
    effect, drug = text.rindex("pain"), text.rindex("drugx")
    line = f"1|{text}|pain|{effect + 90}|{effect + 94}|drugx|{drug + 90}|{drug + 95}"
    assert health.relations([line])[text][1] == [(effect, effect + 4), (drug, drug + 5)]


HEADER = "text,label,exp_split"


def tweets(n, part):
    return [f'"my {part} head hurts since i took it , no {"so " * (i % 4)}",{i % 2},{part}' for i in range(n)]


def write_tweets(root, *lines):
    write(root / "adr", {"adr_dataset.csv": "\n".join(lines) + "\n"})


def test_of_tweets_dev_is_taken_out_of_train_if_the_file_has_none(root):
    write_tweets(root, HEADER, *tweets(40, "train"), *tweets(10, "test"), "too short,1,train")
    corpus = load("adr")
    assert sum(sizes(corpus)) == 50
    assert len(corpus.dev) in (6, 7)
    assert corpus.test.ids[0] == "adr/test/42"
    assert corpus.test.texts[0] == ("my", "test", "head", "hurts", "since", "i", "took", "it", ",", "no")
    # Further columns are ignored.
    rows = [*tweets(40, "train"), *tweets(10, "test"), *tweets(8, "dev")]
    write_tweets(root, f"id,{HEADER}", *(f"7,{row}" for row in rows))
    assert sizes(load("adr")) == [40, 8, 10]


def test_bad_tweets_are_named(root):
    for line, problem in (
        ("a text,2,train", "the label is '2'"),
        ("a text,1,held", "exp_split is 'held'"),
        ("a text,1", "expected 3 comma-separated fields, found 2"),
    ):
        write_tweets(root, HEADER, '"two\nlines",0,train', line)
        with pytest.raises(DataError, match=rf"adr_dataset\.csv:4: {problem}"):
            load("adr")


CODES = (["25000", "4019"], ["2851"], ["28521", "25000"], ["2851", "28529"], ["V290"], ["28522"])
BODY = 'Admission Date:  [**2101-{}-1**]\n\nThe patient, "stable", took 20 mg ;; daily.\nwbc was low again\n'


COLUMNS = {"ADMISSIONS": "ROW_ID SUBJECT_ID HADM_ID"}
COLUMNS["DIAGNOSES_ICD"] = "ROW_ID SUBJECT_ID HADM_ID SEQ_NUM ICD9_CODE"
COLUMNS["NOTEEVENTS"] = "ROW_ID SUBJECT_ID HADM_ID CHARTDATE CATEGORY DESCRIPTION ISERROR TEXT"


def patient(i):
    return 10 + i // 2  # two admissions each


def note(i, hadm=None, date="2101-10-20", category="Discharge summary", kind="Report", error="", text=None):
    text = BODY.format(i) + "and so on " * (i % 3) if text is None else text
    return (i, patient(i), 100 + i if hadm is None else hadm, date, category, kind, error, text)


def tables(n=60):
    """The tables of MIMIC-III for n admissions, some of their columns, by name."""
    notes = [
        *map(note, range(n)),
        note(0, kind="Addendum", date="2101-10-19", text="second addendum? no, first by date"),
        note(0, kind="Addendum", date="2101-10-22", text="last words"),
        note(0, error="1", text="a mistake"),
        note(0, category="Nursing", text="another kind"),
        note(0, hadm="", text="an outpatient"),
    ]
    codes = [(i, k + 1, code) for i in range(n) for k, code in enumerate(CODES[i % len(CODES)])]
    diagnoses = [(7, patient(i), 100 + i, k, code) for i, k, code in codes] + [(7, 10, 100, "", "")]
    admissions = [(7, patient(i), 100 + i) for i in range(n)]
    rows = {"NOTEEVENTS": notes, "DIAGNOSES_ICD": diagnoses, "ADMISSIONS": admissions}
    return {name: pd.DataFrame(found, columns=COLUMNS[name].split()) for name, found in rows.items()}


def write_tables(root, layout="plain", **changed):
    texts = {f"{name}.csv": frame.to_csv(index=False) for name, frame in (tables() | changed).items()}
    write(root / "mimic3", texts, layout)


def write_lists(root, **parts):
    texts = {part: "".join(f"{number}\n" for number in numbers) for part, numbers in parts.items()}
    write(root / "mimic3", {f"{part}_50_hadm_ids.csv": text for part, text in texts.items()})


def test_diabetes_follows_the_lists_of_the_paper(root):
    write_tables(root, "gzip")
    write_lists(root, train=range(100, 140), dev=range(140, 150), test=range(150, 158))
    corpus = load("diabetes")
    assert sizes(corpus) == [40, 10, 8]
    found = everything(corpus)
    assert all(y == int("25000" in CODES[(int(name[9:]) - 100) % 6]) for name, (_, y) in found.items())
    assert "agree with ADMISSIONS" in " ".join(corpus.provenance["notes"])
    # Report, then addenda by date; nothing of other notes; de-identified dates, symbols and digits replaced.
    assert " ".join(found["diabetes/100"][0]) == (
        'admission date : <DE> the patient , " stable " , took qqq mg ; daily . wbc was low again '
        "second addendum ? no , first by date last words"
    )


def test_without_lists_no_patient_is_on_two_sides(root, monkeypatch):
    write_tables(root)
    (root / "mimic3" / "ADMISSIONS.csv").unlink()
    corpus = load("diabetes")
    sides = [{patient(int(name[9:]) - 100) for name in split.ids} for split in corpus.splits.values()]
    assert sum(map(len, sides)) == len(set.union(*sides)) == 30
    assert sizes(corpus) == [42, 8, 10]
    said = "lists of admissions were not found.*were not compared with ADMISSIONS"
    assert re.search(said, " ".join(corpus.provenance["notes"]))
    # Large tables are read in chunks; column names may be in lower case.
    monkeypatch.setattr(health, "CHUNK", 7)
    write_tables(root, **{name: frame.rename(columns=str.lower) for name, frame in tables().items()})
    assert load("diabetes").checksum == corpus.checksum
    write_lists(root, train=[100], dev=[102], test=["x"])
    with pytest.raises(DataError, match=r"test_50_hadm_ids\.csv:1: .*'x'"):
        load("diabetes")


def test_anemia_takes_acute_or_chronic_but_not_both(root):
    write_tables(root)
    corpus = load("anemia")
    kinds = {1: 1, 2: 0, 5: 0}
    # 10 of each kind; the shortest texts of each part are dropped, as in the released code.
    for name, (_, label) in everything(corpus).items():
        assert label == kinds[(int(name[7:]) - 100) % 6]
    assert corpus.class_names == ("chronic", "acute")


BAD_TABLES = [
    ("NOTEEVENTS", lambda f: f.drop(columns="ISERROR"), r"NOTEEVENTS\.csv:1: no column ISERROR"),
    ("DIAGNOSES_ICD", lambda f: f.drop(columns=["ICD9_CODE"]), "no column ICD9_CODE"),
    ("NOTEEVENTS", lambda f: f.assign(HADM_ID="abc"), "HADM_ID of rows 1 to 65: Unable to parse .*'abc'"),
    ("DIAGNOSES_ICD", lambda f: f.assign(SEQ_NUM="1.5"), "SEQ_NUM of rows 1 to 91: "),
    ("NOTEEVENTS", lambda f: f.assign(DESCRIPTION="Letter"), "row 1 .* neither Report nor Addendum"),
    ("NOTEEVENTS", lambda f: f.assign(TEXT=" "), "row 1 .* without text"),
    ("NOTEEVENTS", lambda f: f.assign(CATEGORY="Nursing"), "too few texts"),
    ("ADMISSIONS", lambda f: f.iloc[1:], "admission 100 of patient 10 is not listed"),
    ("DIAGNOSES_ICD", lambda f: pd.DataFrame(), r"DIAGNOSES_ICD\.csv: No columns"),
]


@pytest.mark.parametrize(("table", "change", "problem"), BAD_TABLES)
def test_tables_that_cannot_be_used_are_named(root, table, change, problem):
    write_tables(root, **{table: change(tables()[table])})
    with pytest.raises(DataError, match=problem):
        load("diabetes")
