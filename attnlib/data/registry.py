"""Where each data set comes from, and how its files are found, fetched and checked.

A file is looked up under ``$ATTNLIB_DATA/<set>``, then in the user cache, then the official archive is
downloaded into the cache. Files may lie unpacked, gzipped, or inside the archive; archives are read in place,
nothing is ever extracted. Every file is checked by the sha256 of its decompressed content, where that of the
official file is known. Sets that may not be shared are never downloaded; they say how to get them.
"""

from __future__ import annotations

import gzip
import hashlib
import lzma
import os
import shutil
import sys
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import IO, cast

from attnlib.data.errors import DataError

# What reading a damaged or foreign file raises in the standard library's decompressors and archive readers.
DAMAGE = (
    OSError,
    EOFError,
    ValueError,
    KeyError,
    zlib.error,
    lzma.LZMAError,
    tarfile.TarError,
    zipfile.BadZipFile,
)


@dataclass(frozen=True)
class Member:
    """One file of a data set: path inside the official archive and its checksum.

    sha256 is of the file's content, decompressed. Where only the git blob id (SHA-1) of the official file is
    known, that is checked instead; where neither is known, nothing is. url: where a file is to be had that is
    in no archive.
    """

    path: str
    sha256: str | None = None
    git_blob: str | None = None
    url: str | None = None

    def matches(self, content: bytes) -> bool:
        """Return whether content is the official file's; True where no checksum is known."""
        if self.sha256 is not None:
            return hashlib.sha256(content).hexdigest() == self.sha256
        if self.git_blob is None:
            return True
        blob = b"blob %d\0" % len(content) + content
        return hashlib.sha1(blob, usedforsecurity=False).hexdigest() == self.git_blob


@dataclass(frozen=True)
class Folder:
    """Many small files of a data set that are read together: all that end in `suffix` below `path`.

    sha256 is of the lines ``<sha256 of the content> <path>``, in order of path; carriage returns are left out
    of the contents, since copies differ in them. None: not known, not checked.
    """

    path: str
    suffix: str = ""
    count: int | None = None
    sha256: str | None = None

    def holds(self, path: str) -> bool:
        """Return whether a path of the data set is one of these files."""
        return path.startswith(f"{self.path}/") and path.endswith(self.suffix)


@dataclass(frozen=True)
class DataSet:
    """A data set: official address, terms and files.

    `root` is the folder inside the official archive that all members share; `packed` names further archives
    of the same files that are accepted; archive_hash is the official archive's, such as ``md5:5c3b…``. An
    empty `archive` means single files. `how`: what to do by hand to get a set that cannot be downloaded.
    """

    name: str
    title: str
    base: str
    archive: str
    root: str
    members: tuple[Member, ...]
    licence: str
    citation: str
    packed: tuple[str, ...] = ()
    archive_hash: str | None = None
    folders: tuple[Folder, ...] = ()
    how: str = ""

    @property
    def address(self) -> str:
        """Official address of the archive, or of the page about the data set."""
        return f"{self.base}/{self.archive}" if self.archive else self.base

    def inside(self, path: str) -> str:
        """Return the name of a file inside the archive."""
        return f"{self.root}/{path}" if self.root else path

    def folder(self, path: str) -> Folder:
        """Return the registered folder at `path`; KeyError if there is none."""
        for folder in self.folders:
            if folder.path == path:
                return folder
        raise KeyError(f"{self.name} has no registered folder {path!r}")

    def member(self, path: str) -> Member:
        """Return the registered file at `path`; KeyError if there is none."""
        for member in self.members:
            if member.path == path:
                return member
        raise KeyError(f"{self.name} has no registered file {path!r}")


@dataclass(frozen=True)
class Content:
    """A file's content with the place it was read from (for messages) and its sha256."""

    path: str
    where: str
    data: bytes = field(repr=False)

    @property
    def sha256(self) -> str:
        """Checksum of the decompressed content."""
        return hashlib.sha256(self.data).hexdigest()

    def lines(self) -> list[str]:
        """Return the lines without line ends, less blank ones at the end. DataError if not UTF-8."""
        try:
            text = self.data.decode("utf-8")
        except UnicodeDecodeError as error:
            line = self.data[: error.start].count(b"\n") + 1
            raise DataError(f"{self.where}:{line}: not UTF-8 text. Restore the official file.") from error
        # Not str.splitlines: it also splits at characters that are ordinary text here.
        lines = [line.removesuffix("\r") for line in text.split("\n")]
        while lines and not lines[-1].strip():
            lines.pop()
        return lines


