"""Diabetes and anemia: discharge summaries of MIMIC-III as Jain & Wallace 2019 prepared them.

MIMIC-III may not be shared: this reads the user's own tables, as csv or csv.gz, and stores nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd

from attnlib.data import catalogue, registry
from attnlib.data.building import classification, provenance
from attnlib.data.corpus import Corpus, Split
from attnlib.data.errors import DataError
from attnlib.data.splitting import random_split, three_way
from attnlib.data.text import collapse, english, mask_digits

NOTES, DIAGNOSES, ADMISSIONS = "NOTEEVENTS.csv", "DIAGNOSES_ICD.csv", "ADMISSIONS.csv"
COLUMNS = {
    NOTES: ("SUBJECT_ID", "HADM_ID", "CHARTDATE", "CATEGORY", "DESCRIPTION", "ISERROR", "TEXT"),
    DIAGNOSES: ("SUBJECT_ID", "HADM_ID", "SEQ_NUM", "ICD9_CODE"),
    ADMISSIONS: ("SUBJECT_ID", "HADM_ID"),
}
ID_LISTS = {part: f"{part}_50_hadm_ids.csv" for part in ("train", "dev", "test")}
CHUNK = 20_000
MIN_DOCUMENTS = 5
MAX_LENGTH = 4000
DESCRIPTIONS = {"Report": 0, "Addendum": 1}
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


def table(path: str) -> Iterator[tuple[str, int, pd.DataFrame]]:
    """Yield (place, number of the first row, rows as text) of a table, in chunks.

    Rows are counted from 1 after the header: notes span many lines. Column names may be in either case.
    Raises DataError for a missing file or column, a row with too many fields and a damaged file. A row with
    too few fields has blank ones.
    """
    columns = COLUMNS[path]
    with registry.stream("mimic3", path) as (where, file):
        try:
            chunks = pd.read_csv(
                file, dtype=str, keep_default_na=False, chunksize=CHUNK, encoding="utf-8", index_col=False
            )
            first = 1
            for chunk in chunks:
                chunk.columns = chunk.columns.str.upper()
                lacking = [column for column in columns if column not in chunk]
                if lacking:
                    raise DataError(f"{where}:1: no column {', '.join(lacking)}; is it MIMIC-III's {path}?")
                yield where, first, chunk[list(columns)]
                first += len(chunk)
        except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError) as error:
            # pandas names the line.
            raise DataError(
                f"{where}: {str(error).strip()}. The file may be damaged: get it again."
            ) from error


def numbers(column: pd.Series, where: str, first: int) -> np.ndarray:
    """Return a column of whole numbers; -1 where it is blank. DataError, with the row, for anything else."""
    text = column.str.strip().str.removesuffix(".0")
    good = text.str.fullmatch(r"\d*").to_numpy(dtype=bool)
    if not good.all():
        row = int((~good).argmax())
        raise DataError(
            f"{where}: row {first + row}: {column.name} is {column.iloc[row]!r}, not a number. Mend the row."
        )
    return text.mask(text == "", "-1").astype(np.int64).to_numpy()


def read_codes() -> dict[Admission, list[str]]:
    """Return the ICD-9 codes of each admission, with their point (``250.00``), in order of priority.

    Rows without code or priority are left out.
    """
    found: dict[Admission, list[tuple[int, str]]] = {}
    for where, first, chunk in table(DIAGNOSES):
        keys = (
            numbers(chunk[column], where, first).tolist() for column in ("SUBJECT_ID", "HADM_ID", "SEQ_NUM")
        )
        for patient, admission, rank, code in zip(*keys, chunk["ICD9_CODE"].str.strip(), strict=True):
            if code and rank >= 0 and patient >= 0 and admission >= 0:
                bare = code.replace(".", "")
                found.setdefault((patient, admission), []).append((rank, f"{bare[:3]}.{bare[3:]}"))
    return {key: [code for _, code in sorted(codes, key=lambda c: c[0])] for key, codes in found.items()}


def check_admissions(admissions: Sequence[Admission]) -> bool:
    """Compare with the table of admissions, if it is there; returns whether it is.

    Raises DataError for an admission that the table does not list for that patient.
    """
    if registry.find("mimic3", ADMISSIONS) is None:
        return False
    listed: set[Admission] = set()
    place = ADMISSIONS
    for where, first, chunk in table(ADMISSIONS):
        place = where
        keys = (numbers(chunk[column], where, first).tolist() for column in COLUMNS[ADMISSIONS])
        listed.update(zip(*keys, strict=True))
    unknown = [admission for admission in admissions if admission not in listed]
    if unknown:
        raise DataError(
            f"{place}: admission {unknown[0][1]} of patient {unknown[0][0]} is not listed, nor are "
            f"{len(unknown) - 1} others; the tables are of different releases or truncated. Get them again."
        )
    return True


def read_summaries(wanted: set[Admission]) -> dict[Admission, str]:
    """Return the discharge summary of each wanted admission: reports, then addenda, each by date.

    Notes marked as errors are left out.
    """
    found: dict[Admission, list[tuple[int, str, int, str]]] = {}
    for where, first, chunk in table(NOTES):
        kind = (chunk["CATEGORY"].str.strip() == "Discharge summary") & (chunk["ISERROR"].str.strip() == "")
        patients, admissions = (numbers(chunk[column], where, first) for column in ("SUBJECT_ID", "HADM_ID"))
        blank = (chunk["CATEGORY"].str.strip() == "") | (kind & (chunk["TEXT"].str.strip() == ""))
        if blank.any():
            raise DataError(
                f"{where}: row {first + int(blank.to_numpy().argmax())} has no category or no text; the file "
                f"may be truncated. Get it again."
            )
        for i in np.flatnonzero(kind.to_numpy()):
            key = (int(patients[i]), int(admissions[i]))
            if key in wanted:
                row = chunk.iloc[i]
                description = row["DESCRIPTION"].strip()
                if description not in DESCRIPTIONS:
                    raise DataError(
                        f"{where}: row {first + i}: a discharge summary is a Report or an Addendum, not "
                        f"{description!r}. Mend the row."
                    )
                note = (DESCRIPTIONS[description], row["CHARTDATE"], first + int(i), row["TEXT"])
                found.setdefault(key, []).append(note)
    return {key: " ".join(note[3] for note in sorted(notes)).strip() for key, notes in found.items()}


def read_id_lists() -> dict[str, set[int]] | None:
    """Return the admission numbers of the paper's split, or None if its three lists are not there."""
    if any(registry.find("mimic3", path) is None for path in ID_LISTS.values()):
        return None
    contents = registry.locate("mimic3", list(ID_LISTS.values()), download=False)
    lists = {}
    for part, path in ID_LISTS.items():
        lines = contents[path].lines()
        for number, line in enumerate(lines, start=1):
            if not line.strip().isdecimal():
                raise DataError(
                    f"{contents[path].where}:{number}: expected an admission number, found {line!r}"
                )
        lists[part] = set(map(int, lines))
    return lists


