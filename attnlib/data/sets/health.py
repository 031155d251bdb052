"""Texts about health: adverse effects of drugs, and discharge summaries with a diagnosis.

All but one were prepared by Jain & Wallace 2019. Tweets may not be shared: `load_adr` reads the user's own
file. The sentences of case reports in ADE-Corpus-V2 (Gurulingappa et al. 2012; `load_ade`) are a public
stand-in for them, with the drugs and effects marked. Nor may the discharge summaries of MIMIC-III be shared:
`load_diabetes` and `load_anemia` read the user's own tables, as csv or csv.gz, and store nothing.
"""

import re
from collections.abc import Iterable, Iterator
from functools import partial
from itertools import product
from typing import Any

import numpy as np
import pandas as pd

from attnlib.data import files
from attnlib.data.corpora import Parts, Row, held_out, make, random_split
from attnlib.data.corpus import PARTS, Corpus
from attnlib.data.errors import DataError
from attnlib.data.files import Content
from attnlib.data.kept import keep
from attnlib.data.rows import one_of, require_columns, row_at
from attnlib.data.tokens import collapse, english, mask_digits

# Tables of MIMIC-III, and what is read of them.
NOTES, DIAGNOSES, ADMISSIONS = "NOTEEVENTS.csv", "DIAGNOSES_ICD.csv", "ADMISSIONS.csv"
# Of patient and admission. Sorted by them, admissions are in the order in which the authors drew.
KEYS = ["SUBJECT_ID", "HADM_ID"]
NUMBERS = (*KEYS, "SEQ_NUM")
COLUMNS = {
    NOTES: (*KEYS, "CHARTDATE", "CATEGORY", "DESCRIPTION", "ISERROR", "TEXT"),
    DIAGNOSES: (*NUMBERS, "ICD9_CODE"),
    ADMISSIONS: KEYS,
}
ID_LISTS = {part: f"{part}_50_hadm_ids.csv" for part in PARTS}
CHUNK = 20_000
# In the order in which notes of one admission are joined.
DESCRIPTIONS = {"Report": 0, "Addendum": 1}
PATIENT_SHARE, PATIENT_SEED = 0.15, 16377  # ours: of patients, where the paper's lists are not at hand

_DEIDENTIFIED = re.compile(r"\[\s*\*\s*\*.*?\*\s*\*\s*\]")
_REPEATED = re.compile(r"([^a-zA-Z0-9])(?:\s*\1\s*)+")


# Places [begin, end) in a text.
Spans = list[tuple[int, int]]
# By text: the line on which a sentence is first, and the places of the drugs and effects in it.
Sentences = dict[str, tuple[int, Spans]]


def relations(lines: Iterable[str], where: str = "") -> Sentences:
    """Return the distinct sentences of DRUG-AE.rel, each with the places of all its relations.

    A row is ``id|sentence|effect|begin|end|drug|begin|end``. Its offsets count in the abstract, which is not
    in the file: of the places in the sentence where effect and drug stand, those at the right distance are
    taken, else the first ones.

    >>> relations(["1|A rash from x|rash|92|96|x|102|103"])
    {'A rash from x': (1, [(2, 6), (12, 13)])}
    """
    found: Sentences = {}
    for number, line in enumerate(lines, start=1):
        with row_at(f"{where}:{number}"):
            _, text, effect, begin, _, drug, other, _ = map(collapse, line.split("|"))
            pairs = list(product(_places(text, effect), _places(text, drug)))
            e, d = next(((e, d) for e, d in pairs if d - e == int(other) - int(begin)), pairs[0])
        found.setdefault(text, (number, []))[1].extend([(e, e + len(effect)), (d, d + len(drug))])
    return found


def _places(text: str, term: str) -> list[int]:
    return [match.start() for match in re.finditer(f"(?={re.escape(term)})", text)]


def negatives(lines: Iterable[str], where: str = "") -> Sentences:
    """Return the distinct sentences of ADE-NEG.txt; a row is ``id NEG sentence``."""
    found: Sentences = {}
    for number, line in enumerate(lines, start=1):
        with row_at(f"{where}:{number}"):
            found.setdefault(collapse(line.split(" ", 2)[2]), (number, []))
    return found