SST = DataSet(
    name="sst",
    title="Stanford Sentiment Treebank, phrase-labelled trees",
    base="https://nlp.stanford.edu/sentiment",
    archive="trainDevTestTrees_PTB.zip",
    archive_hash="md5:5c3b23ce88089053fd3efeb4a34f614d",
    root="trees",
    members=(
        Member("train.txt", "e2f3f41b0b1e6d4dddc0effe3bfc2d27ed8928079aa9a03d652311614fc5feb7"),
        Member("dev.txt", "0e9336aed6e4730e19f58d00a77b3f0297efdb755f7b5e598c98a05e3f97ea40"),
        Member("test.txt", "6e54806dee95cf80cd918e7dfb3f6770f6df24bf826f289a4d1f709e1c8f6761"),
    ),
    licence="no explicit licence; research use, cite",
    citation=(
        "Socher et al. 2013, Recursive Deep Models for Semantic Compositionality Over a Sentiment Treebank, "
        "EMNLP"
    ),
)

BABI = DataSet(
    name="babi",
    title="bAbI tasks 1-3, version 1.2, English",
    base="http://www.thespermwhale.com/jaseweston/babi",
    archive="tasks_1-20_v1-2.tar.gz",
    packed=("tasks_1-20_v1-2_en.tar.xz", "tasks_1-20_v1-2.tar.xz", "tasks_1-20_v1-2_en.tar.gz"),
    root="tasks_1-20_v1-2",
    members=(
        Member(
            "en/qa1_single-supporting-fact_train.txt",
            "c64ba9b1a49bbb111ffc4cd2ae4f129d25c012399dd7ade9679eea464b9afb05",
        ),
        Member(
            "en/qa1_single-supporting-fact_test.txt",
            "55acf66cef2f6d798e2aa1d056e1ec8f24e910ea9215b639450574321132959b",
        ),
        Member(
            "en/qa2_two-supporting-facts_train.txt",
            "a4978af5bc0dc30191810e7c9949aaa6eae939ed0f6beb9fcb5f4330c2a27860",
        ),
        Member(
            "en/qa2_two-supporting-facts_test.txt",
            "eff93fb9cd81ba02eb765772cf7cc269769ed44ec71cbbbc19cfb16ee5eba0f6",
        ),
        Member(
            "en/qa3_three-supporting-facts_train.txt",
            "a6e78019f36a02a7ed71fe6aaded0b563ff09c8deec392931801fcd9c6af4d60",
        ),
        Member(
            "en/qa3_three-supporting-facts_test.txt",
            "17795c977100baf8188f386522ae301b62d6c1a13efc01b3aea781e588b4d57f",
        ),
        Member(
            "en-10k/qa1_single-supporting-fact_train.txt",
            "749ea9f7c99070feb2d88c975a254417a0dcc8274add4435ae5ae24c7afc7e9d",
        ),
        Member(
            "en-10k/qa1_single-supporting-fact_test.txt",
            "55acf66cef2f6d798e2aa1d056e1ec8f24e910ea9215b639450574321132959b",
        ),
        Member(
            "en-10k/qa2_two-supporting-facts_train.txt",
            "d4074c0c5d54f70ce2f538056ce2b6ef6a313da336da4245f1a24f1298e37ef3",
        ),
        Member(
            "en-10k/qa2_two-supporting-facts_test.txt",
            "eff93fb9cd81ba02eb765772cf7cc269769ed44ec71cbbbc19cfb16ee5eba0f6",
        ),
        Member(
            "en-10k/qa3_three-supporting-facts_train.txt",
            git_blob="9b2b35ca4357ea8ee44692c71ec71892edf51399",
        ),
        Member(
            "en-10k/qa3_three-supporting-facts_test.txt",
            "17795c977100baf8188f386522ae301b62d6c1a13efc01b3aea781e588b4d57f",
        ),
    ),
    licence="CC BY 3.0",
    citation="Weston et al. 2015, Towards AI-Complete Question Answering: A Set of Prerequisite Toy Tasks",
)

