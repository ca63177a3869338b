"""torch.compile backends of a user's: one that miscompiles one operator, at one of its forms."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch


def _wrong(x: torch.Tensor) -> torch.Tensor:
    return torch.nn.functional.silu(x) * 1.01


def wrong_silu(module: torch.fx.GraphModule, inputs: list[Any]) -> Callable[..., Any]:
    """The activation is a hundredth too large; all else is as eager."""
    for node in module.graph.nodes:
        name = node.target if isinstance(node.target, str) else getattr(node.target, "__name__", "")
        if node.op == "call_function" and name == "silu":
            node.target, node.kwargs = _wrong, {}
            node.args = node.args[:1]
    module.recompile()
    return module.forward


def negates_tanh(module: torch.fx.GraphModule, inputs: list[Any]) -> Callable[..., Any]:
    """The hyperbolic tangent with the other sign."""
    for node in module.graph.nodes:
        name = node.target if isinstance(node.target, str) else getattr(node.target, "__name__", "")
        if node.op in ("call_function", "call_method") and name == "tanh":
            node.op, node.target = "call_function", lambda x: -torch.tanh(x)
    module.recompile()
    return module.forward