def _row(name: str, label: int, text: str, line: int, spans: Spans) -> Row:
    """Return a sentence as a row; evidence is +1 on tokens of drugs and effects."""
    tokens = list(english()(text))
    marks = [any(b < t.idx + len(t.text) and t.idx < e for b, e in spans) for t in tokens]
    words = mask_digits(token.text.lower() for token in tokens)
    return Row(f"ade/{name}/{line}", label, words, evidence=np.array(marks, dtype=np.int8))


@keep("ade_corpus_v2")
def load_ade(verify: bool = True) -> Corpus:
    """Return ADE-Corpus-V2: sentences with an adverse drug effect (1) or without (0).

    Evidence marks the drugs and effects of class 1. `verify` checks each file's sha256. Raises DataError for
    missing or damaged files.
    """
    contents = files.locate("ade_corpus_v2", ["DRUG-AE.rel", "ADE-NEG.txt"], verify)
    effects, none = contents["DRUG-AE.rel"], contents["ADE-NEG.txt"]
    positive = relations(effects.lines(), effects.where)
    negative = negatives(none.lines(), none.where)
    both = positive.keys() & negative.keys()
    rows = [_row("DRUG-AE", 1, text, *found) for text, found in positive.items()]
    rows += [_row("ADE-NEG", 0, text, *found) for text, found in negative.items() if text not in both]
    return make("ade", {"": rows}, files.sums(contents), {"both": len(both)})


def tweets(content: Content) -> dict[str, list[Row]]:
    """Return the rows, by part, of a csv file with the columns text (tokens and spaces), label, exp_split.

    Further columns are ignored. Raises DataError, with file and line, for missing columns, a label other than
    0 or 1, an unknown split, or a row with fields too few or too many.
    """
    found: dict[str, list[Row]] = {part: [] for part in PARTS}
    for line, (text, label, part) in content.table(("text", "label", "exp_split")):
        with row_at(f"{content.where}:{line}"):
            one_of(part, PARTS, "exp_split")
            found[part].append(Row(line, one_of(label, ("0", "1"), "the label"), text))
    return found


def load_adr() -> Corpus:
    """Return the tweets: adverse drug reaction mentioned (1) or not (0), from the user's own adr_dataset.csv.

    Raises DataError if there is no such file (the message says how to get it) or it is malformed.
    """
    contents = files.locate("adr", ["adr_dataset.csv"])
    rows = tweets(contents["adr_dataset.csv"])
    divide = None if rows["dev"] else partial(held_out, share=0.15, seed=16377)
    return make("adr", rows, files.sums(contents), tokenize=str.split, divide=divide)


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
    options: Any = {"dtype": str, "keep_default_na": False, "index_col": False, "encoding": "utf-8-sig"}
    with files.stream("mimic3", path) as (where, file), row_at(where):
        for chunk in pd.read_csv(file, chunksize=CHUNK, **options):
            chunk = chunk.rename(columns=str.upper).rename(index=lambda number: number + 1)
            require_columns(chunk.columns, columns, where)
            for name in set(columns) & set(NUMBERS):
                with row_at(f"{where}: {name} of rows {chunk.index[0]} to {chunk.index[-1]}"):
                    chunk[name] = pd.to_numeric(chunk[name]).astype("Int64")
            yield where, chunk[columns]


def admissions_with(*starts: str) -> list[pd.Series]:
    """Return of each admission whether one of its ICD-9 codes starts so, bool, in order of `KEYS`.

    starts: without point. Rows without code or priority are left out.
    """
    rows = pd.concat([chunk for _, chunk in table(DIAGNOSES)]).dropna()
    codes = rows["ICD9_CODE"].str.strip().str.replace(".", "")
    keys = [rows[key] for key in KEYS]
    return [codes[codes != ""].str.startswith(start).groupby(keys).any() for start in starts]


def check_admissions(wanted: pd.Index) -> bool:
    """Compare with the table of admissions, if it is there; returns whether it is.

    Raises DataError for an admission that the table does not list for that patient.
    """
    if files.find("mimic3", ADMISSIONS) is None:
        return False
    listed = pd.concat([chunk for _, chunk in table(ADMISSIONS)])
    for patient, admission in wanted[~wanted.isin(pd.MultiIndex.from_frame(listed))]:
        problem = f"admission {admission} of patient {patient} is not listed"
        remedy = "the tables are of different releases or truncated. Get them again."
        raise DataError(f"{ADMISSIONS}: {problem}; {remedy}")
    return True


