"""The network: all-MiniLM-L6-v2 read as a cross-encoder, with heads for tokens and for the passage, and its losses."""

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers import BertConfig, BertModel

TOKEN_HEADS = 4  # evidence, weight within the sentence, start and end of the short answer
FAR = -1e4  # stands for minus infinity, and stays finite in bf16 and int8


class EvidenceNet(nn.Module):
    """Token logits (rows, tokens, 4) and passage logits (rows, 2: something answers, nothing does) for a batch of inputs."""

    def __init__(self, encoder: BertModel) -> None:
        super().__init__()
        size = encoder.config.hidden_size
        self.encoder = encoder
        self.token_head = nn.Linear(size, TOKEN_HEADS)
        self.look = nn.Linear(size, 1)
        self.passage_head = nn.Sequential(nn.Linear(2 * size, size), nn.GELU(), nn.Linear(size, 2))

    def forward(self, ids: Tensor, mask: Tensor, segments: Tensor) -> tuple[Tensor, Tensor]:
        states = self.encoder.embeddings(input_ids=ids, token_type_ids=segments)
        far = (1.0 - mask.float()) * FAR
        for layer in self.encoder.encoder.layer:
            states = _layer(layer, states, far[:, None, None, :])
        weights = torch.softmax(self.look(states).squeeze(-1).float() + far, dim=-1)
        pooled = (weights.unsqueeze(-1).to(states.dtype) * states).sum(1)
        passage = self.passage_head(torch.cat([states[:, 0], pooled], dim=-1))
        return self.token_head(states).float(), passage.float()


def _layer(layer: nn.Module, states: Tensor, far: Tensor) -> Tensor:
    """One BERT layer written out: attention in heads, then the feed-forward part, each with its residual and norm.

    The library's fused attention takes seven times as long backwards in bf16 on a CPU as these plain products, and its mask
    does not trace into ONNX.
    """
    own = layer.attention.self
    rows, length = states.shape[0], states.shape[1]

    def heads(part: nn.Linear) -> Tensor:
        return part(states).view(rows, length, own.num_attention_heads, -1).transpose(1, 2)

    scores = (heads(own.query) * own.attention_head_size**-0.5) @ heads(own.key).transpose(-1, -2)
    read = torch.softmax(scores + far.to(scores.dtype), dim=-1) @ heads(own.value)
    attended = layer.attention.output(read.transpose(1, 2).reshape(rows, length, -1), states)
    return layer.output(layer.intermediate(attended), attended)


def load_encoder(folder: Path) -> BertModel:
    """Load the embedding model's encoder without dropout (a fifth of the step's time; half an epoch does not overfit)."""
    config = BertConfig.from_pretrained(folder, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0)
    return BertModel.from_pretrained(folder, config=config, add_pooling_layer=False)


def sentence_logits(tokens: Tensor, sentences: Tensor) -> tuple[Tensor, Tensor]:
    """(rows, most sentences) logits: each sentence's token evidence averaged by learned weights; and which cells exist."""
    count = int(sentences.max()) + 1
    inside = sentences.unsqueeze(1) == torch.arange(count, device=sentences.device).view(1, -1, 1)
    weights = torch.softmax(tokens[..., 1].unsqueeze(1).masked_fill(~inside, FAR), dim=-1)
    return (weights * tokens[..., 0].unsqueeze(1)).sum(-1), inside.any(-1)


@dataclass(frozen=True, slots=True)
class Target:
    """Labels of a batch: gold sentences (rows, sentences) 0 or 1; start and end token, 0 for none, -100 for unknown.

    `group` (rows): rows of one number, from 0, ask the same question of several passages; -1 for a row of its own.
    """

    gold: Tensor
    start: Tensor
    end: Tensor
    group: Tensor


def losses(tokens: Tensor, passage: Tensor, sentences: Tensor, target: Target) -> dict[str, Tensor]:
    """Return the terms of the loss, each a mean over the batch: token, sentence, list, group, passage, span."""
    logits, exists = sentence_logits(tokens, sentences)
    gold = target.gold[:, : logits.shape[1]] * exists  # a sentence beyond the longest input has no token to learn with
    answered = (gold.sum(-1) > 0).float()
    inside = sentences >= 0
    token_gold = torch.where(inside, gold.gather(1, sentences.clamp(min=0)), 0.0)
    listed = torch.cat([passage[:, 1:2], logits.masked_fill(~exists, FAR)], dim=1)
    share = torch.cat([1.0 - answered[:, None], gold / gold.sum(-1, keepdim=True).clamp(min=1)], dim=1)
    spans = tokens[..., 2:].masked_fill(~inside.unsqueeze(-1), FAR)
    spans = torch.cat([tokens[:, :1, 2:], spans[:, 1:]], dim=1)  # the first token stands for "nowhere"
    return {
        "token": functional.binary_cross_entropy_with_logits(tokens[..., 0][inside], token_gold[inside]),
        "sentence": functional.binary_cross_entropy_with_logits(logits[exists], gold[exists]),
        "list": -(share * functional.log_softmax(listed, dim=1)).sum(1).mean(),
        "group": _group_loss(logits.masked_fill(~exists, FAR), gold, target.group),
        "passage": functional.binary_cross_entropy_with_logits(passage[:, 0], answered),
        "span": _span_loss(spans[..., 0], target.start) + _span_loss(spans[..., 1], target.end),
    }


def _group_loss(logits: Tensor, gold: Tensor, group: Tensor) -> Tensor:
    """Negative log share of the sentences that answer among all sentences of a group's passages, as a mean over groups.

    A sentence's logit is compared where an answer is chosen: with those of the other passages that a question finds.
    """
    terms = [logits.sum() * 0.0]
    for number in range(int(group.max()) + 1):
        rows = group == number
        if bool(gold[rows].any()):
            right = logits[rows].masked_fill(gold[rows] == 0, FAR)
            terms.append(logits[rows].flatten().logsumexp(0) - right.flatten().logsumexp(0))
    return torch.stack(terms).sum() / max(1, len(terms) - 1)


def _span_loss(logits: Tensor, target: Tensor) -> Tensor:
    known = target >= 0
    if not bool(known.any()):
        return logits.sum() * 0.0
    return functional.cross_entropy(logits[known], target[known])