IMDB = DataSet(
    name="imdb",
    title="Large Movie Review Dataset 1.0, labelled reviews",
    base="https://ai.stanford.edu/~amaas/data/sentiment",
    archive="aclImdb_v1.tar.gz",
    archive_hash="md5:7c2ac02c03563afcf9b574c7e56c153a",
    packed=("aclImdb_v1.tar.xz", "aclImdb_labelled_50k.tar.xz"),
    root="aclImdb",
    members=(),
    folders=(
        Folder(
            "train/neg", ".txt", 12500, "b530c7d3f75d11586ba486368ecd5e1275522855e6919b49a3dde9bb1469d7cb"
        ),
        Folder(
            "train/pos", ".txt", 12500, "d2af832384d4a3fc570a2d3755feda1e62b86822bfc30686228e912a9424f13f"
        ),
        Folder("test/neg", ".txt", 12500, "e2b77887f3ef59b6c5541d6d0c8b969fae3fc7c35f96d39cadfa59120aaeab98"),
        Folder("test/pos", ".txt", 12500, "84e7c32955817bab6237d2000a5757ff056d1c6666e5f9fd1ca65516fada5008"),
    ),
    licence="no explicit licence; cite",
    citation="Maas et al. 2011, Learning Word Vectors for Sentiment Analysis, ACL",
)

NEWS20 = DataSet(
    name="20news",
    title="20 Newsgroups, by date",
    base="http://qwone.com/~jason/20Newsgroups",
    archive="20news-bydate.tar.gz",
    packed=("20news-bydate.tar.xz",),
    root="",
    members=(),
    folders=(
        Folder(
            "20news-bydate-train",
            count=11314,
            sha256="cbdc65de54daa8c18cb5a2d083b0677dd6022920469aef9f0639ce17e4eda0c7",
        ),
        Folder(
            "20news-bydate-test",
            count=7532,
            sha256="89e5b3c44a16a25efc218244ac175390af8a89172202035d8b3529201730e7e7",
        ),
    ),
    licence="no explicit licence; Usenet posts, long redistributed for research",
    citation="Lang 1995, NewsWeeder: Learning to Filter Netnews, ICML",
)

_AG_NEWS = "https://raw.githubusercontent.com/mhjabreel/CharCnn_Keras/master/data/ag_news_csv"
AG_NEWS = DataSet(
    name="ag_news",
    title="AG's News Topic Classification Dataset, and subsets of its training split",
    base="https://github.com/mhjabreel/CharCnn_Keras/tree/master/data/ag_news_csv",
    archive="",
    root="",
    members=(
        Member("train.csv", git_blob="694aa19971315410e000404523796b76349d3c1d", url=f"{_AG_NEWS}/train.csv"),
        Member(
            "test.csv",
            "521465c2428ed7f02f8d6db6ffdd4b5447c1c701962353eb2c40d548c3c85699",
            url=f"{_AG_NEWS}/test.csv",
        ),
        Member(
            "train_subset_a_train.csv", "23ff4a798bef4c6f1bab4018f491757b87e124901515e4e208461e022a163401"
        ),
        Member("train_subset_a_dev.csv", "d968ce3578f756a0743667e932aa6cd6e5c4aeffd28e08cbd22482aa46deee30"),
        Member("train_subset_b.csv", "21977496fa5f58b177078d70784906c8940b44bce3eff52145a368acd55b7082"),
        Member("train_subset_c.csv", "2b534bbedd1b58e9329bd169ed5e4c03ba716d34a888191444d6d02a58829093"),
        Member(
            "train_subset_d_train.csv", "79b90b096a11e4b3148a3384f142fb85878b4d9e626556aaf6aeb3d1efc810c4"
        ),
        Member(
            "train_subset_d_validation.csv",
            "3018472fe488dd02190ef146d598283c6923470b524c07690912cf3fe11100b0",
        ),
    ),
    licence="any non-commercial activity (the corpus' readme)",
    citation=(
        "Del Corso, Gulli & Romani 2005, Ranking a Stream of News, WWW; Zhang, Zhao & LeCun 2015, "
        "Character-level Convolutional Networks for Text Classification, NIPS"
    ),
)

