"""What all families of models share: a plan, the trained model in the cache, and what was read from it."""

import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field
from functools import cached_property, partial
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from attnlib import explain, readouts
from attnlib.cache import cache_folder, digest, file_name, remember
from attnlib.cache.sources import function_digest
from attnlib.cache.tensors import checksum, load_model, load_tensors, save_model, save_tensors
from attnlib.checks import check_at_least, one_of, shown
from attnlib.data.corpus import Split
from attnlib.readout import Head, Readout
from attnlib.readouts import Recorded
from attnlib.training.fit import Recipe, Row, fit
from attnlib.training.metrics import metrics

# Columns of a Readout that are 0 off the mask, and kept on it alone.
PACKED = ("alpha", "scores")


@dataclass(frozen=True, kw_only=True, repr=False)
class Plan:
    """A model that is about to be trained.

    settings: everything that decides it; they name it in the cache. name: what tables call it: dataset,
    encoder, scorer, seed, variant, vectors. device: where it is, "cpu" or "cuda". recipe: makes that of its
    training. predict: class probabilities [N, C] of a split. reading: of some texts, what reads their
    Readout, a partial of the function that does. head: of the model, as Readouts have it. request: the
    arguments that made the plan.
    """

    corpus: Any  # Corpus, or SceneCorpus
    model: Any  # of the family's own class
    settings: dict[str, Any]
    name: dict[str, Any]
    device: str
    recipe: Callable[[], Recipe]
    predict: Callable[[Any], np.ndarray]
    reading: Callable[[Split], Callable[[], Readout]] | None = None
    head: Callable[[Any], Head | None] = lambda model: None
    request: dict[str, Any] = field(default_factory=dict)

    def __repr__(self) -> str:
        told = ", ".join(f"{key}={value!r}" for key, value in self.name.items())
        return f"{type(self).__name__}({told})"


@dataclass(frozen=True, kw_only=True, repr=False)
class Trained(Plan):
    """A trained model, what decided it, and the test texts under analysis.

    test_metrics: on the whole test split. history: one row per training epoch. began: when the analysis did,
    in seconds of `time.perf_counter`.
    """

    texts: Any
    test_metrics: Row
    history: list[Row]
    began: float

    def __repr__(self) -> str:
        return f"{super().__repr__()[:-1]}; {len(self.texts)} texts)"


@dataclass(frozen=True, kw_only=True, repr=False)
class Prepared(Trained):
    """What an experiment on attention works on: the Readout of `texts`, in their order.

    kept: whether Readouts go to the cache. recorded: of a run that was not trained here, what is known of it
    (`attnlib.prepare.recorded`): such a run has ids, labels and lengths of texts, and neither words nor a
    model; whoever asks for them gets a ValueError that says so.
    """

    readout: Readout
    kept: bool = True
    recorded: Recorded | None = None

    @cached_property
    def readouts(self) -> dict[str, Readout]:
        """The Readouts of the whole splits train, dev and test, by name; read when first asked for."""
        return {name: read(self, split, self.kept) for name, split in self.corpus.splits.items()}

    @cached_property
    def trained(self) -> explain.Trained:
        """What `attnlib.explain` takes, and, in its parts, `faithfulness.removals(*run.trained)`."""
        return explain.Trained(self.model, self.texts, self.corpus.vocabulary, self.readout, self.device)

    def scores(self, name: str) -> Tensor:
        """Scores of tokens that need the encoder, [N, T] float64, 0 beyond the text: recorded or computed.

        name: "gradient" or "leave_one_out", after Jain & Wallace (NaN for the latter's one-token texts), or a
        method of `attnlib.explain`. ValueError for one that is unknown, or was not recorded.
        """
        if self.recorded is not None:
            one_of("recorded scores", name, self.recorded.scores)
            return self.recorded.scores[name].double()
        measures = {"gradient": explain.gradient_times_embedding, "leave_one_out": explain.leave_one_out}
        one_of("scores", name, (*measures, *explain.METHODS))
        if name in explain.METHODS:
            return explain.explain(self.trained, [name])[name]
        found = measures[name](self.model, self.texts, self.corpus.vocabulary, device=self.device)
        return found.masked_fill(~self.readout.mask, 0)

    def readable(self) -> Recorded:
        """Texts with their words, as this model reads them: its own, or, of a recorded run, the book's.

        A data set's texts are not for everyone to show; the book has sentences of its own, and the model's
        Readout of them is recorded beside that of the data set.
        """
        if self.recorded is not None:
            model = readouts.named(self.recorded.facts["request"]) | {"dataset": "sentences"}
            return readouts.load(**model, device=self.device)
        return Recorded(self.readout, tuple(self.texts.ids), self.texts.labels, words=tuple(self.texts.texts))

    def frame(self, **columns: Any) -> pd.DataFrame:
        """One row per text: text (its id), predicted, label, length, max_attention, and the given columns.

        Columns are sequences or tensors [N].
        """
        names = np.array(self.corpus.class_names, dtype=object)
        own = {
            "text": list(self.texts.ids),
            "predicted": names[self.readout.predictions().cpu().numpy()],
            "label": names[self.texts.labels],
            "length": self.readout.mask.sum(dim=1),
            "max_attention": self.readout.alpha.amax(dim=1),
        }
        cells = (own | columns).items()
        arrays = {name: x.detach().cpu().numpy() if isinstance(x, Tensor) else x for name, x in cells}
        return pd.DataFrame(arrays)


