"""The data sets there are: where each comes from, its files and checksums, its licence and citation.

`attnlib.data.registry` finds, fetches and checks the files named here.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass


@dataclass(frozen=True)
class Member:
    """One file of a data set: path inside the official archive and its checksum.

    sha256 is of the file's content, decompressed. Where only the git blob id (SHA-1) of the official file is
    known, that is checked instead; where neither is known, nothing is. url: where a file is to be had that is
    in no archive. official: False for a file that the official archive does not hold.
    """

    path: str
    sha256: str | None = None
    git_blob: str | None = None
    url: str | None = None
    official: bool = True

    @property
    def has_checksum(self) -> bool:
        """Whether `matches` can tell."""
        return self.sha256 is not None or self.git_blob is not None

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
    of the same files that are accepted; archive_hash and size (bytes) are the official archive's, such as
    ``md5:5c3b…``; None where not known. An empty `archive` means single files. `how`: what to do by hand to
    get a set that cannot be downloaded.

    `mirrors`: further addresses of the archive, tried in order after the official one. One that ends in ``/``
    is a folder: the name of the archive, or of a single file, is added.
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
    mirrors: tuple[str, ...] = ()
    size: int | None = None

    @property
    def downloaded_whole(self) -> bool:
        """Whether the set is downloaded as its archive; else its single files are, those with a url."""
        return bool(self.archive) and not self.how

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
    # The copy that the examples of Keras use.
    mirrors=("https://s3.amazonaws.com/text-datasets/babi_tasks_1-20_v1-2.tar.gz",),
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
    size=84125825,
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
    # The copy that scikit-learn uses.
    mirrors=("https://ndownloader.figshare.com/files/5975967",),
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
    size=94550081,
    root="snli_1.0",
    members=(
        # No checksums of the single files are recorded; a download is checked by that of the archive.
        Member("snli_1.0_train.jsonl"),
        Member("snli_1.0_dev.jsonl"),
        Member("snli_1.0_test.jsonl"),
        Member(
            "validation.tsv",
            "dc3cdacf1cef526dccd5ca58fb195b66f249c9b15dff0d46ff0d4d138e1e1e4d",
            official=False,
        ),
        Member(
            "test.tsv", "c56822451475e7dccf12cd2e68676fa1ccb0ac8c8d9b751c01915003712bb202", official=False
        ),
        Member(
            "train_subset_18k.tsv",
            "f1bca476f3011e031e634862b2a42294a1e5bcd6187daae82b1187f529d60613",
            official=False,
        ),
        Member(
            "train_subset_2k.tsv",
            "89d5aa158b10c3212c6f1c59e3996327e7c6ee6ea83da2527c99ee5a4817326a",
            official=False,
        ),
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

YAHOO = DataSet(
    name="yahoo",
    title="Yahoo! Answers, ten topics",
    base="https://webscope.sandbox.yahoo.com/catalog.php?datatype=l",
    archive="",
    packed=("yahoo_answers_csv.tar.gz", "yahoo_answers_csv.tgz"),
    root="yahoo_answers_csv",
    members=(
        Member("FullOct2007.xml.part1"),
        Member("FullOct2007.xml.part2"),
        Member("FullOct2007.xml"),
        Member("train.csv"),
        Member("test.csv"),
    ),
    licence="may not be shared: Yahoo! Webscope data sharing agreement",
    citation=(
        "Zhang, Zhao & LeCun 2015, Character-level Convolutional Networks for Text Classification, NIPS"
    ),
    how=(
        "Ask Yahoo! Webscope for data set L6 (FullOct2007.xml.part1.gz and part2.gz, packed or not), or take "
        "train.csv and test.csv of the archive yahoo_answers_csv.tar.gz by Zhang et al., whose address is at "
        "https://github.com/zhangxiangxiao/Crepe. Public stand-ins are '20news' and 'agnews_topics'."
    ),
)

IMDB10 = DataSet(
    name="imdb10",
    title="IMDB reviews with ratings 1 to 10, JMARS",
    base="https://dl.acm.org/doi/10.1145/2623330.2623758",
    archive="",
    root="",
    members=(Member("data.json"),),
    licence="no explicit licence; research use, cite",
    citation=(
        "Diao et al. 2014, Jointly Modeling Aspects, Ratings and Sentiments for Movie Recommendation "
        "(JMARS), KDD"
    ),
    how=(
        "Ask the authors of the paper for data.json: one JSON array, or one object a line, of reviews with "
        "the fields rating and review. A public stand-in is the data set 'imdb_ratings'."
    ),
)

_CREPE = (
    "whose address is at https://github.com/zhangxiangxiao/Crepe: the archive, or train.csv and test.csv, "
    "packed or not."
)
AMAZON_FULL = DataSet(
    name="amazon_full",
    title="Amazon reviews with 1 to 5 stars",
    base="https://github.com/zhangxiangxiao/Crepe",
    archive="",
    packed=("amazon_review_full_csv.tar.gz", "amazon_review_full_csv.tgz"),
    root="amazon_review_full_csv",
    members=(Member("train.csv"), Member("test.csv")),
    licence="no explicit licence; research use, cite",
    citation=(
        "McAuley et al. 2013, Hidden Factors and Hidden Topics: Understanding Rating Dimensions with "
        "Review Text, RecSys; Zhang, Zhao & LeCun 2015, Character-level Convolutional Networks for Text "
        "Classification, NIPS"
    ),
    how=(
        f"Get amazon_review_full_csv.tar.gz by Zhang et al., {_CREPE} A public stand-in is the data set "
        "'amazon_multidomain'."
    ),
)

YELP_FULL = DataSet(
    name="yelp_full",
    title="Yelp reviews with 1 to 5 stars",
    base="https://github.com/zhangxiangxiao/Crepe",
    archive="",
    packed=("yelp_review_full_csv.tar.gz", "yelp_review_full_csv.tgz"),
    root="yelp_review_full_csv",
    members=(Member("train.csv"), Member("test.csv")),
    licence="may not be shared: Yelp Dataset terms of use",
    citation=(
        "Zhang, Zhao & LeCun 2015, Character-level Convolutional Networks for Text Classification, NIPS"
    ),
    how=(
        f"Get yelp_review_full_csv.tar.gz by Zhang et al., {_CREPE} Public stand-ins are 'imdb_ratings' and "
        "'amazon_multidomain'."
    ),
)

MRPC = DataSet(
    name="mrpc",
    title="Microsoft Research Paraphrase Corpus",
    base="https://www.microsoft.com/en-us/download/details.aspx?id=52398",
    archive="",
    root="",
    members=(
        # No checksums of the official files are recorded.
        Member("msr_paraphrase_train.txt"),
        Member("msr_paraphrase_test.txt"),
        Member("msr-para-train.tsv", "446b9a5fa4e8d526b99f1d635f036f89063749783f5d3464ee8c1879724d406d"),
        Member("msr-para-val.tsv", "7e5d0ee4ec392b062af73c7cffe82f0725e5b08f6bfdf0915f31bbc470b8bacf"),
        Member("msr-para-test.tsv", "51a1f197d8786712d2f0d97700f5be653b7488a96cde00e158159350d23e3d90"),
    ),
    licence="Microsoft Research Shared Source licence: non-commercial, to be passed on with the licence only",
    citation=(
        "Dolan & Brockett 2005, Automatically Constructing a Corpus of Sentential Paraphrases, International "
        "Workshop on Paraphrasing"
    ),
    how=(
        "Get msr_paraphrase_train.txt and msr_paraphrase_test.txt from "
        "https://www.microsoft.com/en-us/download/details.aspx?id=52398."
    ),
)

QQP = DataSet(
    name="qqp",
    title="Quora Question Pairs, as in GLUE",
    base="https://gluebenchmark.com/tasks",
    archive="",
    packed=("QQP-clean.zip", "QQP.zip"),
    root="QQP",
    members=(Member("train.tsv"), Member("dev.tsv")),
    licence="may not be shared: Quora's terms of service, non-commercial",
    citation=(
        "Iyer, Dandekar & Csernai 2017, First Quora Dataset Release: Question Pairs; Wang et al. 2019, "
        "GLUE: A Multi-Task Benchmark and Analysis Platform for Natural Language Understanding, ICLR"
    ),
    how=(
        "Get the task QQP, QQP-clean.zip (train.tsv, dev.tsv), from https://gluebenchmark.com/tasks. A "
        "public stand-in is the data set 'mrpc'."
    ),
)

AMAZON_MULTIDOMAIN = DataSet(
    name="amazon_multidomain",
    title="Multi-Domain Sentiment Dataset, labelled Amazon reviews of four kinds of product",
    base="https://www.cs.jhu.edu/~mdredze/datasets/sentiment",
    archive="domain_sentiment_data.tar.gz",
    packed=("sorted_data_acl_labelled.tar.xz",),
    root="sorted_data_acl",
    members=(
        Member("books/negative.review", "562c58de7f739c9af2d62377ea2253ff73e89f69c84a332088f341cdb0e09660"),
        Member("books/positive.review", "24323836c9ce9601ac43b7ab45fff1ac9b82efda02f1269bf3e8cdc4b019a99a"),
        Member("dvd/negative.review", "de1b539d29dc7edfbabf0ca4b1bce4e296d486533f3730012e4b49e36e762fa3"),
        Member("dvd/positive.review", "fcf5207f79aa8af4910b5793c15fe90f25eb39501f9f4bdbd8f60a817224e28d"),
        Member(
            "electronics/negative.review", "571287120d63e289753231804f33169b2ec4348ca6d24fa0d781a3a08e6376ff"
        ),
        Member(
            "electronics/positive.review", "98daefad1056ec8d98fe910bdb50ae282695b9c2b89c2bc1513b9d2203b38a11"
        ),
        Member(
            "kitchen_&_housewares/negative.review",
            "0ad1fa1f4539b47933fcef01be674b1246d1dc01403197c1439004cbaf4b543e",
        ),
        Member(
            "kitchen_&_housewares/positive.review",
            "90ebec2b5a6ac040e16836c32b8efbd92ce98804b916c6367f7ade3b8d536798",
        ),
    ),
    licence="no explicit licence; research use, cite",
    citation=(
        "Blitzer, Dredze & Pereira 2007, Biographies, Bollywood, Boom-boxes and Blenders: Domain Adaptation "
        "for Sentiment Classification, ACL"
    ),
)

DATA_SETS: dict[str, DataSet] = {
    data_set.name: data_set
    for data_set in (
        SST,
        BABI,
        IMDB,
        NEWS20,
        AG_NEWS,
        ADE,
        ADR,
        SNLI,
        CNN,
        MIMIC3,
        YAHOO,
        IMDB10,
        AMAZON_FULL,
        YELP_FULL,
        AMAZON_MULTIDOMAIN,
        MRPC,
        QQP,
    )
}

# Names of `load` and `load_scenes` that read the files of a set of another name.
SET_OF: dict[str, str] = {
    "sst5": "sst",
    "20news_sports": "20news",
    "20news20": "20news",
    "agnews": "ag_news",
    "agnews_subset": "ag_news",
    "agnews4": "ag_news",
    "agnews4_subset": "ag_news",
    "agnews_topics": "ag_news",
    "ade": "ade_corpus_v2",
    "diabetes": "mimic3",
    "anemia": "mimic3",
    "snli_subset": "snli",
    "yelp5": "yelp_full",
    "babi1": "babi",
    "babi2": "babi",
    "babi3": "babi",
    "imdb_ratings": "imdb",
}


def own_files(name: str) -> bool:
    """Whether a data set, or a corpus of that name, may be made of files that no checksum holds fast."""
    found = DATA_SETS.get(SET_OF.get(name, name))
    return found is not None and not all(member.has_checksum for member in found.members)
