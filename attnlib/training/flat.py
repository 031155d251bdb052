"""How the models of texts and pairs are trained: Adam with Jain & Wallace's settings, selection on dev."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from attnlib.checks import one_of
from attnlib.data.corpus import Corpus, Split, Vocabulary
from attnlib.models.batches import batches
from attnlib.models.classifier import VARIANTS, AttentionModel
from attnlib.training.fit import Recipe, Settings, Step, class_probabilities
from attnlib.training.metrics import metrics
from attnlib.training.penalties import Penalty


@dataclass(frozen=True)
class Training(Settings):
    """How a model is trained; the defaults are Jain & Wallace's for classification.

    variant: "released" (amsgrad, no weight decay on the scorer, loss summed over the batch, the first epoch
    never selected) or "published" (plain Adam, weight decay on everything, mean loss). patience: stop after
    so many epochs without a better dev score; None trains all epochs. selection: the split whose score
    chooses the epoch, "dev"; or "test", as the authors of the first papers did, to see what it changes.
    """

    epochs: int = 8
    batch_size: int = 32
    learning_rate: float = 1e-3
    weight_decay: float = 1e-5
    variant: str = "released"
    patience: int | None = None
    seed: int = 0
    selection: str = "dev"

    def __post_init__(self) -> None:
        super().__post_init__()
        one_of("variant", self.variant, VARIANTS)
        one_of("selection", self.selection, ("dev", "test"))


def predict(model: AttentionModel, split: Split, vocabulary: Vocabulary, device: str = "cpu") -> np.ndarray:
    """Class probabilities [N, C], float64, in the order of the split."""
    found = batches(split, vocabulary, 128)
    return class_probabilities(model, found, lambda batch: model(batch.to(device)).logits)


def class_weights(labels: np.ndarray, n_classes: int, pair: bool) -> Tensor:
    """Weights of the loss [C]: two classes give the positive one n_negative / n_positive, else all are 1."""
    weights = torch.ones(n_classes)
    if n_classes == 2 and not pair:
        counts = np.bincount(labels, minlength=2)
        if counts.min() == 0:
            raise ValueError("the training split holds one class only: there is nothing to learn")
        weights[1] = counts[0] / counts[1]
    return weights


def optimizer_for(model: AttentionModel, training: Training) -> torch.optim.Adam:
    """Adam, with the variant's weight decay and amsgrad."""
    released, decay = training.variant == "released", training.weight_decay
    scorer = list(model.scorer.parameters())
    rest = [parameter for name, parameter in model.named_parameters() if not name.startswith("scorer.")]
    # The released question-answering script decays the scorer as well.
    of_scorer = 0.0 if released and model.question_encoder is None else decay
    groups = [{"params": rest, "weight_decay": decay}]
    groups += [{"params": scorer, "weight_decay": of_scorer}] * bool(scorer)
    # Fused: one pass over memory. On a CPU the default takes ten, and a word-vector table is mostly memory.
    return torch.optim.Adam(groups, training.learning_rate, amsgrad=released, fused=True)


def recipe(
    model: AttentionModel,
    corpus: Corpus,
    training: Training,
    device: str = "cpu",
    penalty: Penalty | None = None,
) -> Recipe:
    """The recipe of a model of a corpus for `fit` and `epochs`; penalty: added to each text's loss.

    The score is dev ROC-AUC for two classes and dev accuracy otherwise, so that training ends at a perfect
    one.
    """
    released, pair = training.variant == "released", model.question_encoder is not None
    train, dev, vocabulary = corpus.train, corpus.splits[training.selection], corpus.vocabulary
    weights = class_weights(train.labels, len(corpus.class_names), pair).to(device)
    loss_function = nn.CrossEntropyLoss(weights, reduction="none")
    # A question's mean loss and classification's summed one are what the authors' two scripts use.
    reduce = torch.sum if released and not pair else torch.mean
    generator = np.random.default_rng(training.seed)

    def steps() -> Iterator[Step]:
        for index, batch in batches(train, vocabulary, training.batch_size, generator):
            batch = batch.to(device)
            output = model(batch)
            losses = loss_function(output.logits, batch.labels)
            if penalty is not None:
                losses = losses + penalty(index, output, batch)
            yield Step(reduce(losses), losses.detach().sum())

    return Recipe(
        model,
        optimizer_for(model.to(device), training),
        training,
        len(train),
        steps,
        measure=lambda: metrics(dev.labels, predict(model, dev, vocabulary, device)),
        score=lambda row: row.get("roc_auc", row["accuracy"]),
        first=2 if released and training.epochs > 1 else 1,
        best=1.0,
    )