def split_of(name: str, admissions: Sequence[Admission], labels: Sequence[int]) -> Split:
    """Return admissions as a split, in this order; those without a summary are left out."""
    summaries = read_summaries(set(admissions))
    rows = []
    for admission, label in zip(admissions, labels, strict=True):
        tokens = clean_note(summaries.pop(admission, ""))
        if tokens:
            rows.append((f"{name}/{admission[1]}", tokens, label))
    if not rows:
        raise DataError(
            f"{name}: no admission with a diagnosis has a discharge summary. {catalogue.MIMIC3.how}"
        )
    return Split(
        ids=tuple(row[0] for row in rows),
        texts=tuple(row[1] for row in rows),
        labels=np.array([row[2] for row in rows], dtype=np.int64),
    )


def has(codes: Sequence[str], start: str) -> bool:
    """Return whether one of the codes starts so."""
    return any(code.startswith(start) for code in codes)


def assemble(
    name: str, splits: dict[str, Split], class_names: tuple[str, str], minimum: int | None, notes: list[str]
) -> Corpus:
    """Return the corpus with the steps that both tasks share."""
    notes += [
        "Discharge summaries: reports and addenda of one admission joined, notes marked as errors left out; "
        "spaCy tokens in lower case, de-identified spans as '<DE>', tokens with a digit as 'qqq'.",
        f"Texts of fewer than {MAX_LENGTH} tokens; vocabulary: words of at least {MIN_DOCUMENTS} training "
        "texts.",
    ]
    return classification(
        name,
        splits,
        class_names,
        provenance(catalogue.MIMIC3, {NOTES: "not known", DIAGNOSES: "not known"}, notes),
        min_documents=MIN_DOCUMENTS,
        minimum=minimum,
        maximum=MAX_LENGTH,
    )


