"""A simulator of bAbI tasks 1-3 that writes the official text format.

Four people walk between six places and, in tasks 2 and 3, pick up and put down three objects. The rules below
were inferred from the official files and reproduce them closely: vocabulary, answers, story lengths, spacing
of questions and positions of supporting facts. No text is copied; the corpus needs no file.
"""

from dataclasses import dataclass, field, replace

from attnlib.checks import check_at_least
from attnlib.data.corpus import Corpus
from attnlib.data.generated import drawing
from attnlib.data.generated.drawing import Draw
from attnlib.data.sets.questions import ACTORS, DROPS, GETS, MOVES, OBJECTS, PLACES, babi

QUESTIONS_PER_STORY = 5
STATEMENTS_PER_ROUND = 2  # a question may follow every second statement
WINDOW = 5  # questions are about someone or something mentioned in the last five statements
THERE = 0.2  # share of "... there." where it is optional

Move = tuple[int, str]  # line on which it is told, and the place


@dataclass
class _Carry:
    """An object's last journey: by whom, since which line, and how it ended."""

    actor: str
    got: int
    dropped: int | None = None  # line of the put-down, None while held
    end: Move | None = None  # at the put-down: the carrier's last told move
    moves: list[Move] = field(default_factory=list)  # the carrier's since the pick-up


class _Story:
    """The simulated world, and the lines told so far."""

    def __init__(self, task: int, draw: Draw) -> None:
        self.task, self.draw = task, draw
        self.actor_at = {actor: draw.one(PLACES) for actor in ACTORS}
        self.object_at = {thing: draw.one(PLACES) for thing in OBJECTS}
        self.lines: list[str] = []
        self.subjects: list[str | None] = []  # whom or what each statement allows to ask about
        self.last_move: dict[str, Move] = {}  # told moves only
        self.last_carry: dict[str, _Carry] = {}

    @property
    def next_line(self) -> int:
        return len(self.lines) + 1

    def holder(self, thing: str) -> str | None:
        carry = self.last_carry.get(thing)
        return carry.actor if carry and carry.dropped is None else None

    def tell(self, statement: str, subject: str | None) -> None:
        self.lines.append(f"{self.next_line} {statement}.")
        self.subjects.append(subject)

    def move(self, actor: str) -> None:
        """Tell of an actor's move to another place; task 1 asks about it."""
        place = self.draw.one(PLACES, but=self.actor_at[actor])
        self.actor_at[actor] = place
        self.last_move[actor] = (self.next_line, place)
        for thing, carry in self.last_carry.items():
            if self.holder(thing) == actor:
                carry.moves.append(self.last_move[actor])
        self.tell(f"{actor} {self.draw.one(MOVES)} the {place}", actor if self.task == 1 else None)

    def act(self) -> None:
        """Tell one possible action: each actor's move, pick-up and put-down is as likely as any other."""
        actions: list[tuple[str, str | None]] = [(actor, None) for actor in ACTORS]
        for thing in OBJECTS if self.task > 1 else ():
            holder = self.holder(thing)
            here = [actor for actor in ACTORS if self.actor_at[actor] == self.object_at[thing]]
            actions += [(actor, thing) for actor in ([holder] if holder else here)]
        actor, target = self.draw.one(actions)
        if target is None:
            self.move(actor)
            return
        there = " there" if self.draw.share() < THERE else ""
        if self.holder(target):
            carry, verbs = self.last_carry[target], DROPS
            carry.dropped, carry.end = self.next_line, self.last_move.get(actor)
            self.object_at[target] = self.actor_at[actor]
        else:
            self.last_carry[target], verbs = _Carry(actor, self.next_line), GETS
            # Task 2 of the official files says "there" at every pick-up.
            there = " there" if self.task == 2 else there
        self.tell(f"{actor} {self.draw.one(verbs)} the {target}{there}", target)

    def question(self, subject: str) -> str | None:
        """Return question, answer and supporting facts; None if what was told does not settle the answer."""
        if self.task == 1:
            line, place = self.last_move[subject]
            return f"Where is {subject}? \t{place}\t{line}"
        carry = self.last_carry[subject]
        first = carry.got if carry.dropped is None else carry.dropped
        if self.task == 2:
            # Held: the official files ask only once the carrier has moved since the pick-up.
            held = carry.moves[-1] if carry.moves else None
            end = held if carry.dropped is None else carry.end
            return end and f"Where is the {subject}? \t{end[1]}\t{first} {end[0]}"
        if len(carry.moves) < 2:
            return None
        (line_before, before), (line_now, now) = carry.moves[-2:]
        return f"Where was the {subject} before the {now}? \t{before}\t{first} {line_now} {line_before}"

    def ask(self) -> bool:
        """Ask about the subject of a recent statement; returns whether there is a question to ask."""
        asked = [self.question(subject) for subject in self.subjects[-WINDOW:] if subject]
        askable = [question for question in asked if question]
        if askable:
            self.lines.append(f"{self.next_line} {self.draw.one(askable)}")
        return bool(askable)


def generate(task: int, n_questions: int, seed: int = 0) -> str:
    """Return stories of task 1, 2 or 3 with `n_questions` questions in all, in the official text format.

    Five questions a story; the last story ends early if n_questions is no multiple of five. The same seed
    gives the same text on every machine. Raises ValueError for an unknown task or n_questions below 1.

    >>> generate(1, 1, seed=1).splitlines()[:2]
    ['1 Sandra went to the kitchen.', '2 Daniel travelled to the office.']
    """
    if task not in (1, 2, 3):
        raise ValueError(f"unknown bAbI task {task!r}; known: 1, 2, 3")
    check_at_least("n_questions", n_questions, 1)
    draw = Draw(f"babi {task} {seed}")
    lines: list[str] = []
    for done in range(0, n_questions, QUESTIONS_PER_STORY):
        story = _Story(task, draw)
        left = min(QUESTIONS_PER_STORY, n_questions - done)
        while left:
            for _ in range(STATEMENTS_PER_ROUND):
                story.act()
            left -= story.ask()
        lines += story.lines
    return "\n".join(lines) + "\n"


def load(task: int, n_train: int = 10_000, n_test: int = 1_000, seed: int = 0) -> Corpus:
    """Return a generated corpus of task 1, 2 or 3, cut like the official one: 15 % of n_train become dev.

    Raises ValueError for an unknown task, n_train below 2 or n_test below 1.
    """
    # Dev is taken out of train.
    check_at_least("n_train", n_train, 2)
    check_at_least("n_test", n_test, 1)
    # Distinct streams for the two files, whatever the seed.
    streams = {"train": (n_train, 2 * seed), "test": (n_test, 2 * seed + 1)}
    lines = {part: generate(task, *stream).splitlines() for part, stream in streams.items()}
    settings = {"task": task, "n_train": n_train, "n_test": n_test, "seed": seed}
    made_by = f"{__name__}, after bAbI tasks 1-3"
    origin = drawing.about("babi_generated", made_by, settings)["provenance"]
    origin["citation"] = "format and tasks: Weston et al. 2015"
    return replace(babi(f"babi{task}_generated", lines, {}), provenance=origin)
