"""What is refused before a stock transformer is explained or tested, since it would be misread: by name."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from attnlib.checks import first_row
from attnlib.explain.transformers.asking import Asked, setting
from attnlib.models.kinds import SCORED


def check(asked: Asked) -> None:
    """ValueError by name for what would be misread.

    Of the inputs: one that is missing, another number of features than their mask, something present after a
    gap, labels, a text longer than the model's positions, two texts that nothing tells apart. Of the model:
    training mode, and an answer that is no logits [N, C] of which one class is true.
    """
    check_inputs(asked)
    model, inputs = asked.model, asked.inputs
    training = [name for name, module in model.named_modules() if module.training and varies(module)]
    if model.training or training:
        where = "the model" if model.training else training[0]
        raise ValueError(f"{where} is in training mode: call model.eval() first, or dropout explains itself")
    longest, length = most_positions(model), inputs["attention_mask"].shape[1]
    if longest is not None and length > longest and "position_ids" not in inputs:
        raise ValueError(f"the text has {length} positions, the model {longest}: shorten it")
    if asked.kind.ends and SCORED not in inputs:
        check_one_text(asked)
    check_answer(asked)


def check_inputs(asked: Asked) -> None:
    """ValueError by name for inputs that do not fit the kind or each other."""
    kind, inputs = asked.kind, asked.inputs
    for name in (kind.features, kind.present, "attention_mask"):
        if name not in inputs:
            raise ValueError(f"inputs lack {name!r}, which {kind.name} needs; there are {sorted(inputs)}")
    n = next((len(v) for v in inputs.values() if isinstance(v, Tensor) and v.dim()), 0)
    if not n:
        raise ValueError("inputs: there are no instances")
    for name, value in inputs.items():
        if not isinstance(value, Tensor) or not value.dim() or len(value) != n:
            has = list(value.shape) if isinstance(value, Tensor) else type(value).__name__
            raise ValueError(f"{name}: expected a tensor with a row for each of {n} instances, got {has}")
    features, present = inputs[kind.features], inputs[kind.present]
    if features.dim() != 3:
        shape = f"shape {list(features.shape)}, expected [N, rows, features]"
        raise ValueError(f"{kind.features} has {shape}: several texts (multiple choice) are not read here")
    for name in (kind.present, "attention_mask", *{SCORED} & inputs.keys()):
        mask = inputs[name]
        rows, size = list(features.shape[:2]), list(mask.shape)
        if name in (kind.present, SCORED) and rows != size:
            raise ValueError(f"{kind.features} has {rows} rows, but {name} is for {size}")
        if mask.dim() != 2 or not ((mask == 0) | (mask == 1)).all():
            raise ValueError(f"{name}: expected zeros and ones, [N, L]")
        if name != SCORED:
            refuse_gap(mask.bool(), name, "what is present must come first, so pad at the end")
    least = max(1, 2 * kind.ends)
    if (row := first_row(inputs["attention_mask"].sum(dim=1) < least)) is not None:
        raise ValueError(f"attention_mask: row {row} has fewer than {least} positions")
    told = SCORED if SCORED in inputs else "token_type_ids"
    refuse_gap(asked.present, told, "what is scored must be in one piece, from the first word on")
    if SCORED in inputs:
        words = torch.zeros_like(present, dtype=torch.bool)
        words[:, kind.ends : words.shape[1] - kind.ends] = kind.mask({kind.present: present})
        if (row := first_row((inputs[SCORED].bool() & ~words).any(dim=1))) is not None:
            beyond = "the class token, the separator at the end, or padding"
            raise ValueError(f"{SCORED}: row {row} has something that is no word: {beyond}")


def refuse_gap(there: Tensor, name: str, why: str) -> None:
    """ValueError where a row of a mask has something after a gap."""
    if (row := first_row((there[:, 1:] & ~there[:, :-1]).any(dim=1))) is not None:
        raise ValueError(f"{name}: row {row} has something after a gap; {why}")


def varies(module: nn.Module) -> bool:
    """Whether in training a module depends on chance or on its batch."""
    drops = isinstance(module, nn.modules.dropout._DropoutNd) and module.p > 0
    return drops or isinstance(module, nn.modules.batchnorm._BatchNorm)


def most_positions(model: nn.Module) -> int | None:
    """How long a text the model has positions for; None if it does not say.

    Models of the RoBERTa family begin to count after the number of the padding token, which they keep beside
    the table; a table alone may have one too (LXMERT's) and count from 0.
    """
    for module in model.modules():
        if isinstance(table := getattr(module, "position_embeddings", None), nn.Embedding):
            before = getattr(module, "padding_idx", None)
            return table.num_embeddings - (before + 1 if isinstance(before, int) else 0)
    longest = setting(model, "max_position_embeddings")
    return longest if isinstance(longest, int) and longest > 0 else None


@torch.no_grad()
def check_one_text(asked: Asked) -> None:
    """ValueError where a separator stands among the scored words: a second text would count as the first's.

    What a text ends with is its separator if the model's configuration says so, or if all texts end with it;
    one text alone says nothing where the configuration names another.
    """
    features, scored, kind, n = asked.features, asked.present, asked.kind, len(asked)
    length = asked.inputs[kind.present].sum(dim=1).long()
    last = features[torch.arange(n, device=features.device), length - 1]
    named = separators(asked.model)
    ends = (last[:, None] == embedded(asked.model, named, last)).all(dim=2).any(dim=1)
    if n > 1 or not named:
        ends |= (last == last[0]).all()
    words = features[:, kind.ends : kind.ends + scored.shape[1]]
    # One number first: a comparison of all would need as much memory as the embeddings.
    rows, places = ((words[:, :, 0] == last[:, None, 0]) & scored & ends[:, None]).nonzero(as_tuple=True)
    inside = (words[rows, places] == last[rows]).all(dim=1).nonzero()
    if len(inside):
        row, place = int(rows[inside[0]]), int(places[inside[0]]) + kind.ends
        raise ValueError(
            f"{kind.features}: row {row} has its separator at position {place} too, among the words that "
            "are scored. If a second text follows, say which is the first: by token_type_ids where the model "
            f"has them, else by an input {SCORED!r}, [N, L] bool, true at the words of the first; if none "
            "follows, true at all words"
        )


def separators(model: nn.Module) -> list[int]:
    """The numbers of the tokens that end a text, by the model's configuration."""
    given = [setting(model, name) for name in ("sep_token_id", "eos_token_id")]
    numbers = [i for entry in given for i in (entry if isinstance(entry, list) else [entry])]
    return [i for i in numbers if isinstance(i, int)]


def embedded(model: nn.Module, ids: list[int], like: Tensor) -> Tensor:
    """The embeddings of tokens that the model has, [K, d] with d as in `like`; none if it cannot say."""
    try:
        table = model.get_input_embeddings()  # type: ignore[operator]
        known = [i for i in ids if 0 <= i < table.num_embeddings]
        found = table(torch.tensor(known, dtype=torch.long, device=like.device))
    except (AttributeError, NotImplementedError):
        return like[:0]
    return found if found.shape[1] == like.shape[1] else like[:0]


@torch.no_grad()
def check_answer(asked: Asked) -> None:
    """ValueError by name where a model's answer is no logits [N, C], or more than one class may be true."""
    name, few, kind = type(asked.model).__name__, asked.rows(slice(2)), asked.kind
    try:
        output = few.answer()
    except Exception as error:
        given = {key: list(value.shape) for key, value in few.inputs.items()}
        raise ValueError(f"{name} does not read inputs of shapes {given}: {error}") from error
    if not isinstance(output, Mapping) or kind.logits not in output:
        fields = sorted(output) if isinstance(output, Mapping) else type(output).__name__
        raise ValueError(
            f"{name} answers with {fields}, where {kind.name} needs {kind.logits!r}: give a model with a "
            "classification head, or a Kind that says which field holds the logits"
        )
    if output.get("loss") is not None:
        raise ValueError(f"{name} computes a loss: leave labels out of the inputs")
    logits, n = output[kind.logits], len(few)
    if logits.dim() != 2 or len(logits) != n:
        shape = f"shape {list(logits.shape)} for {n} instances, expected [{n}, C]"
        raise ValueError(f"{kind.logits} of {name} have {shape}: answers for each token are not read here")
    problem = setting(asked.model, "problem_type")
    if problem == "multi_label_classification":
        raise ValueError(
            f"{name} has problem_type {problem!r}: each class has its own sigmoid, and a softmax over them "
            "is not what it says. Explain one at a time: wrap the model in a module that answers "
            f"{{{kind.logits!r}: logits}}, with the columns 0 and that class's logit"
        )
    if problem == "regression" and logits.shape[1] > 1:
        outputs = f"problem_type {problem!r} and {logits.shape[1]} outputs, which are no classes"
        raise ValueError(f"{name} has {outputs}: wrap the model in a module that answers with one of them")


def check_watchable(asked: Asked) -> None:
    """ValueError by name where no gradients can be taken, or a compiled model hides what it calls."""
    made = {**dict(asked.model.named_parameters()), **asked.inputs}
    inference = [name for name, value in made.items() if isinstance(value, Tensor) and value.is_inference()]
    if torch.is_inference_mode_enabled() or inference:
        what = f"{inference[0]} was made in it" if inference else "call this outside of it"
        raise ValueError(f"torch.inference_mode allows no gradients, of which explanations are made: {what}")
    for module in asked.model.modules():
        if hasattr(module, "_orig_mod") or getattr(module, "_compiled_call_impl", None) is not None:
            raise ValueError(
                f"{type(module).__name__}: a model after torch.compile cannot be watched; give the one before"
            )
