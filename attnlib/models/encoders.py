"""Encoders: embedded words to one state per position, and one summary per text.

Every encoder is called as `encoder(embedded [N, L, d], lengths [N], mask [N, L])` and gives
`(states [N, L, m], summary [N, m])`. Padding never changes the states of a text. `attnlib.models.classifier`
knows which sizes and non-linearities belong to a paper and which to its code.
"""

import torch
from torch import Tensor, nn

from attnlib.data.corpus import PAD
from attnlib.models.gru import states_of


def embedding(shape: tuple[int, int], vectors: Tensor | None = None, unit: bool = False) -> nn.Embedding:
    """A look-up of words that is trained, for a shape (words, dimension).

    It begins with `vectors` of that shape (else ValueError), or with rows from N(0, 1), with `unit` brought
    to length 1. The padding row is zero and stays so.
    """
    if vectors is None:
        table = nn.functional.normalize(torch.randn(shape)) if unit else torch.randn(shape)
    elif tuple(vectors.shape) == shape:
        table = vectors.float().clone()
    else:
        raise ValueError(f"vectors have shape {list(vectors.shape)}, the model needs {list(shape)}")
    table[PAD] = 0
    return nn.Embedding.from_pretrained(table, freeze=False, padding_idx=PAD)


class Recurrent(nn.Module):
    """A recurrent layer in each direction; the summary is [last forward state; last backward state].

    Texts are padded, not packed: the backward layer reads each text turned round within its own length. On a
    CPU the gradient of a packed sequence costs time quadratic in its length.
    """

    kind: type[nn.LSTM] | type[nn.GRU]

    def __init__(self, dimension: int, hidden: int) -> None:
        super().__init__()
        self.forwards = self.kind(dimension, hidden, batch_first=True)
        self.backwards = self.kind(dimension, hidden, batch_first=True)
        self.size = 2 * hidden

    def forward(self, embedded: Tensor, lengths: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """States [N, L, 2·hidden] (zero on padding) and summary [N, 2·hidden]."""
        lengths = lengths.unsqueeze(1)
        positions = torch.arange(embedded.shape[1], device=embedded.device)
        real = positions < lengths
        turned = torch.where(real, lengths - 1 - positions, positions)  # its own inverse
        right, left = self.read([embedded, take(embedded, turned)])
        left = take(left, turned)
        last = take(right, lengths - 1)[:, 0]
        return torch.cat([right, left], dim=2) * real.unsqueeze(2), torch.cat([last, left[:, 0]], dim=1)

    def read(self, inputs: list[Tensor]) -> list[Tensor]:
        """The states [N, L, hidden] of each direction on its inputs [N, L, d], in the order they are read."""
        return [layer(each)[0] for layer, each in zip((self.forwards, self.backwards), inputs, strict=True)]


def take(states: Tensor, positions: Tensor) -> Tensor:
    """The states [N, L, m] at positions [N, K]: [N, K, m]."""
    return states.gather(1, positions.unsqueeze(2).expand(-1, -1, states.shape[2]))


class BiLSTM(Recurrent):
    """Bidirectional LSTM (Jain & Wallace 2019)."""

    kind = nn.LSTM


class BiGRU(Recurrent):
    """Bidirectional GRU (Serrano & Smith 2019)."""

    kind = nn.GRU

    def read(self, inputs: list[Tensor]) -> list[Tensor]:
        """As `Recurrent.read`; on a CPU by our own recurrence, whose gain is largest on small batches."""
        if inputs[0].is_cpu:
            return states_of([self.forwards, self.backwards], inputs)
        return super().read(inputs)


class Convolution(nn.Module):
    """Parallel convolutions, ReLU, concatenated; the summary is the maximum over positions."""

    def __init__(self, dimension: int, filters: int, widths: tuple[int, ...] = (1, 3, 5, 7)) -> None:
        super().__init__()
        self.widths = widths
        self.convolutions = nn.ModuleList(
            nn.Conv1d(dimension, filters, width, padding=width // 2) for width in widths
        )
        self.size = filters * len(widths)

    def forward(self, embedded: Tensor, lengths: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """States [N, L, filters·widths], zero off the mask as in the authors' code, and summary."""
        layers: list[nn.Conv1d] = list(self.convolutions)  # type: ignore[arg-type]  # ModuleList knows none
        states = torch.cat([convolve(layer, embedded) for layer in layers], dim=2)
        states = states.relu() * mask.unsqueeze(2)
        return states, states.amax(dim=1)


def convolve(layer: nn.Conv1d, embedded: Tensor) -> Tensor:
    """What an odd-width layer makes of embedded [N, L, d]: [N, L, filters].

    As of images one pixel high: to torch these may have their channels last, as embedded words do; of one
    dimension it knows no such layout, and takes half as long again on a CPU.
    """
    image = embedded.transpose(1, 2).unsqueeze(2)
    weight = layer.weight.unsqueeze(2)
    states = nn.functional.conv2d(image, weight, layer.bias, padding=(0, weight.shape[3] // 2))
    return states.squeeze(2).transpose(1, 2)


class Frozen(nn.Module):
    """In place of an encoder and of word vectors, of a model whose texts bring their states with them."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.size = size

    def forward(self, *given: Tensor) -> tuple[Tensor, Tensor]:
        """ValueError: there is nothing to encode with."""
        raise ValueError(
            "a frozen encoder's states are of whole texts and kept as they are: gradients at the words, "
            "leave-one-out, deletion and zeroing would have to encode again. Take what moves weights alone "
            "(permutation, adversaries, erasure, the attention mask), or a fine-tuned transformer"
        )


class Average(nn.Module):
    """Each word on its own, h_t = f(W x_t + b); the summary is the mean from start to end symbol.

    The authors' code averages over padding too, so that a question's vector depends on its batch; that is
    not reproduced.
    """

    def __init__(self, dimension: int, size: int, activation: str) -> None:
        super().__init__()
        self.projection = nn.Linear(dimension, size)
        self.activation = {"tanh": torch.tanh, "relu": torch.relu}[activation]
        self.size = size

    def forward(self, embedded: Tensor, lengths: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """States [N, L, size] and summary [N, size]."""
        states, lengths = self.activation(self.projection(embedded)), lengths.unsqueeze(1)
        real = torch.arange(states.shape[1], device=states.device) < lengths
        return states, (states * real.unsqueeze(2)).sum(dim=1) / lengths
