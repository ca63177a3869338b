"""A module of about a hundred lines, as people write them: attention, convolution, normalisation, hooks, a mask."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F


class Attention(nn.Module):
    """Attention of several heads, written out."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.into = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)

    def forward(self, x: torch.Tensor, mask: torch.Tensor | None) -> torch.Tensor:
        rows, length, width = x.shape
        query, key, value = self.into(x).chunk(3, dim=-1)
        query, key, value = (
            part.view(rows, length, self.heads, width // self.heads).transpose(1, 2) for part in (query, key, value)
        )
        scores = query @ key.transpose(-2, -1) / (width // self.heads) ** 0.5
        if mask is not None:
            scores = scores.masked_fill(mask[:, None, None, :], -10000.0)
        mixed = torch.softmax(scores, dim=-1) @ value
        return self.out(mixed.transpose(1, 2).reshape(rows, length, width))


class FeedForward(nn.Module):
    """Two layers with a gate."""

    def __init__(self, width: int, inner: int) -> None:
        super().__init__()
        self.up = nn.Linear(width, inner)
        self.gate = nn.Linear(width, inner)
        self.down = nn.Linear(inner, width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.down(F.silu(self.gate(x)) * self.up(x))


class Block(nn.Module):
    """Attention and two layers, each normalised before and added to what came in."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.first = nn.LayerNorm(width)
        self.attention = Attention(width, heads)
        self.second = nn.LayerNorm(width)
        self.forward_layers = FeedForward(width, 2 * width)

    def forward(self, x: torch.Tensor, mask: torch.Tensor | None) -> torch.Tensor:
        x = x + self.attention(self.first(x), mask)
        return x + self.forward_layers(self.second(x))


class Network(nn.Module):
    """Embeddings, a convolution over neighbours, blocks, and two heads."""

    def __init__(self, words: int = 20, width: int = 16, heads: int = 2, depth: int = 2) -> None:
        super().__init__()
        self.words = nn.Embedding(words, width)
        self.near = nn.Conv1d(width, width, kernel_size=3, padding=1)
        self.blocks = nn.ModuleList(Block(width, heads) for _ in range(depth))
        self.norm = nn.LayerNorm(width)
        self.score = nn.Linear(width, 1)
        self.classes = nn.Linear(width, 5)
        self.register_buffer("calls", torch.zeros((), dtype=torch.int64))
        self.scale = 1.0
        self.norm.register_forward_hook(self._scaled)

    def _scaled(self, module: nn.Module, given: tuple[torch.Tensor, ...], result: torch.Tensor) -> torch.Tensor:
        return result * self.scale

    def embedded(self, words: torch.Tensor) -> torch.Tensor:
        """Each word, and what is near it."""
        x = self.words(words)
        near = self.near(x.transpose(1, 2)).transpose(1, 2)
        return x + torch.tanh(near)

    def forward(self, words: torch.Tensor, mask: torch.Tensor | None = None) -> dict[str, torch.Tensor]:
        self.calls += 1
        x = self.embedded(words)
        for block in self.blocks:
            x = block(x, mask)
        x = self.norm(x)
        if mask is not None:
            x = x.masked_fill(mask[..., None], 0.0)
        pooled = x.mean(dim=1)
        weights = torch.sigmoid(self.score(x))
        return {
            "classes": F.log_softmax(self.classes(pooled), dim=-1),
            "weighted": (weights * x).sum(dim=1),
            "longest": x.norm(dim=-1).amax(dim=-1),
        }


def assay_inputs() -> tuple[tuple[torch.Tensor], dict[str, torch.Tensor]]:
    """Three sentences of six words, of which the last are padding."""
    words = torch.arange(18).reshape(3, 6) * 7 % 20
    mask = torch.arange(6).expand(3, 6) >= torch.tensor([[6], [4], [5]])
    return (words,), {"mask": mask}


network = Network()
