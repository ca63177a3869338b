"""torch.compile backends with one fault each. ``ASSAY_TEST_FAULT=off`` takes the faults away."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Callable
from typing import Any

import torch

FAULTY = os.environ.get("ASSAY_TEST_FAULT") != "off"


def doubles(module: torch.fx.GraphModule, inputs: list[Any]) -> Callable[..., Any]:
    """Every floating-point output twice what it should be."""

    def run(*arguments: Any) -> Any:
        result = module.forward(*arguments)
        return type(result)(each * 2 if FAULTY and each.is_floating_point() else each for each in result)

    return run


def _with(module: torch.fx.GraphModule, names: tuple[str, ...], wrong: Callable[..., Any]) -> Callable[..., Any]:
    for node in module.graph.nodes:
        name = node.target if isinstance(node.target, str) else getattr(node.target, "__name__", "")
        if FAULTY and node.op in ("call_function", "call_method") and name in names:
            node.op, node.target = "call_function", wrong
    module.recompile()
    return module.forward


def _short_sum(x: torch.Tensor, **rest: Any) -> torch.Tensor:
    return torch.sum(x[..., :-1] if x.ndim and x.shape[-1] > 1 else x, **rest)


def drops_last_of_sums(module: torch.fx.GraphModule, inputs: list[Any]) -> Callable[..., Any]:
    """Sums without the last column."""
    return _with(module, ("sum",), _short_sum)


def raises_on_tanh(module: torch.fx.GraphModule, inputs: list[Any]) -> Callable[..., Any]:
    """An internal error while a certain operator is compiled."""
    for node in module.graph.nodes:
        if FAULTY and "tanh" in str(node.target):
            raise RuntimeError(f"no lowering of the hyperbolic tangent for shape {list(inputs[0].shape)}")
    return module.forward


def _dies(*arguments: Any, **rest: Any) -> Any:
    return ctypes.string_at(0)


def dies_on_floor(module: torch.fx.GraphModule, inputs: list[Any]) -> Callable[..., Any]:
    """A kernel that takes the process down."""
    return _with(module, ("floor",), _dies)


def forgets_mutation(module: torch.fx.GraphModule, inputs: list[Any]) -> Callable[..., Any]:
    """Writes go to copies of the inputs."""

    def run(*arguments: Any) -> Any:
        if not FAULTY:
            return module.forward(*arguments)
        return module.forward(*(each.clone() if isinstance(each, torch.Tensor) else each for each in arguments))

    return run
