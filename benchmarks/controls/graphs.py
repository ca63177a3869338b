"""What the rules ask of an aten graph and its nodes: operators, dtypes, and a number to draw by."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import Any

import torch
from torch.fx import Graph, Node

NARROW = (torch.float16, torch.bfloat16)
ROUNDOFF = {torch.float16: 2.0**-11, torch.bfloat16: 2.0**-8, torch.float32: 2.0**-24, torch.float64: 2.0**-53}


def words(text: str) -> frozenset[str]:
    """The words of a text, as a set."""
    return frozenset(text.split())


def operator_name(node: Node) -> str:
    """``add.Tensor`` for aten's; empty for what is no operator of aten."""
    target = node.target
    if not isinstance(target, torch._ops.OpOverload) or target.namespace != "aten":
        return ""
    return target.__name__


def packet_name(node: Node) -> str:
    """``add`` for any overload of aten's addition."""
    return operator_name(node).partition(".")[0]


def dtype_of(value: Any) -> torch.dtype | None:
    """The dtype of a node that is one tensor; None for anything else."""
    found = value.meta.get("val") if isinstance(value, Node) else None
    return found.dtype if isinstance(found, torch.Tensor) else None


def operands(arguments: Any) -> Iterator[Any]:
    """The leaves of a node's arguments."""
    if isinstance(arguments, list | tuple):
        for each in arguments:
            yield from operands(each)
    else:
        yield arguments


def fingerprint(graph: Graph) -> int:
    """A number that follows from the operators of a graph, in order: the same for other sizes and dtypes."""
    return zlib.crc32(" ".join(str(node.target) for node in graph.nodes if node.op == "call_function").encode())


def wider(dtype: torch.dtype) -> torch.dtype:
    """What a careful compiler computes in."""
    return torch.float32 if dtype in NARROW else torch.float64