def load_diabetes() -> Corpus:
    """Return diabetes: does the admission have an ICD-9 code 250.00 (1) or not (0)?

    Split by the paper's lists of admissions, if the three files lie beside the tables; else all admissions,
    split by patient (provenance says which). Raises DataError for missing, damaged or malformed tables.
    """
    codes = read_codes()
    lists = read_id_lists()
    wanted = sorted(codes)
    if lists is not None:
        listed = set().union(*lists.values())
        wanted = [admission for admission in wanted if admission[1] in listed]
    checked = check_admissions(wanted)
    every = split_of("diabetes", wanted, [int(has(codes[a], "250.00")) for a in wanted])
    numbers_of = [int(name.rpartition("/")[2]) for name in every.ids]
    if lists is not None:
        rows = {part: [i for i, a in enumerate(numbers_of) if a in ids] for part, ids in lists.items()}
        origin = "Split by the paper's lists of admissions (the 50 most frequent codes of Mullenbach et al.)."
    else:
        patient_of = {admission: patient for patient, admission in wanted}
        rows = _by_patient([patient_of[a] for a in numbers_of])
        origin = (
            "The paper's lists of admissions were not found: all admissions, not its selection; 15 % of the "
            "patients are test, 15 % of the others dev."
        )
    splits = {part: every.select(index) for part, index in rows.items()}
    return assemble("diabetes", splits, ("no diabetes", "diabetes"), 6, [origin, _checked(checked)])


def load_anemia() -> Corpus:
    """Return anemia: acute (285.1, class 1) or chronic (285.2x, class 0); with both or neither left out.

    Raises DataError for missing, damaged or malformed tables.
    """
    codes = read_codes()

    def rule(admission: Admission) -> tuple[bool, bool]:
        return has(codes[admission], "285.1"), has(codes[admission], "285.2")

    # The authors' order, on which the seeded split depends: the chronic ones, then the acute ones.
    wanted = [a for kind in ((False, True), (True, False)) for a in sorted(codes) if rule(a) == kind]
    checked = check_admissions(wanted)
    every = split_of("anemia", wanted, [int(rule(a)[0]) for a in wanted])
    try:
        train, dev, test = three_way(every.labels, test=(0.2, 12939), dev=(0.15, 13448))
    except ValueError as error:
        raise DataError(f"anemia: too few admissions with codes 285.1 and 285.2: {error}") from error
    splits = {"train": every.select(train), "dev": every.select(dev), "test": every.select(test)}
    origin = "Test 20 % by class (seed 12939), dev 15 % of the rest (seed 13448), as in the released code."
    return assemble("anemia", splits, ("chronic", "acute"), None, [origin, _checked(checked)])


def _checked(checked: bool) -> str:
    state = "agree with" if checked else "were not compared with"
    return f"Patients and admissions {state} ADMISSIONS{'' if checked else ', which was not found'}."


def _by_patient(patients: Sequence[int]) -> dict[str, list[int]]:
    """Return the rows of each part, all of a patient's in one; DataError for too few patients."""
    people = sorted(set(patients))
    try:
        rest, test = random_split(len(people), PATIENT_SHARE, PATIENT_SEED)
        train, dev = (rest[part] for part in random_split(len(rest), PATIENT_SHARE, PATIENT_SEED))
    except ValueError as error:
        raise DataError(f"diabetes: too few patients with a discharge summary: {error}") from error
    chosen = {
        part: {people[i] for i in index} for part, index in (("train", train), ("dev", dev), ("test", test))
    }
    return {part: [i for i, p in enumerate(patients) if p in some] for part, some in chosen.items()}
