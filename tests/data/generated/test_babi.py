from collections import Counter, namedtuple

import numpy as np
import pytest
from scipy.stats import ks_2samp

from attnlib.data import files, load
from attnlib.data.generated.babi import generate
from attnlib.data.sets import questions as babi

WORDS = {1: 20, 2: 34, 3: 35}


Question = namedtuple("Question", "statements text answer supporting")


def asked(lines):
    """The questions of stories with their statements so far and the numbers of the supporting ones."""
    for row in babi.read_babi(lines):
        ends = [i for i, token in enumerate(row.text) if token == "."]
        cuts = list(zip([0, *(end + 1 for end in ends)], [*ends, len(row.text)], strict=True))
        statements = [" ".join(row.text[a:b]) for a, b in cuts]
        supporting = [i for i, (a, _) in enumerate(cuts) if row.evidence[a]]
        yield Question(statements, " ".join(row.question), babi.ANSWERS[row.label], supporting)


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
    for question in asked(generate(task, 150, seed=4).splitlines()):
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
        assert any((words[-1] if task == 1 else words[3]) in fact for fact in facts)
        assert any(question.answer in fact for fact in facts)


@pytest.mark.parametrize("task", [1, 2, 3])
def test_corpus_has_the_official_form(task):
    corpus = load(f"babi{task}_generated", n_train=400, n_test=53)
    assert [len(split) for split in corpus.splits.values()] == [340, 60, 53]
    assert len(corpus.vocabulary.words) == WORDS[task]
    assert set(corpus.vocabulary.words) <= set(babi.ANSWERS)
    assert corpus.class_names == babi.ANSWERS
    assert {corpus.class_names[label] for label in corpus.train.labels} == set(babi.PLACES)


def test_same_seed_same_text_and_train_differs_from_test():
    assert generate(2, 50, seed=1) == generate(2, 50, seed=1)
    assert len({generate(2, 50, seed=seed) for seed in (-1, 0, 1)}) == 3
    corpus = load("babi2_generated", n_train=100, n_test=100)
    assert not set(corpus.train.texts) & set(corpus.test.texts)
    assert corpus.checksum != load("babi2_generated", n_train=100, n_test=100, seed=1).checksum
    # So on every machine: a change of the generator changes what was recorded with it.
    assert load("babi2_generated", n_train=20, n_test=10).checksum.startswith("c085cebe4f035b9d")


def test_unknown_tasks_and_no_questions_are_refused():
    for given, message in (((7, 10), "task 7; known: 1, 2, 3"), ((1, 0), "n_questions")):
        with pytest.raises(ValueError, match=message):
            generate(*given)


def measure(questions):
    """Distributions to compare: all per question, distances in statements from the question backwards."""
    return {
        "story": [len(q.statements) for q in questions],
        "tokens": [sum(len(s.split()) + 1 for s in q.statements) - 1 for q in questions],
        "question": [len(q.text.split()) for q in questions],
        "first fact": [len(q.statements) - min(q.supporting) for q in questions],
        "last fact": [len(q.statements) - max(q.supporting) for q in questions],
    }


@pytest.mark.slow
@pytest.mark.data("babi")
@pytest.mark.parametrize("task", [1, 2, 3])
def test_generator_is_close_to_the_official_files(task):
    path = f"{'en' if task == 3 else 'en-10k'}/{babi.TASKS[task]}_train.txt"
    lines = files.locate("babi", [path])[path].lines(), generate(task, 10_000, seed=0).splitlines()
    official, ours = (list(asked(told)) for told in lines)

    # Order of the supporting facts: pick-up or put-down first, then moves.
    def orders(told):
        facts = [list(map(int, line.rpartition("\t")[2].split())) for line in told if "\t" in line]
        counts = Counter(tuple(np.argsort(numbers).tolist()) for numbers in facts)
        return {order: count / len(facts) for order, count in counts.items()}

    theirs, mine = map(orders, lines)
    assert mine == pytest.approx(theirs, abs=0.04)

    def words(questions):
        counts = Counter(w for q in questions for s in (*q.statements, ".", q.text) for w in s.split())
        return {word: count / counts.total() for word, count in counts.items()}

    assert words(ours) == pytest.approx(words(official), abs=0.012)
    assert {q.answer for q in official} == {q.answer for q in ours} == set(babi.PLACES)

    real, made = measure(official), measure(ours)
    # Questions of a story are not independent; .05-.07 is the spread between official files of 1,000.
    limit = 0.08 if task == 3 else 0.04
    assert all(ks_2samp(real[name], made[name]).statistic < limit for name in real)
    assert abs(np.mean(made["tokens"]) / np.mean(real["tokens"]) - 1) < 0.06
