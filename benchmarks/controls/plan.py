"""A graph as a list of steps, each another evaluation of a node than eager's, made once per compilation.

A 16-bit result of an elementwise operation exists twice: unrounded, in float32, for elementwise operations behind it,
and rounded once something else takes it, which is what fusion does. Which of the two an operation takes is drawn per
use, as where a compiler recomputes a producer for one consumer and stores it for another.
"""

from __future__ import annotations

import math
import operator
import random
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Protocol

import torch
from torch.fx import GraphModule, Node

from benchmarks.controls import contractions, reductions, smooth
from benchmarks.controls.elementwise import FORMULAS, MOVES, SMOOTH, THROUGH_DOUBLE, in_double
from benchmarks.controls.graphs import NARROW, dtype_of, fingerprint, operands, operator_name
from benchmarks.controls.steps import Frame, Function, Raised, Step, Stored

UNROUNDED_SHARE = 0.8
CONTRACTED_SHARE = 0.6
REMOVED_CASTS = 0.5
ANOTHER_SHARE = 0.85
EQUALITIES = frozenset(["eq", "ne"])
"""They take what was stored: the least element of a row is one of the row, and the gradient of amin counts which. A
backend that compares an unrounded element with the rounded least one finds none, and divides by zero.
"""


class Planted(Protocol):
    """A fault in one node."""

    node: Node

    def wrap(self, function: Function) -> Function:
        """The function of the node, with the fault in it."""
        ...