def read_summaries(wanted: pd.Index) -> pd.Series:
    """Return the discharge summary of each wanted admission: reports, then addenda, each by date.

    Notes marked as errors are left out.
    """
    kept = []
    for where, chunk in table(NOTES):
        category, order = chunk["CATEGORY"].str.strip(), chunk["DESCRIPTION"].str.strip().map(DESCRIPTIONS)
        summary = (category == "Discharge summary") & (chunk["ISERROR"].str.strip() == "")
        wrong = (category == "") | (summary & ((chunk["TEXT"].str.strip() == "") | order.isna()))
        if wrong.any():
            kinds = "no category, or is a discharge summary without text, or neither Report nor Addendum"
            problem = f"row {wrong.idxmax()} has {kinds}; the file may be truncated"
            raise DataError(f"{where}: {problem}. Get it again.")
        asked = pd.MultiIndex.from_frame(chunk[KEYS]).isin(wanted)
        kept.append(chunk.assign(ORDER=order)[summary & asked])
    every = pd.concat(kept).sort_values(["ORDER", "CHARTDATE"])
    return every.groupby(KEYS)["TEXT"].agg(" ".join)


def read_id_lists() -> dict[str, set[int]] | None:
    """Return the admission numbers of the paper's split, or None if its three lists are not there."""
    if not all(files.find("mimic3", path) for path in ID_LISTS.values()):
        return None

    def numbers(content: Content) -> Iterator[int]:
        for line, number in enumerate(content.lines(), start=1):
            with row_at(f"{content.where}:{line}"):
                yield int(number)

    contents = files.locate("mimic3", ID_LISTS.values())
    return {part: set(numbers(contents[path])) for part, path in ID_LISTS.items()}


def by_patient(patients: np.ndarray) -> dict[str, np.ndarray]:
    """Return which admissions are in each part, bool [N], all of a patient's in one; ValueError for too few.

    patients: of each admission.
    """
    people = np.unique(patients)
    rest, test = random_split(len(people), PATIENT_SHARE, PATIENT_SEED)
    train, dev = random_split(len(rest), PATIENT_SHARE, PATIENT_SEED)
    drawn = {"train": rest[train], "dev": rest[dev], "test": test}
    return {part: np.isin(patients, people[rows]) for part, rows in drawn.items()}


def _load(name: str, labels: pd.Series, said: dict[str, bool], **settings: Any) -> Corpus:
    """Return admissions in this order as texts, labelled so; those without a summary are left out."""
    compared = check_admissions(labels.index)
    texts = read_summaries(labels.index).reindex(labels.index)
    found = pd.DataFrame({"text": texts, "label": labels}).dropna()
    rows = [Row(int(n), int(y), text) for (_, n), text, y in found.itertuples(name=None)]
    said |= {"compared": compared, "alone": not compared}
    return make(name, {"": rows}, (NOTES, DIAGNOSES), said, tokenize=clean_note, **settings)


def load_diabetes() -> Corpus:
    """Return diabetes: does the admission have an ICD-9 code 250.00 (1) or not (0)?

    Split by the paper's lists of admissions, if the three files lie beside the tables; else all admissions,
    split by patient (provenance says which). Raises DataError for missing, damaged or malformed tables.
    """
    (labels,), lists = admissions_with("25000"), read_id_lists()
    if lists is not None:
        labels = labels[labels.index.isin(set().union(*lists.values()), level="HADM_ID")]
    patient_of = {admission: patient for patient, admission in labels.index}

    def divide(parts: Parts) -> Parts:
        numbers = [int(name.rpartition("/")[2]) for name in parts[""].ids]
        if lists is None:
            chosen = by_patient(np.array([patient_of[number] for number in numbers]))
        else:
            chosen = {part: np.isin(numbers, list(lists[part])) for part in PARTS}
        return {part: parts[""].select(rows) for part, rows in chosen.items()}

    said = {"lists": lists is not None, "patients": lists is None}
    return _load("diabetes", labels, said, divide=divide)


def load_anemia() -> Corpus:
    """Return anemia: acute (285.1, class 1) or chronic (285.2x, class 0); with both or neither left out.

    Raises DataError for missing, damaged or malformed tables.
    """
    acute, chronic = admissions_with("2851", "2852")
    # The authors' order, on which the seeded split depends: the chronic ones, then the acute ones.
    return _load("anemia", pd.concat([acute[chronic & ~acute], acute[acute & ~chronic]]), {})
