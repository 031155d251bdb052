import json

import pytest

from attnlib.data import DataError, load
from attnlib.data.catalogue import DATA_SETS
from attnlib.data.sets import pairs
from tests.data.sets.writing import each_text, sizes, write

# Labels of SNLI as the held-out files and the subsets write them.
CODES = {"entailment": ("0", "3"), "neutral": ("1", "1"), "contradiction": ("2", "2")}
SNLI = [
    (f"A man in {color} plays 2 drums.", f"Somebody {verb} music.", label)
    for color in ("red", "blue")
    for verb, label in (("makes", "entailment"), ("likes", "neutral"), ("hates", "contradiction"))
] * 4
MRPC = DATA_SETS["mrpc"].choices
COLOURS = ("red", "blue", "green", "black", "white")


def lines(*rows):
    return "\n".join(rows) + "\n"


def write_tsv(root):
    held = ["premise\thypothesis\tlabel", *(f"{p}\t{h}\t{CODES[y][0]}" for p, h, y in SNLI)]
    some = [f"{CODES[y][1]}\t{CODES[y][1]}\t{p}\t{h}" for p, h, y in SNLI]
    texts = {path: held if layout.header else some for path, (_, _, layout) in pairs.SUBSETS.items()}
    write(root / "snli", {path: lines(*found) for path, found in texts.items()})


def write_jsonl(root, layout="plain"):
    found = [*SNLI, ("No", "agreement", "-")]
    text = lines(*(json.dumps({"gold_label": y, "sentence1": p, "sentence2": h}) for p, h, y in found))
    write(root / "snli", dict.fromkeys(pairs.OFFICIAL.values(), text), layout)


def check_snli(corpus):
    assert corpus.task == "pair classification"
    assert corpus.class_names == ("contradiction", "entailment", "neutral")
    for text, question, label in each_text(corpus, "texts", "questions", "labels"):
        assert (text[:3], text[-3:]) == (("a", "man", "in"), ("qqq", "drums", "."))
        assert question[1] == ("hates", "makes", "likes")[label]


def test_both_label_codings_of_the_tab_separated_files_are_read(root):
    write_tsv(root)
    corpus = load("snli", verify=False)
    check_snli(corpus)
    assert corpus.name == "snli_subset"
    assert sizes(corpus) == [48, 24, 24]
    assert "48 of them" in corpus.provenance["notes"][0]
    assert (corpus.train.ids[0], corpus.dev.ids[0]) == ("snli/train_subset_18k/1", "snli/dev/2")
    assert load("snli_subset", verify=False).checksum == corpus.checksum
    with pytest.raises(DataError, match="not the official file"):
        load("snli")


def test_official_files_come_first_and_pairs_without_gold_label_go(root):
    write_tsv(root)
    write_jsonl(root)
    corpus = load("snli")
    check_snli(corpus)
    assert corpus.name == "snli"
    assert sizes(corpus) == [24, 24, 24]
    # "hates": in 8 of the 48 training sentences; all words are in 3 or more.
    assert {"hates", "somebody", "red"} <= set(corpus.vocabulary.words)


def test_bad_lines_of_official_files_are_named(root):
    write_jsonl(root)
    path = root / "snli" / pairs.OFFICIAL["dev"]
    good = path.read_text()
    for line, problem in (("{", "Expecting property"), ('{"sentence1": "a"}', "no field 'gold_label'")):
        path.write_text(good + line + "\n")
        with pytest.raises(DataError, match=rf"snli_1\.0_dev\.jsonl:26: .*{problem}"):
            load("snli")


def paraphrases(n, form):
    """Rows of MRPC or Quora; both sentences say which row it is, with quotes as text and a number."""
    for i in range(n):
        word = COLOURS[i % 5]
        yield form(f'Is "{word} the first of row{i}?', f"The {word} second, x{i}", str(i % 2))


def mrpc(first, second, label):
    return "\t".join((label, "702876", "702977", first, second))


def qqp(first, second, label):
    return "\t".join(("133273", "213221", "213222", first, second, label))


def table(rows, columns, mark=""):
    return mark + "\r\n".join(["\t".join(columns), *rows]) + "\r\n"


def write_mrpc(root, parts):
    columns = ("Quality", "#1 ID", "#2 ID", "#1 String", "#2 String")
    # The marks of byte order are where they are in the copy at hand.
    texts = {path: table(rows, columns, "" if "val" in path else "\ufeff") for path, rows in parts.items()}
    write(root / "mrpc", texts, "gzip")