ADE = DataSet(
    name="ade_corpus_v2",
    title="ADE-Corpus-V2, adverse drug effects in case reports",
    base="https://sites.google.com/site/adecorpus",
    archive="",
    root="",
    members=(
        Member("DRUG-AE.rel", "542cdc483ccc94927762eaf2c9a8ecac49a6c10037dda2895be6a6e20160f75a"),
        Member("ADE-NEG.txt", "8f506c159042ce354fbf26981dc39971dde8f09b1158d94106eab1e516e53fcf"),
    ),
    licence="no explicit licence; cite",
    citation=(
        "Gurulingappa et al. 2012, Development of a Benchmark Corpus to Support the Automatic Extraction of "
        "Drug-related Adverse Effects from Medical Case Reports, Journal of Biomedical Informatics"
    ),
    how="Get DRUG-AE.rel and ADE-NEG.txt from https://sites.google.com/site/adecorpus.",
)

ADR = DataSet(
    name="adr",
    title="Adverse drug reactions in tweets, as Jain & Wallace read them",
    base="https://github.com/successar/AttentionExplanation/issues/10",
    archive="",
    root="",
    members=(Member("adr_dataset.csv"),),
    licence="may not be shared: Twitter's terms allow the ids of tweets only",
    citation=(
        "Nikfarjam et al. 2015, Pharmacovigilance from Social Media, Journal of the American Medical "
        "Informatics Association"
    ),
    how=(
        "The tweets are not public: ask the authors of the paper for adr_dataset.csv (their issue 10), or "
        "collect the tweets by id and write a csv with the columns text, label, exp_split. A public stand-in "
        "is the data set 'ade'."
    ),
)

SNLI = DataSet(
    name="snli",
    title="Stanford Natural Language Inference corpus 1.0, and a subset of its training split",
    base="https://nlp.stanford.edu/projects/snli",
    archive="snli_1.0.zip",
    archive_hash="sha256:afb3d70a5af5d8de0d9d81e2637e0fb8c22d1235c2749d83125ca43dab0dbd3e",
    root="snli_1.0",
    members=(
        # No checksums of the single files are recorded; a download is checked by that of the archive.
        Member("snli_1.0_train.jsonl"),
        Member("snli_1.0_dev.jsonl"),
        Member("snli_1.0_test.jsonl"),
        Member("validation.tsv", "dc3cdacf1cef526dccd5ca58fb195b66f249c9b15dff0d46ff0d4d138e1e1e4d"),
        Member("test.tsv", "c56822451475e7dccf12cd2e68676fa1ccb0ac8c8d9b751c01915003712bb202"),
        Member("train_subset_18k.tsv", "f1bca476f3011e031e634862b2a42294a1e5bcd6187daae82b1187f529d60613"),
        Member("train_subset_2k.tsv", "89d5aa158b10c3212c6f1c59e3996327e7c6ee6ea83da2527c99ee5a4817326a"),
    ),
    licence="CC BY-SA 4.0",
    citation=("Bowman et al. 2015, A Large Annotated Corpus for Learning Natural Language Inference, EMNLP"),
)

CNN = DataSet(
    name="cnn",
    title="CNN questions over anonymised entities",
    base="https://cs.nyu.edu/~kcho/DMQA",
    archive="cnn.tgz",
    packed=("cnn.tar.gz",),
    root="cnn",
    # One file per split, as the paper read them; the folders hold one file per question.
    members=(Member("train.txt"), Member("dev.txt"), Member("test.txt")),
    folders=(
        Folder("questions/training", ".question"),
        Folder("questions/validation", ".question"),
        Folder("questions/test", ".question"),
    ),
    licence="no explicit licence; articles belong to CNN",
    citation="Hermann et al. 2015, Teaching Machines to Read and Comprehend, NIPS",
    how=(
        "Get the question files, cnn.tgz (folder questions), from https://cs.nyu.edu/~kcho/DMQA, or "
        "cnn.tar.gz (train.txt, dev.txt, test.txt) from https://cs.stanford.edu/~danqi/data/cnn.tar.gz."
    ),
)

