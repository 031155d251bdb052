import tarfile

import numpy as np
import pytest

from attnlib.data import DataError, catalogue, load

MEMBERS = [member.path for member in catalogue.AMAZON_MULTIDOMAIN.members]


def review(stars, text, title="A title"):
    return (
        f"<review>\n<unique_id>\nx:y\n</unique_id>\n<rating>\n{stars}\n</rating>\n<title>\n{title}\n</title>\n"
        f"<review_text>\n{text}\n</review_text>\n</review>\n"
    )


def files(n=30):
    stars = {"negative": ("1.0", "2.0"), "positive": ("4.0", "5.0")}
    return {
        path: "".join(
            review(
                stars[path.split("/")[1].removesuffix(".review")][i % 2],
                f"It is &quot;item&quot; {i} of\n{path.split('/')[0]}. I saw {path[-15:-7]}!",
            )
            for i in range(n)
        )
        for path in MEMBERS
    }


@pytest.fixture
def write(tmp_path, monkeypatch, nowhere):
    monkeypatch.setenv("ATTNLIB_DATA", str(tmp_path))
    folder = tmp_path / "amazon_multidomain"

    def write(made, archive=False):
        for path, text in made.items():
            file = folder / "sorted_data_acl" / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
        if archive:
            with tarfile.open(folder / "domain_sentiment_data.tar.gz", "w:gz") as packed:
                packed.add(folder / "sorted_data_acl", "sorted_data_acl")
            for path in made:
                (folder / "sorted_data_acl" / path).unlink()

    return write


@pytest.mark.parametrize("archive", [False, True])
def test_reviews_of_four_domains_have_four_ratings(write, archive):
    write(files(), archive)
    corpus = load("amazon_multidomain", verify=False)
    # 240: a fifth to test, a tenth of the rest, rounded up, to dev.
    assert [len(split) for split in corpus.splits.values()] == [172, 20, 48]
    assert corpus.class_names == ("1 star", "2 stars", "4 stars", "5 stars")
    assert np.bincount(corpus.test.labels).tolist() == [12] * 4
    for split in corpus.splits.values():
        for name, text, label in zip(split.ids, split.texts, split.labels, strict=True):
            _, domain, kind, number = name.split("/")
            assert text[5] == str(int(number) - 1)
            assert text[2:5] == ('"', "item", '"')
            assert label == 2 * (kind == "positive") + (int(number) - 1) % 2
            assert domain.split("_")[0] in "".join(text)
    assert "title" not in corpus.vocabulary.words
    with pytest.raises(DataError, match="books/negative.review is not the official file"):
        load("amazon_multidomain")


def test_repeated_texts_are_left_out(write):
    made = files()
    made[MEMBERS[1]] += review("4.0", "It  is &quot;item&quot; 0 of books. I saw negative!") * 2
    made[MEMBERS[1]] += review("4.0", " ")
    write(made)
    corpus = load("amazon_multidomain", verify=False)
    assert sum(map(len, corpus.splits.values())) == 240
    notes = corpus.provenance["notes"]
    assert "2 reviews whose text occurred before are left out." in notes
    assert "1 documents without a sentence are left out." in notes


@pytest.mark.parametrize(
    ("extra", "problem"),
    [
        (review("3.0", "So."), r"books/positive\.review:451: the rating of review 31 is '3\.0', not 1, 2, 4"),
        (review("", "So."), r":451: the rating of review 31 is ''"),
        (review("4.0", "So.").replace("rating", "grade"), r":451: the rating of review 31 is None"),
        (review("4.0", "So.").replace("review_text", "text"), r":451: review 31 has no text"),
        ("<review>\n<rating>4.0", r"31 reviews begin, 30 end, and 30 are whole"),
    ],
)
def test_bad_reviews_are_named(write, extra, problem):
    made = files()
    made[MEMBERS[1]] += extra
    write(made)
    with pytest.raises(DataError, match=problem):
        load("amazon_multidomain", verify=False)


def test_too_few_reviews_are_refused(write):
    write({path: text if "books/neg" in path else "" for path, text in files(1).items()})
    with pytest.raises(DataError, match="amazon_multidomain: too few reviews"):
        load("amazon_multidomain", verify=False)


@pytest.mark.data("amazon_multidomain")
@pytest.mark.slow
def test_counts(tmp_path, monkeypatch):
    monkeypatch.setenv("ATTNLIB_CACHE", str(tmp_path))
    corpus = load("amazon_multidomain")
    # 8000 reviews, 148 of them repeats.
    assert [len(split) for split in corpus.splits.values()] == [5652, 629, 1571]
