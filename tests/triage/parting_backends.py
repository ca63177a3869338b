"""torch.compile backends that are wrong about the hyperbolic tangent, or about a write, each seen in another way."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch


def _replaced(module: torch.fx.GraphModule, name: str, wrong: Callable[..., Any]) -> Callable[..., Any]:
    for node in module.graph.nodes:
        target = node.target if isinstance(node.target, str) else getattr(node.target, "__name__", "")
        if node.op in ("call_function", "call_method") and target == name:
            node.op, node.target = "call_function", wrong
    module.recompile()
    return module.forward


def _outputs(module: torch.fx.GraphModule) -> int:
    (output,) = (node for node in module.graph.nodes if node.op == "output")
    return len(output.args[0])


def _wrong_tanh(x: torch.Tensor) -> torch.Tensor:
    return -torch.tanh(x)


def negates_tanh(module: torch.fx.GraphModule, inputs: list[Any]) -> Callable[..., Any]:
    """Whatever is returned."""
    return _replaced(module, "tanh", _wrong_tanh)


def negates_tanh_alone(module: torch.fx.GraphModule, inputs: list[Any]) -> Callable[..., Any]:
    """Only where the graph has one result, as if what computes it were fused."""
    return negates_tanh(module, inputs) if _outputs(module) == 1 else module.forward


def negates_tanh_of_two(module: torch.fx.GraphModule, inputs: list[Any]) -> Callable[..., Any]:
    """Only where the graph has two results."""
    return negates_tanh(module, inputs) if _outputs(module) == 2 else module.forward


def doubles_gradient_of_tanh(module: torch.fx.GraphModule, inputs: list[Any]) -> Callable[..., Any]:
    """Forward is right, backward is not."""
    return _replaced(module, "tanh", lambda x: 2 * torch.tanh(x) - torch.tanh(x).detach())


def writes_one_more(module: torch.fx.GraphModule, inputs: list[Any]) -> Callable[..., Any]:
    """An addition in place that adds one too many."""
    return _replaced(module, "add_", lambda x, *rest, **options: x.add_(*rest, **options).add_(1))