class Plan:
    """The steps of a graph; callable on the list of its inputs, which it empties."""

    def __init__(self, module: GraphModule, planted: Planted | None = None) -> None:
        self._draw = random.Random(fingerprint(module.graph))
        self._forms: dict[Node, bool] = {}
        self._planted = planted
        self._slots: dict[Node, int] = {}
        self._unrounded: set[Node] = set()
        self._inputs: list[int] = []
        self._constants: list[tuple[int, Any]] = []
        self._steps: list[Step] = []
        self._output: Any = None
        # By this AOTAutograd knows that the inputs come as one list; a copy of it is made from the instance's.
        self._boxed_call = True
        for slot, node in enumerate(module.graph.nodes):
            self._slots[node] = slot
            match node.op:
                case "placeholder":
                    self._inputs.append(slot)
                case "get_attr":
                    self._constants.append((slot, _attribute(module, str(node.target))))
                case "output":
                    self._output = self._stored(node.args[0])
                case _:
                    self._steps.append(self._step(node))

    def __call__(self, inputs: list[Any]) -> Any:
        frame = Frame(len(self._slots))
        for slot, value in zip(self._inputs, inputs, strict=True):
            frame.stored[slot] = value
        inputs.clear()
        for slot, value in self._constants:
            frame.stored[slot] = value
        for step in self._steps:
            step.run(frame)
        return frame.take(self._output)

    def _step(self, node: Node) -> Step:
        """The step of a node; one with a fault is evaluated as it stands, but for the fault."""
        wrong = self._planted is not None and self._planted.node is node
        step = self._elementwise(node, wrong) or self._composed(node) or self._as_it_is(node)
        if not wrong:
            return step
        assert self._planted is not None
        changed = replace(step, function=self._planted.wrap(step.function))
        return changed if changed.as_traced else replace(changed, as_traced=self._as_it_is(node), dtypes=_dtypes(node))

    def _as_it_is(self, node: Node) -> Step:
        """The step that a node is by itself."""
        assert callable(node.target)
        function: Function = node.target
        if function is operator.mul and len(node.args) > 2:
            # torch 2.13 traces products of sizes so (bugs/size-product-drops-factor).
            function = _product
        return Step(self._slots[node], function, *self._call(node, self._stored))

    def _composed(self, node: Node) -> Step | None:
        """A reduction, contraction or norm by another evaluation."""
        name = operator_name(node)
        if not name or self._draw.random() > ANOTHER_SHARE:
            return None
        function = (
            reductions.another(name, node, self._draw)
            or contractions.another(name, node, self._draw)
            or smooth.another(name, node)
        )
        if function is None:
            return None
        return self._changed(node, function, self._call(node, self._stored))

    def _elementwise(self, node: Node, wrong: bool) -> Step | None:
        """An elementwise operation in a wider type or by another formula; None where nothing of it is to change."""
        name, dtype = operator_name(node), dtype_of(node)
        packet = name.partition(".")[0]
        if dtype is None:
            return None
        if packet == "_to_copy":
            return self._cast(node, dtype)
        if (packet not in MOVES and packet not in SMOOTH) or packet in EQUALITIES:
            return None
        exact = packet in MOVES or name.endswith("_mode")
        target: Any = node.target
        narrow = [each for each in operands([node.args, *node.kwargs.values()]) if dtype_of(each) in NARROW]
        if narrow and (dtype in NARROW or any(each in self._unrounded for each in narrow)):
            formula = FORMULAS.get(name) if not exact and self._draw.random() < 0.5 else None
            call = self._call(node, self._raised)
            if exact:
                call = _scalars_of(call, dtype_of(narrow[0]))
            return self._place(node, formula or target, call, dtype)
        if exact or not dtype.is_floating_point or not _all_of(node, dtype):
            return None
        if dtype == torch.float32 and not wrong:
            contracted = self._contracted(node, name)
            if contracted is not None:
                return contracted
        choice, formula = self._draw.random(), FORMULAS.get(name)
        if dtype == torch.float32 and name in THROUGH_DOUBLE and choice < 0.3:
            formula = THROUGH_DOUBLE[name]
        elif dtype == torch.float32 and (choice < 0.35 or (formula is None and choice < 0.7)):
            formula = in_double(target)
        elif choice > 0.7:
            formula = None
        return None if formula is None else self._place(node, formula, self._call(node, self._stored), dtype)

    def _place(self, node: Node, function: Function, call: Any, dtype: torch.dtype) -> Step:
        """An elementwise step, whose result is left unrounded where that means anything."""
        step = self._changed(node, function, call)
        if dtype not in NARROW:
            return step
        self._unrounded.add(node)
        return replace(step, unrounded=True)

    def _changed(self, node: Node, function: Function, call: Any) -> Step:
        args, kwargs = call
        return Step(self._slots[node], function, args, kwargs, self._as_it_is(node), _dtypes(node))

    def _cast(self, node: Node, dtype: torch.dtype) -> Step | None:
        """A conversion: to 16 bits, removed half of the time; from 16 bits, of what was not rounded."""
        source = dtype_of(node.args[0])
        if source in NARROW and node.args[0] in self._unrounded and dtype not in NARROW:
            return self._place(node, lambda x: x.to(dtype, copy=True), ((self._raised(node.args[0]),), {}), dtype)
        if dtype in NARROW and (source in NARROW or source == torch.float32) and self._draw.random() < REMOVED_CASTS:
            return self._place(node, lambda x: x.clone(), ((self._raised(node.args[0]),), {}), dtype)
        return None

    def _contracted(self, node: Node, name: str) -> Step | None:
        """A sum with a product in it, rounded once; the product may have other uses, which take the rounded one."""
        if name not in ("add.Tensor", "sub.Tensor") or node.kwargs or self._draw.random() > CONTRACTED_SHARE:
            return None
        for position in (0, 1):
            factor, other = node.args[position], node.args[1 - position]
            if not isinstance(factor, Node) or operator_name(factor) != "mul.Tensor" or not isinstance(other, Node):
                continue
            if dtype_of(factor) != torch.float32 or not _all_of(factor, torch.float32):
                continue
            if self._planted is not None and self._planted.node is factor:
                continue
            sign_of_product = -1.0 if name == "sub.Tensor" and position == 1 else 1.0
            sign_of_other = -1.0 if name == "sub.Tensor" and position == 0 else 1.0
            call = tuple(self._stored(each) for each in (*factor.args, other)), {}
            return self._place(node, _fused(sign_of_product, sign_of_other), call, torch.float32)
        return None

    def _call(self, node: Node, operand: Callable[[Any], Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        # An operation that takes a value twice takes it in one form: no compiler finds x unequal to x.
        self._forms = {}
        return tuple(map(operand, node.args)), {name: operand(value) for name, value in node.kwargs.items()}

    def _stored(self, argument: Any) -> Any:
        if isinstance(argument, Node):
            return Stored(self._slots[argument])
        if isinstance(argument, tuple):
            return tuple(self._stored(each) for each in argument)
        return [self._stored(each) for each in argument] if isinstance(argument, list) else argument

    def _raised(self, argument: Any) -> Any:
        if dtype_of(argument) in NARROW:
            if argument not in self._forms:
                self._forms[argument] = argument in self._unrounded and self._draw.random() < UNROUNDED_SHARE
            return Raised(self._slots[argument], self._forms[argument])
        if isinstance(argument, list | tuple):
            return [self._raised(each) for each in argument]
        return self._stored(argument)


def _product(*factors: Any) -> Any:
    return math.prod(factors)


def _dtypes(node: Node) -> tuple[torch.dtype | None, ...]:
    """The dtypes of a node's results, as traced."""
    value = node.meta.get("val")
    values = value if isinstance(value, list | tuple) else [value]
    return tuple(each.dtype if isinstance(each, torch.Tensor) else None for each in values)


def _attribute(module: Any, path: str) -> Any:
    for name in path.split("."):
        module = getattr(module, name)
    return module


def _all_of(node: Node, dtype: torch.dtype) -> bool:
    """Whether all tensors that a node takes are of a dtype."""
    found = [dtype_of(each) for each in operands([node.args, *node.kwargs.values()]) if isinstance(each, Node)]
    return all(each == dtype for each in found)


def _scalars_of(call: tuple[tuple[Any, ...], dict[str, Any]], dtype: torch.dtype | None) -> Any:
    """The arguments of a call with its numbers rounded to the dtype of the operands, as eager mode has them."""

    def rounded(value: Any) -> Any:
        return torch.tensor(value, dtype=dtype).item() if type(value) is float else value

    return tuple(map(rounded, call[0])), {name: rounded(value) for name, value in call[1].items()}


def _fused(sign_of_product: float, sign_of_other: float) -> Function:
    def function(x: Any, y: Any, other: Any) -> torch.Tensor:
        product = torch.as_tensor(x, dtype=torch.float64) * torch.as_tensor(y, dtype=torch.float64)
        return sign_of_product * product + sign_of_other * other.double()

    return function
