"""torch.compile backends of a user's: each miscompiles one operator where it stands in one place."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch


def _name(node: torch.fx.Node) -> str:
    """The operator's bare name, of a function, a method or an operator of aten."""
    if isinstance(node.target, torch._ops.OpOverload):
        return node.target.overloadpacket.__name__
    return node.target if isinstance(node.target, str) else getattr(node.target, "__name__", "")


def _scaled(node: torch.fx.Node, graph: torch.fx.Graph) -> None:
    """Use a hundredth more than what a node gives."""
    with graph.inserting_after(node):
        more = graph.call_function(torch.mul, (node, 1.01))
    node.replace_all_uses_with(more, delete_user_cb=lambda user: user is not more)


def second_softmax(module: torch.fx.GraphModule, inputs: list[Any]) -> Callable[..., Any]:
    """The second softmax of a graph is a hundredth too large; the first is right."""
    found = [node for node in module.graph.nodes if _name(node) == "softmax"]
    for node in found[1:2]:
        _scaled(node, module.graph)
    module.recompile()
    return module.forward


def silu_before_mul(module: torch.fx.GraphModule, inputs: list[Any]) -> Callable[..., Any]:
    """An activation that is multiplied is a hundredth too large, as a wrong fusion of the two makes it; any other is
    right."""
    for node in list(module.graph.nodes):
        if _name(node) == "silu" and any(_name(user) == "mul" for user in node.users):
            _scaled(node, module.graph)
    module.recompile()
    return module.forward