MIMIC3 = DataSet(
    name="mimic3",
    title="MIMIC-III discharge summaries (data sets diabetes and anemia)",
    base="https://physionet.org/content/mimiciii/1.4/",
    archive="",
    root="",
    members=(
        Member("NOTEEVENTS.csv"),
        Member("DIAGNOSES_ICD.csv"),
        Member("ADMISSIONS.csv"),
        Member("train_50_hadm_ids.csv"),
        Member("dev_50_hadm_ids.csv"),
        Member("test_50_hadm_ids.csv"),
    ),
    licence="may not be shared: PhysioNet Credentialed Health Data Use Agreement",
    citation="Johnson et al. 2016, MIMIC-III, a Freely Accessible Critical Care Database, Scientific Data",
    how=(
        "MIMIC-III is for credentialed users: complete the training and sign the agreement at "
        "https://physionet.org/content/mimiciii/1.4/, then take NOTEEVENTS, DIAGNOSES_ICD and ADMISSIONS "
        "(.csv or .csv.gz). The paper's split of diabetes are the lists {train,dev,test}_50_hadm_ids.csv of "
        "https://github.com/jamesmullenbach/caml-mimic."
    ),
)

DATA_SETS: dict[str, DataSet] = {
    data_set.name: data_set for data_set in (SST, BABI, IMDB, NEWS20, AG_NEWS, ADE, ADR, SNLI, CNN, MIMIC3)
}


def cache_folder() -> Path:
    """Return the folder for downloads: ``$ATTNLIB_CACHE/data``, else ``attnlib/data`` under the XDG cache."""
    if own := os.environ.get("ATTNLIB_CACHE"):
        return Path(own).expanduser() / "data"
    base = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(base).expanduser() / "attnlib" / "data"


def search_folders(name: str) -> list[Path]:
    """Return the folders searched for data set `name`, first found first used.

    Raises DataError if $ATTNLIB_DATA is set but is no folder.
    """
    folders = []
    if given := os.environ.get("ATTNLIB_DATA"):
        root = Path(given).expanduser()
        if not root.is_dir():
            raise DataError(
                f"ATTNLIB_DATA is {given!r}, which is not a folder. Correct or unset the variable."
            )
        folders.append(root / name)
    return [*folders, cache_folder() / name]


def find(name: str, path: str) -> Path | None:
    """Return the file or archive that holds `path` of data set `name` on this machine, or None.

    Names only are looked at; content is checked by `locate`.
    """
    data_set = DATA_SETS[name]
    data_set.member(path)
    for folder in search_folders(name):
        for place, _ in _places(data_set, folder, [path]):
            return place
    return None


def require(name: str, paths: Iterable[str], instead: str) -> None:
    """Raise DataError unless all of these files, which no official release holds, are on this machine."""
    for path in paths:
        if find(name, path) is None:
            places = " and ".join(str(folder) for folder in search_folders(name))
            raise DataError(
                f"{name}: {path} not found in {places}. It is no part of the official release; the page "
                f"'Data' of the book says where it comes from. Put it there, or {instead}."
            )


def locate(name: str, paths: Sequence[str], verify: bool = True, download: bool = True) -> dict[str, Content]:
    """Return the content of files of data set `name`, by path.

    Lookup order: ``$ATTNLIB_DATA/<name>``, the user cache, the official archive (if `download`). `verify`
    compares each content with the recorded sha256.

    Raises DataError for a file that is missing, damaged or of the wrong checksum, and for a failed download;
    the message says what, where and how to mend.
    """
    data_set = DATA_SETS[name]
    members = {path: data_set.member(path) for path in paths}
    found: dict[str, Content] = {}
    for folder in search_folders(name):
        missing = [path for path in paths if path not in found]
        for place, inside in _places(data_set, folder, missing):
            found.update(_read(data_set, place, inside))
    lacking = {path: member for path, member in members.items() if path not in found}
    if lacking and download and data_set.archive and not data_set.how:
        archive = _download(data_set, verify)
        found.update(_read(data_set, archive, {path: data_set.inside(path) for path in lacking}))
    elif download:
        for path, member in lacking.items():
            if member.url:
                found.update(_read(data_set, _download(data_set, verify, member), {path: ""}))
    for path in paths:
        if path not in found:
            raise _not_found(data_set, path)
    if verify:
        for path in paths:
            _check(data_set, members[path], found[path])
    return {path: found[path] for path in paths}


