"""Diabetes and anemia: discharge summaries of MIMIC-III as Jain & Wallace 2019 prepared them.

MIMIC-III may not be shared: this reads the user's own tables, as csv or csv.gz, and stores nothing.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from typing import Any, cast

import numpy as np
import pandas as pd

from attnlib.data import files
from attnlib.data.corpus import Corpus
from attnlib.data.errors import DataError
from attnlib.data.recipes import Parts, Row, random_split
from attnlib.data.sets.corpora import make
from attnlib.data.sets.rows import one_of, require_columns, row_at
from attnlib.data.tokens import collapse, english, mask_digits

NOTES, DIAGNOSES, ADMISSIONS = "NOTEEVENTS.csv", "DIAGNOSES_ICD.csv", "ADMISSIONS.csv"
COLUMNS = {
    NOTES: ("SUBJECT_ID", "HADM_ID", "CHARTDATE", "CATEGORY", "DESCRIPTION", "ISERROR", "TEXT"),
    DIAGNOSES: ("SUBJECT_ID", "HADM_ID", "SEQ_NUM", "ICD9_CODE"),
    ADMISSIONS: ("SUBJECT_ID", "HADM_ID"),
}
SUMS = {NOTES: "not known", DIAGNOSES: "not known"}
NUMBERS = ("SUBJECT_ID", "HADM_ID", "SEQ_NUM")
ID_LISTS = {part: f"{part}_50_hadm_ids.csv" for part in ("train", "dev", "test")}
CHUNK = 20_000
DESCRIPTIONS = ("Report", "Addendum")
PATIENT_SHARE, PATIENT_SEED = 0.15, 16377  # ours: of patients, where the paper's lists are not at hand

# An admission: patient and admission number. Sorted, it gives the order in which the authors drew.
Admission = tuple[int, int]

_DEIDENTIFIED = re.compile(r"\[\s*\*\s*\*.*?\*\s*\*\s*\]")
_REPEATED = re.compile(r"([^a-zA-Z0-9])(?:\s*\1\s*)+")


def clean_note(text: str) -> tuple[str, ...]:
    """Return the paper's tokens of a note; may be empty.

    spaCy, lower case; each de-identified span becomes ``<DE>``, a repeated symbol is kept once, tokens with a
    digit become ``qqq``.
    """
    joined = " ".join(token.text.lower() for token in english()(collapse(text)))
    joined = _REPEATED.sub(r"\1 ", _DEIDENTIFIED.sub(" <DE> ", joined))
    return mask_digits(joined.split())


def table(path: str) -> Iterator[tuple[str, pd.DataFrame]]:
    """Yield (place, rows) of a table, in chunks; the index counts rows from 1 after the header.

    Rows, not lines: notes span many. Columns of `NUMBERS` are whole numbers, missing where blank, the others
    text. Column names may be in either case. Raises DataError for a missing file or column, a row with too
    many fields, what is no number, and a damaged file. A row with too few fields has blank ones.
    """
    columns = list(COLUMNS[path])
    with files.stream("mimic3", path) as (where, file), row_at(where):
        for chunk in pd.read_csv(
            file, dtype=str, keep_default_na=False, chunksize=CHUNK, encoding="utf-8", index_col=False
        ):
            chunk = chunk.rename(columns=str.upper).rename(index=lambda number: number + 1)
            require_columns(chunk.columns, columns, f"{where}:1")
            for name in set(columns) & set(NUMBERS):
                with row_at(f"{where}: {name} of rows {chunk.index[0]} to {chunk.index[-1]}"):
                    chunk[name] = pd.to_numeric(chunk[name]).astype("Int64")
            yield where, chunk[columns]


def read_codes() -> dict[Admission, list[str]]:
    """Return the ICD-9 codes of each admission, without point; rows without code or priority are left out."""
    found: dict[Admission, list[str]] = {}
    for _, chunk in table(DIAGNOSES):
        rows = chunk.dropna()
        codes = rows["ICD9_CODE"].str.strip().str.replace(".", "")
        for patient, admission, code in zip(rows["SUBJECT_ID"], rows["HADM_ID"], codes, strict=True):
            if code:
                found.setdefault((int(patient), int(admission)), []).append(code)
    return found


def check_admissions(admissions: Collection[Admission]) -> bool:
    """Compare with the table of admissions, if it is there; returns whether it is.

    Raises DataError for an admission that the table does not list for that patient.
    """
    if files.find("mimic3", ADMISSIONS) is None:
        return False
    listed = {row for _, chunk in table(ADMISSIONS) for row in chunk.itertuples(index=False, name=None)}
    unknown = [admission for admission in admissions if admission not in listed]
    if unknown:
        raise DataError(
            f"{ADMISSIONS}: admission {unknown[0][1]} of patient {unknown[0][0]} is not listed, nor are "
            f"{len(unknown) - 1} others; the tables are of different releases or truncated. Get them again."
        )
    return True


def read_summaries(wanted: Collection[Admission]) -> dict[Admission, str]:
    """Return the discharge summary of each wanted admission: reports, then addenda, each by date.

    Notes marked as errors are left out.
    """
    kept = []
    for where, chunk in table(NOTES):
        category = chunk["CATEGORY"].str.strip()
        summary = (category == "Discharge summary") & (chunk["ISERROR"].str.strip() == "")
        blank = (category == "") | (summary & (chunk["TEXT"].str.strip() == ""))
        if blank.any():
            raise DataError(
                f"{where}: row {blank.idxmax()} has no category or no text; the file may be "
                "truncated. Get it again."
            )
        notes = chunk[summary]
        notes = notes[pd.MultiIndex.from_frame(notes[["SUBJECT_ID", "HADM_ID"]]).isin(list(wanted))]
        order = []
        for row, description in notes["DESCRIPTION"].str.strip().items():
            with row_at(f"{where}: row {row}"):
                order.append(one_of(description, DESCRIPTIONS, "a discharge summary"))
        kept.append(notes.assign(DESCRIPTION=order))
    every = pd.concat(kept).sort_values(["DESCRIPTION", "CHARTDATE"])
    joined = every.groupby(["SUBJECT_ID", "HADM_ID"])["TEXT"].agg(" ".join)
    return cast(dict[Admission, str], joined.to_dict())


def read_id_lists() -> dict[str, set[int]] | None:
    """Return the admission numbers of the paper's split, or None if its three lists are not there."""
    if not all(files.find("mimic3", path) for path in ID_LISTS.values()):
        return None
    contents = files.locate("mimic3", ID_LISTS.values())
    lists: dict[str, set[int]] = {part: set() for part in ID_LISTS}
    for part, path in ID_LISTS.items():
        for number, line in enumerate(contents[path].lines(), start=1):
            with row_at(f"{contents[path].where}:{number}"):
                lists[part].add(int(line))
    return lists


