"""From a trained document model to the Readout of its last attention."""

from __future__ import annotations

import torch

from attnlib.models.documents import DocumentModel
from attnlib.models.documents_batches import Documents, evaluation_batches
from attnlib.readout import Readout


@torch.no_grad()
def read_documents(model: DocumentModel, documents: Documents, device: str = "cpu") -> Readout:
    """Weights and scores z_t = V h_t of every document's sentences (HAN) or words (FLAN), in the order given.

    One column per item of the longest document, and C classes as the linear layer has them, two or more.
    """
    model.eval()
    weight = model.head.weight
    lengths = documents.counts if model.hierarchical else documents.lengths
    shape = (len(documents), int(lengths.max()))
    alpha = torch.zeros(shape, device=device)
    scores = torch.zeros((*shape, len(weight)), device=device)
    mask = torch.zeros(shape, dtype=torch.bool, device=device)
    for rows, batch in evaluation_batches(documents, model.hierarchical):
        output = model(batch.to(device))
        index, width = torch.from_numpy(rows).to(device), output.mask.shape[1]
        alpha[index, :width] = output.attention
        scores[index, :width] = output.states @ weight.T
        mask[index, :width] = output.mask
    return Readout(alpha, scores, model.head.bias, mask)
