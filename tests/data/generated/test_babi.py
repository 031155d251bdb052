import os
from collections import Counter

import numpy as np
import pytest
from scipy.stats import ks_2samp

from attnlib.data import load
from attnlib.data.generated.babi import generate
from attnlib.data.sets import babi

ROOT = os.environ.get("ATTNLIB_DATA")
needs_data = pytest.mark.skipif(not ROOT, reason="set ATTNLIB_DATA to a folder with the real data sets")

WORDS = {1: 20, 2: 34, 3: 35}


def follow(statements):
    """Read the statements one by one; return actors' places and each object's places, where known."""
    at, held, places = {}, {}, {}
    for statement in statements:
        words = statement.split()
        actor, thing = words[0], next((w for w in words if w in babi.OBJECTS), None)
        if thing is None:
            at[actor] = words[-1]
            for other, holder in held.items():
                if holder == actor:
                    places.setdefault(other, []).append(words[-1])
            continue
        if any(statement.startswith(f"{actor} {verb} the") for verb in babi.GETS):
            assert held.get(thing) is None, f"{statement}: somebody holds it"
            held[thing] = actor
        else:
            assert held[thing] == actor, f"{statement}: not held"
            held[thing] = None
        # A pick-up or put-down tells where the object is, if the actor's place was told.
        if actor in at:
            known = places.setdefault(thing, [])
            if held[thing] is None or known:
                assert not known or known[-1] == at[actor], f"{statement}: it is elsewhere"
            if not known or known[-1] != at[actor]:
                known.append(at[actor])
    return at, places


@pytest.mark.parametrize("task", [1, 2, 3])
def test_answers_follow_from_the_statements(task):
    for question in babi.parse(generate(task, 300, seed=4).splitlines(), "generated"):
        at, places = follow(question.statements)
        words = question.text.split()
        if task == 1:
            assert question.answer == at[words[-1]]
        elif task == 2:
            assert question.answer == places[words[-1]][-1]
        else:
            assert words[:3] == ["Where", "was", "the"]
            assert [question.answer, words[-1]] == places[words[3]][-2:]
        assert len(question.supporting) == task
        facts = [question.statements[i] for i in question.supporting]
        assert all((words[-1] if task == 1 else words[3]) in fact for fact in facts[:1])
        assert any(question.answer in fact for fact in facts)


@pytest.mark.parametrize("task", [1, 2, 3])
def test_corpus_has_the_official_form(task):
    corpus = load(f"babi{task}_generated", n_train=1000, n_test=103)
    assert [len(split) for split in corpus.splits.values()] == [850, 150, 103]
    assert len(corpus.vocabulary.words) == WORDS[task]
    assert set(corpus.vocabulary.words) <= set(babi.ANSWERS)
    assert corpus.class_names == babi.ANSWERS
    assert {corpus.class_names[label] for label in corpus.train.labels} == set(babi.PLACES)


def test_same_seed_same_text_and_train_differs_from_test():
    assert generate(2, 50, seed=1) == generate(2, 50, seed=1)
    assert len({generate(2, 50, seed=seed) for seed in (-1, 0, 1)}) == 3
    corpus = load("babi2_generated", n_train=200, n_test=200)
    assert not set(corpus.train.texts) & set(corpus.test.texts)
    assert corpus.checksum == load("babi2_generated", n_train=200, n_test=200).checksum
    assert corpus.checksum != load("babi2_generated", n_train=200, n_test=200, seed=1).checksum


@pytest.mark.parametrize(
    ("options", "message"),
    [({"n_train": 1}, "n_train"), ({"n_test": 0}, "n_test"), ({"n_train": 0}, "n_train")],
)
def test_sizes_out_of_range_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        load("babi1_generated", **{"n_train": 10, "n_test": 10, **options})
    with pytest.raises(ValueError, match="task 7"):
        generate(7, 10)
    with pytest.raises(ValueError, match="n_questions"):
        generate(1, 0)


def measure(questions):
    """Distributions to compare: all per question, distances in statements from the question backwards."""
    found = {"story": [], "tokens": [], "question": [], "first fact": [], "last fact": []}
    for q in questions:
        n = len(q.statements)
        found["story"].append(n)
        found["tokens"].append(sum(len(s.split()) + 1 for s in q.statements) - 1)
        found["question"].append(len(q.text.split()))
        found["first fact"].append(n - min(q.supporting))
        found["last fact"].append(n - max(q.supporting))
    return found


@pytest.mark.slow
@pytest.mark.data
@needs_data
@pytest.mark.parametrize("task", [1, 2, 3])
def test_generator_is_close_to_the_official_files(task):
    from attnlib.data import registry

    size = "en" if task == 3 else "en-10k"
    path = f"{size}/{babi.FILES[task]}_train.txt"
    official = babi.parse(registry.locate("babi", [path])[path].lines(), path)
    ours = babi.parse(generate(task, 10_000, seed=0).splitlines(), "generated")

    def words(questions):
        return Counter(w for q in questions for w in [*" . ".join(q.statements).split(), *q.text.split()])

    theirs, mine = words(official), words(ours)
    assert set(theirs) == set(mine)
    total, own = sum(theirs.values()), sum(mine.values())
    assert max(abs(theirs[w] / total - mine[w] / own) for w in theirs) < 0.012
    assert {q.answer for q in official} == {q.answer for q in ours} == set(babi.PLACES)

    # Order of the supporting facts: pick-up or put-down first, then moves.
    def orders(questions):
        counts = Counter(tuple(np.argsort(q.supporting).tolist()) for q in questions)
        return {order: count / len(questions) for order, count in counts.items()}

    assert orders(official).keys() == orders(ours).keys()
    assert all(abs(share - orders(ours)[order]) < 0.04 for order, share in orders(official).items())
    real, made = measure(official), measure(ours)
    # Questions of a story are not independent; .05-.07 is the spread between official files of 1,000.
    limit = 0.08 if task == 3 else 0.04
    for name in real:
        distance = ks_2samp(real[name], made[name]).statistic
        assert distance < limit, f"{name}: Kolmogorov-Smirnov distance {distance:.3f}"
    assert abs(np.mean(made["tokens"]) / np.mean(real["tokens"]) - 1) < 0.06
