"""A run from a recorded Readout: the numbers of a trained model where its data are not at hand."""

import inspect
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

import numpy as np

from attnlib import readouts
from attnlib.checks import one_of, shown
from attnlib.data import files
from attnlib.data.catalogue import DATA_SETS, SET_OF
from attnlib.data.corpus import Columns
from attnlib.prepare.run import Plan, Prepared, prepared, resolve_device

CHOICES = ("never", "only", "auto")


class Absent:
    """In place of what a recorded run lacks: whoever uses it is told why (ValueError).

    what: its name; known: attributes that it has all the same.
    """

    def __init__(self, what: str, **known: Any) -> None:
        self.__dict__.update(known, _what=what)

    def __getattr__(self, name: str) -> NoReturn:
        refuse(f"{self._what}.{name}")

    def __call__(self, *given: Any, **named: Any) -> NoReturn:  # noqa: D102
        refuse(self._what)


def refuse(what: str) -> NoReturn:
    """ValueError: a recorded run does not have this."""
    raise ValueError(
        f"run.{what}: this run is a recorded Readout, which has numbers of texts and neither their words nor "
        "the model. With recorded='never' the model is trained, for which the data set's files are needed"
    )


@dataclass(frozen=True, eq=False, repr=False)
class Texts(Columns):
    """The texts of a recorded run: ids, labels and lengths, int64 [N]; no words."""

    ids: tuple[str, ...]
    labels: np.ndarray
    lengths: np.ndarray

    def __getattr__(self, name: str) -> NoReturn:
        if name.startswith("__"):
            raise AttributeError(name)
        refuse(f"texts.{name}")


def recorded_or_prepared(choice: str, plan: Callable[..., Plan], *model: Any, **given: Any) -> Prepared:
    """The recorded Readout of a model that is about to be planned, or the model, trained or from the cache.

    choice: one of CHOICES; "auto" takes a recorded one where there is one and the files of the data are not
    at hand. plan, model and given: as `prepared` takes them. Raises NotRecorded, a ValueError, for "only"
    where there is none; for either ValueError where the file is there and wrong.
    """
    one_of("recorded", choice, CHOICES)
    return recorded_run(choice, plan, *model, **given) or prepared(plan, *model, **given)


def recorded_run(
    choice: str, plan: Callable[..., Plan], *model: Any, limit: int | None, progress: bool, **settings: Any
) -> Prepared | None:
    """The recorded Readout of that model; None where it is to be trained."""
    if choice == "never":
        return None
    bound = inspect.signature(plan).bind(*model, **settings)
    bound.apply_defaults()
    request = bound.arguments
    if choice == "auto" and here(request["dataset"]) and here(request["vectors"]):
        return None
    try:
        run = of_request(request, limit)
    except readouts.NotRecorded:
        if choice == "only":
            raise
        return None
    if progress:
        print(f"a recorded Readout, not a training: {run!r}", file=sys.stderr)
    return run


def here(name: str) -> bool:
    """Whether files of a data set, by a name of `attnlib.data.load`, are here; True where it needs none."""
    data_set = DATA_SETS.get(SET_OF.get(name, name))
    return data_set is None or any(files.find(data_set.name, item.path) for item in data_set.files)


def of_request(request: Mapping[str, Any], limit: int | None = None) -> Prepared:
    """The run that a model's request asks for, on `limit` of its recorded texts, drawn with the seed.

    NotRecorded names the nearest model, or the setting that is another one.
    """
    began = time.perf_counter()
    device = resolve_device(request["device"])
    named = readouts.named(request)
    found = readouts.load(**named, device=device)
    facts = found.facts
    for name, value in request.items():
        if name not in (*named, "architecture", "device") and value != facts["request"].get(name):
            known = facts["request"].get(name)
            if isinstance(known, dict) and isinstance(value, dict):  # what differs, not the whole
                apart = [key for key in sorted(value) if value[key] != known.get(key)]
                known, value = ({key: one.get(key) for key in apart} for one in (known, value))
            raise readouts.NotRecorded(
                f"the recorded Readout of this model has {name}={known!r}, not {shown(value)}"
            )
    if (drawn := facts["limit"]) is not None and limit != drawn:
        raise readouts.NotRecorded(
            f"{drawn} texts of this model are recorded: limit={drawn!r}, not {shown(limit)}"
        )
    texts = texts_of(found)
    if limit != drawn:
        chosen = texts.sample(limit, request["seed"])
        found = found.select(np.flatnonzero(np.isin(texts.ids, chosen.ids)))
    return of_recorded(found, request, device, began)


def of_recorded(found: readouts.Recorded, request: Mapping[str, Any], device: str, began: float) -> Prepared:
    """A run whose Readout, texts and scores are recorded."""
    facts = found.facts
    corpus: Any = Absent("corpus", name=facts["dataset"], class_names=tuple(facts["class_names"]))
    absent: dict[str, Any] = {name: Absent(name) for name in ("model", "recipe", "predict", "reading")}
    return Prepared(
        **absent,
        corpus=corpus,
        settings=facts["settings"],
        name=facts["name"],
        device=device,
        request=dict(request),
        texts=texts_of(found),
        test_metrics=facts["test_metrics"],
        history=facts["history"],
        began=began,
        readout=found.readout,
        recorded=found,
    )


def like(base: Prepared, changes: Mapping[str, Any]) -> Prepared:
    """The recorded run of the settings of `base` with some changed, on the texts of `base`."""
    assert base.recorded is not None
    whole = of_request({**base.request, **changes}, base.recorded.facts["limit"])
    assert whole.recorded is not None
    row = {name: i for i, name in enumerate(whole.texts.ids)}
    if missing := [name for name in base.texts.ids if name not in row]:
        raise ValueError(f"the recorded Readout of this model lacks the text {missing[0]!r} of the first one")
    found = whole.recorded.select([row[name] for name in base.texts.ids])
    return of_recorded(found, whole.request, whole.device, whole.began)


def texts_of(found: readouts.Recorded) -> Texts:
    """The texts of a recorded Readout."""
    return Texts(found.ids, found.labels, found.readout.lengths.cpu().numpy())