def resolve_device(device: str) -> str:
    """ "auto" is CUDA where there is one, else the CPU. ValueError for a device that is not there."""
    if device == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    try:
        kind = torch.device(device).type
    except (RuntimeError, TypeError):
        raise ValueError(f"unknown device {shown(device)}: give 'cpu', 'cuda' or 'auto'") from None
    if kind == "cuda" and not torch.cuda.is_available():
        raise ValueError("device is 'cuda', but PyTorch sees no GPU here: give 'cpu' or 'auto'")
    return device


def chosen(**settings: Any) -> dict[str, Any]:
    """The settings that were given: those that are not None."""
    return {name: value for name, value in settings.items() if value is not None}


def sizes_given(**sizes: int | None) -> dict[str, int]:
    """The sizes that were given; ValueError by name for one too small: a convolution has hidden/4 filters."""
    for name, size in (given := chosen(**sizes)).items():
        check_at_least(name, size, 4 if name == "hidden" else 1)
    return given


def decided(
    corpus: Any, architecture: Any, training: Any, device: str, code: Iterable[Callable], **more: Any
) -> dict[str, Any]:
    """Everything that decides a model. code: the functions whose sources do; more: what its family adds."""
    return {
        "dataset": corpus.name,
        "data": corpus.checksum,
        "architecture": asdict(architecture),
        "training": asdict(training),
        **more,
        "device": torch.device(device).type,
        "torch": torch.__version__,
        "code": function_digest(*code),
    }


def train_once(plan: Plan, progress: bool = True) -> tuple[list[Row], Row]:
    """Fill the plan's model from the cache, or train it and put it there; its history and test metrics.

    What is damaged in the cache is trained again. Two processes that ask for one model train it once.
    """
    path = cache_folder() / "models" / f"{file_name(plan.corpus.name)}-{digest(plan.settings)}.safetensors"

    def make() -> dict[str, Any]:
        history = fit(plan.recipe(), progress)
        return {"history": history, "test_metrics": tested(plan), "settings": plan.settings}

    known = remember(path, make, partial(save_model, plan.model), partial(load_model, plan.model))
    plan.model.to(plan.device).eval()
    return known["history"], known["test_metrics"]


def tested(plan: Plan) -> Row:
    """Metrics of the plan's model, as it is, on the whole test split."""
    return metrics(plan.corpus.test.labels, plan.predict(plan.corpus.test))


def read(plan: Plan, texts: Split, kept: bool = True) -> Readout:
    """The Readout of some texts: from the cache, or read from the trained model and put there.

    What names the file: the settings, the model's parameters (training again need not give the same bits),
    what the texts say, and the code that reads. From the cache it has the same bits. In a read-only cache
    it is read and not kept. kept: False reads it now and keeps nothing.
    """
    assert plan.reading is not None
    reading, head = plan.reading(texts), plan.head(plan.model)
    if not kept:
        return reading()
    said = (texts.texts, texts.questions, texts.candidates, texts.sentences, texts.attention)
    known = {
        "settings": plan.settings,
        "parameters": checksum({name: x.detach().cpu() for name, x in plan.model.state_dict().items()}, {}),
        "texts": [column and list(column) for column in said],
        "code": function_digest(reading),
    }
    path = cache_folder() / "readouts" / f"{file_name(plan.corpus.name)}-{digest(known)}.safetensors"
    return remember(path, reading, save, partial(load, head=head, device=plan.device), optional=True)


def save(path: Any, readout: Readout) -> None:
    """Write a Readout without its head, which belongs to the model: a function cannot be stored."""
    columns = {name: getattr(readout, name) for name in ("bias", "mask", "offset", "allowed")}
    columns |= {name: getattr(readout, name)[readout.mask] for name in PACKED}
    save_tensors(path, chosen(**columns), {"format": "attnlib.prepare"})


def load(path: Any, head: Head | None, device: str) -> Readout:
    """What `save` wrote, bit for bit. ValueError when the file is something else, or damaged."""
    tensors, _ = load_tensors(path)
    try:
        for name in PACKED:
            tensors[name] = readouts.laid_out(tensors[name], tensors["mask"])
        return Readout(**{name: column.to(device) for name, column in tensors.items()}, head=head)
    except (ValueError, KeyError, TypeError, RuntimeError, IndexError) as error:
        raise ValueError(f"{path} is no Readout of the cache: {error!r}") from error


def prepared(
    plan: Callable[..., Plan], *model: Any, limit: int | None, progress: bool, **model_settings: Any
) -> Prepared:
    """What an experiment works on: a planned model, trained or from the cache, and what it reads."""
    began, planned = time.perf_counter(), plan(*model, **model_settings)
    texts = planned.corpus.test.sample(limit, planned.name["seed"])
    return analysed(planned, texts, began, progress)


def trained(
    plan: Plan, texts: Any, began: float, progress: bool = True, history: list[Row] | None = None
) -> Trained:
    """A planned model, trained or from the cache, with the texts under analysis.

    history: of a model in training, which is taken as it is.
    """
    past, scores = train_once(plan, progress) if history is None else (history, tested(plan))
    return Trained(**vars(plan), texts=texts, test_metrics=scores, history=past, began=began)


def analysed(
    plan: Plan, texts: Split, began: float, progress: bool = True, history: list[Row] | None = None
) -> Prepared:
    """The same and its Readout of the texts; nothing of a model in training is kept."""
    run, kept = trained(plan, texts, began, progress, history), history is None
    return Prepared(**vars(run), readout=read(run, texts, kept), kept=kept)