def find_folders(name: str, paths: Sequence[str]) -> Path | None:
    """Return what holds the folders `paths` of data set `name` on this machine: a folder, an archive or None.

    Names only are looked at; content is checked by `walk`.
    """
    data_set = DATA_SETS[name]
    for base in search_folders(name):
        for root in _roots(data_set, base):
            if all((root / path).is_dir() for path in paths):
                return root
        for archive in _archives(data_set, base):
            # Only a set that also has single files comes in archives with and without the folders.
            if not data_set.members or all(
                any(
                    item.startswith(data_set.inside(path) + "/") for item in _archive_names(data_set, archive)
                )
                for path in paths
            ):
                return archive
    return None


def walk(name: str, paths: Sequence[str], verify: bool = True, download: bool = True) -> Iterator[Content]:
    """Yield the files of folders of data set `name`, one at a time, in the order in which they are stored.

    Lookup and `verify` as in `locate`; checksums of whole folders are compared after the last file, so take
    all files before using any. Raises DataError as `locate` does.
    """
    data_set = DATA_SETS[name]
    wanted = [data_set.folder(path) for path in paths]
    place = find_folders(name, paths)
    if place is None:
        if not download or data_set.how:
            raise _not_found(data_set, ", ".join(paths))
        place = _download(data_set, verify)
    yield from _walk(data_set, place, wanted, verify)


@contextmanager
def stream(name: str, path: str) -> Iterator[tuple[str, IO[bytes]]]:
    """Open one large file of data set `name`; gives (place, for messages; the decompressed bytes).

    For files that do not fit in memory. Looked up as in `locate`, never downloaded or verified. Raises
    DataError for a missing file, and for one that turns out to be damaged while it is read.
    """
    data_set = DATA_SETS[name]
    data_set.member(path)
    places = (p for folder in search_folders(name) for p in _places(data_set, folder, [path]))
    place, inside = next(places, (None, {}))
    if place is None:
        raise _not_found(data_set, path)
    try:
        with ExitStack() as stack:
            if not inside[path]:
                file: IO[bytes] = stack.enter_context(place.open("rb"))
                if place.suffix == ".gz":
                    file = cast(IO[bytes], stack.enter_context(gzip.GzipFile(fileobj=file)))
                yield str(place), file
            else:
                unpacked = stack.enter_context(tarfile.open(place))
                member = next(item for item in unpacked if item.name.removeprefix("./") == inside[path])
                held = unpacked.extractfile(member)
                assert held is not None
                yield f"{place}!{inside[path]}", held
    except (OSError, EOFError, zlib.error, lzma.LZMAError, tarfile.TarError) as error:
        raise _damaged(data_set, place, error) from error


def _roots(data_set: DataSet, folder: Path) -> list[Path]:
    """Return the folders that may be the archive's root, unpacked below `folder`."""
    stem = data_set.archive.split(".")[0]
    return [folder, folder / data_set.root, folder / stem, folder / stem / data_set.root]


def _archives(data_set: DataSet, folder: Path) -> list[Path]:
    """Return the archives of the data set that lie in `folder`."""
    names = [name for name in (data_set.archive, *data_set.packed) if name]
    return [folder / name for name in names if (folder / name).is_file()]