def write_qqp(root, training, test=None):
    parts = {"train": training, "dev": list(paraphrases(6, qqp)) if test is None else test}
    texts = {f"{part}.tsv": table(rows, pairs.QQP_COLUMNS) for part, rows in parts.items()}
    write(root / "qqp", texts)


def check_paraphrases(corpus):
    assert (corpus.task, corpus.class_names) == ("pair classification", ("different", "paraphrase"))
    for name, passage, question, label in each_text(corpus, "ids", "texts", "questions", "labels"):
        i = int(name.split("/")[2]) - 2
        assert passage == ("the", COLOURS[i % 5], "second", ",", "qqq")
        assert question == ("is", '"', COLOURS[i % 5], "the", "first", "of", "qqq", "?")
        assert label == i % 2


def test_both_layouts_of_mrpc_give_the_same_corpus(root, monkeypatch):
    monkeypatch.setattr(pairs, "MRPC_DEV", 10)
    rows = list(paraphrases(40, mrpc))
    write_mrpc(root, dict(zip(MRPC["parts"], (rows[:-10], rows[-10:], rows[:6]), strict=True)))
    corpus = load("mrpc", verify=False)
    check_paraphrases(corpus)
    assert sizes(corpus) == [30, 10, 6]
    assert (corpus.train.ids[0], corpus.dev.ids[0]) == ("mrpc/train/2", "mrpc/train/32")
    assert "second" in corpus.vocabulary.words
    with pytest.raises(DataError, match=r"msr-para-train\.tsv\.gz is not the official file"):
        load("mrpc")
    write_mrpc(root, dict(zip(MRPC["official"], (rows, rows[:6]), strict=True)))
    official = load("mrpc")
    check_paraphrases(official)
    assert list(official.provenance["files"]) == MRPC["official"]
    assert official.checksum == corpus.checksum
    train, test = MRPC["official"]
    write_mrpc(root, {train: rows, test: [*rows[:6], "2\t1\t2\ta\tb"]})
    with pytest.raises(DataError, match=r"msr_paraphrase_test\.txt\.gz:8: the label is '2', not 0 or 1"):
        load("mrpc")


def test_the_first_tenth_of_quoras_pairs_is_dev_and_glues_dev_is_test(root, monkeypatch):
    write_qqp(root, list(paraphrases(59, qqp)))
    corpus = load("qqp")
    check_paraphrases(corpus)
    assert sizes(corpus) == [54, 5, 6]
    assert [split.ids[0] for split in corpus.splits.values()] == ["qqp/train/7", "qqp/train/2", "qqp/dev/2"]
    # Each colour is in 10 or 11 training questions, and nothing is in fewer than 5.
    assert set(COLOURS) < set(corpus.vocabulary.words)


def test_broken_rows_and_empty_questions_of_quora_are_left_out_and_counted(root):
    rows = list(paraphrases(40, qqp))
    write_qqp(root, rows)
    whole = load("qqp")
    # A question with a line end in it, as in the official file, an empty question, and one field too many.
    rows[3:3] = ['1\t2\t3\t"What is', '"\tWhat?\t0', qqp("a", " ", "0"), qqp("", "b", "1")]
    write_qqp(root, [*rows, qqp("a", "b\tc", "0")])
    corpus = load("qqp")
    assert "3 rows without six fields and 2 with an empty question" in corpus.provenance["notes"][1]
    numbers = [int(name.split("/")[2]) for name in (*corpus.dev.ids, *corpus.train.ids)]
    assert numbers == [2, 3, 4, *range(9, 46)]
    assert [*whole.dev.texts, *whole.train.texts] == [*corpus.dev.texts, *corpus.train.texts]


def test_files_of_quora_that_are_cut_or_others_are_named(root):
    for training, test, problem in (
        (40, [qqp("a", "b", "2")], r"dev\.tsv:2: the label is '2', not 0 or 1"),
        (9, None, "qqp: none of 0 dev texts is left"),
        (40, ["a,b,c"] * 101, r"dev\.tsv: 101 rows have not 6 fields"),
    ):
        write_qqp(root, list(paraphrases(training, qqp)), test)
        with pytest.raises(DataError, match=problem):
            load("qqp")
    (root / "qqp" / "train.tsv").write_text("index\tquestion1\tquestion2\n")
    with pytest.raises(DataError, match=r"train\.tsv:1: no column id, is_duplicate, qid1, qid2"):
        load("qqp")
