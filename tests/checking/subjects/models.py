"""An encoder and a decoder as libraries write them: masks from positions, rotations, dropout, attention as one call."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F

WORDS, WIDTH, HEADS = 32, 16, 2


class Attention(nn.Module):
    """Attention with a mask, or causal; of the decoder with rotated positions."""

    def __init__(self, causal: bool) -> None:
        super().__init__()
        self.causal = causal
        self.query, self.key, self.value = (nn.Linear(WIDTH, WIDTH, bias=not causal) for _ in range(3))
        self.out = nn.Linear(WIDTH, WIDTH)
        self.register_buffer("frequencies", 100.0 ** (-torch.arange(0, WIDTH // HEADS, 2) / (WIDTH // HEADS)))

    def _rotated(self, x: torch.Tensor) -> torch.Tensor:
        positions = torch.arange(x.shape[-2], device=x.device)[:, None].float()
        angles = torch.cat([positions * self.frequencies] * 2, dim=-1)
        first, second = x[..., : x.shape[-1] // 2], x[..., x.shape[-1] // 2 :]
        return x * angles.cos() + torch.cat((-second, first), dim=-1) * angles.sin()

    def forward(self, x: torch.Tensor, mask: torch.Tensor | None) -> torch.Tensor:
        rows, length, _ = x.shape
        query, key, value = (
            each(x).view(rows, length, HEADS, -1).transpose(1, 2) for each in (self.query, self.key, self.value)
        )
        if self.causal:
            query, key = self._rotated(query), self._rotated(key)
        mixed = F.scaled_dot_product_attention(query, key, value, attn_mask=mask, is_causal=mask is None)
        return self.out(mixed.transpose(1, 2).contiguous().view(rows, length, -1))


class Encoder(nn.Module):
    """Words, positions and kinds; attention under a padding mask; a pooled head."""

    def __init__(self) -> None:
        super().__init__()
        self.words, self.places, self.kinds = (nn.Embedding(size, WIDTH) for size in (WORDS, 12, 2))
        self.norms = nn.ModuleList(nn.LayerNorm(WIDTH) for _ in range(3))
        self.attention = Attention(causal=False)
        self.up, self.down = nn.Linear(WIDTH, 32), nn.Linear(32, WIDTH)
        self.dropout = nn.Dropout(0.1)
        self.pool = nn.Linear(WIDTH, 3)

    def forward(self, words: torch.Tensor, mask: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        places = torch.arange(words.shape[1]).unsqueeze(0)
        kinds = torch.zeros_like(words)
        x = self.words(words) + self.places(places) + self.kinds(kinds)
        x = self.dropout(self.norms[0](x))
        wide = (1.0 - mask[:, None, None, :].to(x.dtype)) * -10000.0
        x = self.norms[1](x + self.dropout(self.attention(x, wide)))
        x = self.norms[2](x + self.dropout(self.down(F.gelu(self.up(x)))))
        return x, torch.tanh(self.pool(x[:, 0]))


class Decoder(nn.Module):
    """Causal attention with rotated positions, a gated layer, root mean squares."""

    def __init__(self) -> None:
        super().__init__()
        self.words = nn.Embedding(WORDS, WIDTH)
        self.attention = Attention(causal=True)
        self.gate, self.up, self.down = nn.Linear(WIDTH, 32), nn.Linear(WIDTH, 32), nn.Linear(32, WIDTH)
        self.scale = nn.Parameter(torch.ones(WIDTH))

    def _normed(self, x: torch.Tensor) -> torch.Tensor:
        wide = x.to(torch.float32)
        return self.scale * (wide * torch.rsqrt(wide.pow(2).mean(-1, keepdim=True) + 1e-6)).to(x.dtype)

    def forward(self, words: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        x = self.words(words)
        length = words.shape[1]
        causal = torch.full((length, length), float("-inf")).triu(1)
        seen = torch.arange(length)[None, :] <= torch.arange(length)[:, None]
        seen = seen[None, None] & (mask[:, None, None, :] > 0)
        x = x + self.attention(self._normed(x), torch.where(seen, 0.0, -10000.0) + causal.clamp(min=-100.0))
        x = x + self.attention(self._normed(x), None)
        x = x + self.down(F.silu(self.gate(self._normed(x))) * self.up(x))
        return F.linear(self._normed(x)[:, -2:, :], self.words.weight)


def assay_inputs() -> dict[str, torch.Tensor]:
    """Two sentences of seven words, of which the last two of one are padding."""
    words = torch.arange(14).reshape(2, 7) * 5 % WORDS
    return {"words": words, "mask": (torch.arange(7) < torch.tensor([[7], [5]])).to(torch.int64)}


torch.manual_seed(5)
encoder, decoder = Encoder(), Decoder()
