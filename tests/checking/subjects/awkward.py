"""Subjects that something is wrong with, or that are no graph."""

from __future__ import annotations

import os

import torch
from tests.checking.subjects.network import Network

net = Network()


def plain(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """Softmax of a product."""
    return torch.softmax(x @ y, -1).sum(0)


def drawn(x: torch.Tensor) -> torch.Tensor:
    """Another result each time."""
    return x + int.from_bytes(os.urandom(2), "little")


def branching(x: torch.Tensor) -> torch.Tensor:
    """A branch on data, which no export takes."""
    if float(x.sum()) > 0:
        return torch.tanh(x)
    return torch.tanh(-x)


def nothing(x: torch.Tensor) -> None:
    """Returns no tensor."""


def ends(x: torch.Tensor) -> torch.Tensor:
    """Takes the process down."""
    os._exit(7)


class Needy(torch.nn.Module):
    """Cannot be made without arguments."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.width = width


number = 3
