"""The next token of each text in a batch, each by its own settings."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from conversations.backends.local.sampling import Sampling

# Candidates looked at where no top_k bounds them. Sorting a whole vocabulary takes longer than a small model's forward.
MANY = 1024


def choose(logits: torch.Tensor, samplings: Sequence[Sampling], seen: Sequence[torch.Tensor | None]) -> list[int]:
    """One token for each row of `logits` (texts, vocabulary). `seen`: the tokens that a repetition penalty lowers."""
    for row, sampling, ids in zip(logits, samplings, seen, strict=True):
        if ids is not None and sampling.repetition_penalty not in (None, 1.0):
            penalize(row, ids, sampling.repetition_penalty)
    chosen = logits.argmax(dim=-1)
    warm = [at for at, sampling in enumerate(samplings) if sampling.temperature]
    if warm:
        rows = torch.tensor(warm, device=logits.device)
        chosen[rows] = _drawn(logits[rows], [samplings[at] for at in warm])
    return chosen.tolist()


def penalize(row: torch.Tensor, ids: torch.Tensor, penalty: float) -> None:
    """What was said already becomes less likely, in place."""
    values = row[ids]
    row[ids] = torch.where(values > 0, values / penalty, values * penalty)


def _drawn(logits: torch.Tensor, samplings: list[Sampling]) -> torch.Tensor:
    column = {"dtype": torch.float32, "device": logits.device}
    logits = logits / torch.tensor([[s.temperature] for s in samplings], **column)
    width = min(logits.shape[1], max(s.top_k or MANY for s in samplings))
    values, ids = torch.topk(logits, width)  # sorted, the likeliest first
    top_k = torch.tensor([[s.top_k or width] for s in samplings], device=logits.device)
    values = values.masked_fill(torch.arange(width, device=logits.device) >= top_k, -torch.inf)
    # Without top_k, what stands outside the candidates counts in the shares of those inside.
    bounded = torch.tensor([[bool(s.top_k)] for s in samplings], device=logits.device)
    total = torch.where(bounded, values.logsumexp(-1, keepdim=True), logits.logsumexp(-1, keepdim=True))
    shares = (values - total).exp()
    top_p = torch.tensor([[s.top_p] for s in samplings], **column)
    min_p = torch.tensor([[s.min_p] for s in samplings], **column)
    before = shares.cumsum(-1) - shares
    kept = ((before < top_p) & (shares >= min_p * shares[:, :1])).index_fill_(1, _first(logits), True)
    found = ids.gather(1, torch.multinomial(shares * kept, 1)).squeeze(1)
    covered = (shares.sum(-1) >= top_p.squeeze(1).clamp(max=0.9999)) | bounded.squeeze(1)
    if not covered.all():
        open_rows = (~covered).nonzero().squeeze(1)
        found[open_rows] = _drawn_from_all(logits[open_rows], top_p[open_rows], min_p[open_rows])
    return found


def _drawn_from_all(logits: torch.Tensor, top_p: torch.Tensor, min_p: torch.Tensor) -> torch.Tensor:
    """Where the likeliest do not make up enough: from the whole vocabulary."""
    shares, ids = logits.softmax(-1).sort(descending=True)
    kept = (shares.cumsum(-1) - shares < top_p) & (shares >= min_p * shares[:, :1])
    kept[:, 0] = True
    return ids.gather(1, torch.multinomial(shares * kept, 1)).squeeze(1)


def _first(logits: torch.Tensor) -> torch.Tensor:
    return torch.zeros(1, dtype=torch.long, device=logits.device)
