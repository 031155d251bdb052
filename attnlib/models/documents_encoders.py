"""Encoders of document models: those of `attnlib.models.encoders` with Serrano & Smith's released settings.

Called as `encoder(items [N, L, d], lengths [N], mask [N, L])`; gives states [N, L, m] and a summary [N, m].
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from attnlib.models.encoders import BiGRU, Convolution

WIDTHS = (3, 5)
CONVOLUTION_DROPOUT = 0.3


class Identity(nn.Module):
    """No encoder: the states are the items themselves."""

    def __init__(self, dimension: int) -> None:
        super().__init__()
        self.size = dimension

    def forward(self, items: Tensor, lengths: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """States [N, L, d], and their sum [N, d]."""
        return items, (items * mask.unsqueeze(2)).sum(dim=1)


class DroppedConvolution(Convolution):
    """Convolutions of widths 3 and 5 behind a dropout of 0.3; padding is zero before and after them."""

    def __init__(self, dimension: int, filters: int) -> None:
        super().__init__(dimension, filters, WIDTHS)
        self.dropout = nn.Dropout(CONVOLUTION_DROPOUT)

    def forward(self, items: Tensor, lengths: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """States [N, L, filters·widths], zero off the mask, and summary."""
        return super().forward(self.dropout(items * mask.unsqueeze(2)), lengths, mask)


class DocumentGRU(BiGRU):
    """Bidirectional GRU with the released initial parameters.

    Input weights Xavier-uniform, recurrent ones orthogonal, input bias 0. The hidden bias comes from an
    initialiser made for an LSTM's four gates: it is 1 in the second quarter of the GRU's 3·hidden numbers
    (37 to 73 of 150, end of the reset and start of the update gate), else 0.
    """

    def __init__(self, dimension: int, hidden: int) -> None:
        super().__init__(dimension, hidden)
        for layer in (self.forwards, self.backwards):
            of_input, recurrent, bias, recurrent_bias = layer.all_weights[0]
            nn.init.xavier_uniform_(of_input)
            nn.init.orthogonal_(recurrent)
            nn.init.zeros_(bias)
            nn.init.zeros_(recurrent_bias)
            quarter = 3 * hidden // 4
            with torch.no_grad():
                recurrent_bias[quarter : 2 * quarter] = 1