def _walk(data_set: DataSet, place: Path, wanted: Sequence[Folder], verify: bool) -> Iterator[Content]:
    """Yield the files of the wanted folders from an unpacked root or an archive, then check the folders."""
    sums: dict[str, dict[str, str]] = {folder.path: {} for folder in wanted}
    try:
        for path, where, data in _files(data_set, place, wanted):
            for folder in wanted:
                if folder.holds(path):
                    sums[folder.path][path] = hashlib.sha256(data.replace(b"\r", b"")).hexdigest()
            yield Content(path, where, data)
    except DAMAGE as error:
        raise _damaged(data_set, place, error) from error
    for folder in wanted:
        held = sums[folder.path]
        if not held:
            raise DataError(
                f"{data_set.name}: {place} holds no file {folder.path}/*{folder.suffix}. {_advice(data_set)}"
            )
        lines = "".join(f"{held[path]} {path}\n" for path in sorted(held))
        found = hashlib.sha256(lines.encode()).hexdigest()
        if verify and folder.sha256 is not None and found != folder.sha256:
            raise DataError(
                f"{data_set.name}: {folder.path} in {place} is not as published: {len(held)} of "
                f"{folder.count} files, checksum {found} instead of {folder.sha256}. Get {data_set.address} "
                f"again, or, if you changed files on purpose, load with verify=False."
            )


def _files(data_set: DataSet, place: Path, wanted: Sequence[Folder]) -> Iterator[tuple[str, str, bytes]]:
    """Yield (path, place for messages, content) of every file of the wanted folders."""
    if place.is_dir():
        for folder in wanted:
            for file in sorted((place / folder.path).rglob(f"*{folder.suffix}")):
                if file.is_file():
                    yield file.relative_to(place).as_posix(), str(file), file.read_bytes()
        return
    root = f"{data_set.root}/" if data_set.root else ""
    with tarfile.open(place) as unpacked:
        for item in unpacked:
            name = item.name.removeprefix("./")
            path = name.removeprefix(root)
            if item.isfile() and name.startswith(root) and any(folder.holds(path) for folder in wanted):
                held = unpacked.extractfile(item)
                if held is not None:
                    yield path, f"{place}!{name}", held.read()


def _places(data_set: DataSet, folder: Path, paths: Sequence[str]) -> Iterator[tuple[Path, dict[str, str]]]:
    """Yield files under `folder` that hold some of `paths`: (file, {path: name inside the archive or ''})."""
    if not folder.is_dir():
        return
    left = list(paths)
    roots = _roots(data_set, folder)
    for path in paths:
        for candidate in (root / (path + ending) for root in roots for ending in ("", ".gz")):
            if candidate.is_file():
                left.remove(path)
                yield candidate, {path: ""}
                break
    for archive in _archives(data_set, folder) if left else ():
        inside = {path: data_set.inside(path) for path in left}
        names = _archive_names(data_set, archive)
        held = {path: name for path, name in inside.items() if name in names}
        left = [path for path in left if path not in held]
        if held:
            yield archive, held


def _archive_names(data_set: DataSet, archive: Path) -> frozenset[str]:
    """Return the files in an archive; remembered, since listing a tar means unpacking all of it."""
    state = archive.stat()
    try:
        return _listing(archive, state.st_mtime_ns, state.st_size)
    except DAMAGE as error:
        raise _damaged(data_set, archive, error) from error


@lru_cache(maxsize=16)
def _listing(archive: Path, modified: int, size: int) -> frozenset[str]:
    if archive.suffix == ".zip":
        with zipfile.ZipFile(archive) as packed:
            return frozenset(packed.namelist())
    with tarfile.open(archive) as unpacked:
        return frozenset(item.name.removeprefix("./") for item in unpacked if item.isfile())


def _read(data_set: DataSet, place: Path, inside: dict[str, str]) -> dict[str, Content]:
    """Read files from one place; members of an archive in one pass. Members it lacks are left out."""
    try:
        if "" in inside.values():
            (path,) = inside
            data = gzip.decompress(place.read_bytes()) if place.suffix == ".gz" else place.read_bytes()
            return {path: Content(path, str(place), data)}
        wanted = {name: path for path, name in inside.items()}
        contents = {}
        if place.suffix == ".zip":
            with zipfile.ZipFile(place) as packed:
                for name in wanted.keys() & set(packed.namelist()):
                    contents[name] = packed.read(name)
        else:
            with tarfile.open(place) as unpacked:
                for item in unpacked:
                    name = item.name.removeprefix("./")
                    stream = unpacked.extractfile(item) if name in wanted and item.isfile() else None
                    if stream is not None:
                        contents[name] = stream.read()
                    if len(contents) == len(wanted):
                        break
    except DAMAGE as error:
        raise _damaged(data_set, place, error) from error
    return {wanted[name]: Content(wanted[name], f"{place}!{name}", data) for name, data in contents.items()}