def by_patient(patients: dict[int, int]) -> dict[str, set[int]]:
    """Return the admissions of each part, all of a patient's in one; ValueError for too few patients.

    patients: by admission.
    """
    people = np.array(sorted(set(patients.values())))
    rest, test = random_split(len(people), PATIENT_SHARE, PATIENT_SEED)
    train, dev = random_split(len(rest), PATIENT_SHARE, PATIENT_SEED)
    drawn = {"train": rest[train], "dev": rest[dev], "test": test}
    chosen = {part: set(people[rows].tolist()) for part, rows in drawn.items()}
    return {part: {a for a, patient in patients.items() if patient in some} for part, some in chosen.items()}


def _load(name: str, labels: dict[Admission, bool], said: dict[str, bool], **settings: Any) -> Corpus:
    """Return admissions in this order as texts; those without a summary are left out."""
    compared = check_admissions(labels)
    summaries = read_summaries(labels)
    rows = [Row(a[1], int(label), summaries[a]) for a, label in labels.items() if a in summaries]
    said |= {"compared": compared, "alone": not compared}
    return make(name, {"": rows}, SUMS, said, tokenize=clean_note, **settings)


def load_diabetes() -> Corpus:
    """Return diabetes: does the admission have an ICD-9 code 250.00 (1) or not (0)?

    Split by the paper's lists of admissions, if the three files lie beside the tables; else all admissions,
    split by patient (provenance says which). Raises DataError for missing, damaged or malformed tables.
    """
    codes = read_codes()
    lists = read_id_lists()
    listed = {a for _, a in codes} if lists is None else set().union(*lists.values())
    labels = {a: _has(codes[a], "25000") for a in sorted(codes) if a[1] in listed}

    def divide(parts: Parts) -> Parts:
        numbers = [int(name.rpartition("/")[2]) for name in parts[""].ids]
        patient_of = {admission: patient for patient, admission in labels}
        chosen = lists or by_patient({a: patient_of[a] for a in numbers})
        return {
            part: parts[""].select([i for i, a in enumerate(numbers) if a in some])
            for part, some in chosen.items()
        }

    said = {"lists": lists is not None, "patients": lists is None}
    return _load("diabetes", labels, said, divide=divide)


def load_anemia() -> Corpus:
    """Return anemia: acute (285.1, class 1) or chronic (285.2x, class 0); with both or neither left out.

    Raises DataError for missing, damaged or malformed tables.
    """
    codes = read_codes()
    acute, chronic = ({a for a in codes if _has(codes[a], start)} for start in ("2851", "2852"))
    # The authors' order, on which the seeded split depends: the chronic ones, then the acute ones.
    labels = {a: kind is acute for kind in (chronic, acute) for a in sorted(kind - (acute & chronic))}
    return _load("anemia", labels, {})


def _has(codes: Sequence[str], start: str) -> bool:
    return any(code.startswith(start) for code in codes)
