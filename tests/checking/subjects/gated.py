"""Two attentions and two activations, of which one is multiplied; without anything that cannot be lifted, and with."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F


class Mixing(nn.Module):
    """Rows mixed by their likeness, and a gate."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.up = nn.Linear(width, width)
        self.gate = nn.Linear(width, width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        scores = x @ x.transpose(-2, -1)
        mixed = torch.softmax(scores, dim=-1) @ x
        return F.silu(self.gate(mixed)) * self.up(mixed)


class Gated(nn.Module):
    """Two times mixed, between activations that stand alone."""

    def __init__(self, width: int = 8) -> None:
        super().__init__()
        self.first = Mixing(width)
        self.second = Mixing(width)
        self.out = nn.Linear(width, 3)

    def forward(self, x: torch.Tensor) -> dict[str, torch.Tensor]:
        x = F.silu(x)
        x = x + self.first(x)
        x = x + self.second(x)
        return {"classes": self.out(F.silu(x)), "mean": x.mean(-1)}


class Branching(Gated):
    """The same behind a branch on data and with a hook that asks for one, which no export takes."""

    def __init__(self, width: int = 8) -> None:
        super().__init__(width)
        self.seen: list[bool] = []
        self.out.register_forward_hook(self._noted)

    def _noted(self, module: nn.Module, given: tuple[torch.Tensor, ...], result: torch.Tensor) -> torch.Tensor:
        self.seen.append(bool(result.isfinite().all()))
        return result if self.seen[-1] else torch.zeros_like(result)

    def forward(self, x: torch.Tensor) -> dict[str, torch.Tensor]:
        if float(x.sum()) > 0:
            x = x.flip(0)
        return super().forward(x)


def assay_inputs() -> torch.Tensor:
    """Four rows of eight."""
    return torch.arange(2 * 4 * 8).reshape(2, 4, 8) % 7 / 3 - 1.0


torch.manual_seed(3)
gated = Gated()
branching = Branching()