def _damaged(data_set: DataSet, place: Path, error: Exception) -> DataError:
    return DataError(
        f"{data_set.name}: {place} cannot be read ({error}); it is truncated or not the file its name says. "
        f"Delete it. {_advice(data_set)}"
    )


def _not_found(data_set: DataSet, path: str) -> DataError:
    places = " and ".join(str(folder) for folder in search_folders(data_set.name))
    return DataError(f"{data_set.name}: {path} not found in {places}. {_advice(data_set)}")


def _advice(data_set: DataSet) -> str:
    """Say how to provide the data set by hand."""
    folder = f"{os.environ.get('ATTNLIB_DATA') or '$ATTNLIB_DATA'}/{data_set.name}"
    if data_set.how:
        return f"{data_set.how} Put the files into {folder}."
    return f"Get {data_set.address} and put it, packed or unpacked, into {folder}."


def _check(data_set: DataSet, member: Member, content: Content) -> None:
    if not member.matches(content.data):
        expected = f"sha256 {member.sha256}" if member.sha256 else f"git blob {member.git_blob}"
        raise DataError(
            f"{data_set.name}: {content.where} is not the official file: expected {expected}, found sha256 "
            f"{content.sha256} ({len(content.data)} bytes). Delete it and get {data_set.address} again, or, "
            f"if you edited it on purpose, load with verify=False."
        )


def _download(data_set: DataSet, verify: bool, member: Member | None = None) -> Path:
    """Fetch the official archive, or one file, into the cache and return its path.

    Nothing is left behind on failure.
    """
    try:
        import pooch
        import tqdm  # noqa: F401  (pooch's progress bar)
    except ImportError as error:
        raise DataError(
            f"{data_set.name}: files not found here; to download them: pip install 'attnlib[data]'. "
            f"Or: {_advice(data_set)}"
        ) from error
    mirror = os.environ.get("ATTNLIB_DATA_URL")
    file = member.path if member else data_set.archive
    official = member.url if member and member.url else data_set.address
    address = f"{mirror.rstrip('/')}/{file}" if mirror else official
    target = cache_folder() / data_set.name / file
    # A mirror may have repacked the archive; the members' checksums decide there.
    known_hash = data_set.archive_hash if verify and not mirror and not member else None
    folder = None
    # Its only messages here are "downloading" and advice on hashes that this module gives itself.
    pooch.get_logger().setLevel("WARNING")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        # Inside the cache, so that the last step is a rename on one file system.
        folder = Path(tempfile.mkdtemp(prefix=".download-", dir=target.parent))
        fetched = Path(
            pooch.retrieve(
                address,
                known_hash=known_hash,
                fname=target.name,
                path=folder,
                downloader=pooch.HTTPDownloader(progressbar=sys.stderr.isatty(), timeout=60),
            )
        )
        _accept(data_set, fetched, verify, member)
        os.replace(fetched, target)
    except (OSError, ValueError) as error:
        raise DataError(
            f"{data_set.name}: download of {address} failed, nothing was kept: {error}. Try again, set "
            f"ATTNLIB_DATA_URL to the address of a mirror, or: {_advice(data_set)}"
        ) from error
    finally:
        if folder is not None:
            shutil.rmtree(folder, ignore_errors=True)
    return target


def _accept(data_set: DataSet, fetched: Path, verify: bool, member: Member | None) -> None:
    """Raise DataError unless a download is what it should be."""
    if member:
        contents = _read(data_set, fetched, {member.path: ""})
    else:
        names = _archive_names(data_set, fetched)
        held = {m.path: data_set.inside(m.path) for m in data_set.members}
        contents = _read(data_set, fetched, {path: name for path, name in held.items() if name in names})
        if data_set.folders:
            for _ in _walk(data_set, fetched, data_set.folders, verify):
                pass
        elif not contents:
            raise DataError(f"the archive holds none of the {len(data_set.members)} files of {data_set.name}")
    if verify:
        for path, content in contents.items():
            _check(data_set, data_set.member(path), content)
