"""A case's program as a function of tensors, for torch: which inputs and outputs are differentiated, and in what ways
(`torch_modes`).
"""

from __future__ import annotations

import sys
import types
from collections.abc import Callable
from typing import Any

import torch

from . import derivatives, points, torch_modes
from .records import exception_record
from .torch_records import MODULE

FILE = "assay_case.py"


def answer(request: dict[str, Any], note: Callable[[str], None], everything: tuple[int, int] | None) -> dict[str, Any]:
    """The quantities of a case, as `request["derivatives"]` asks for them: their ``order``, and which of the ways that
    trace or compile the function, each dearer than all others together. Where the program cannot be run by itself, how
    it failed."""
    asked = request["derivatives"]
    module = types.ModuleType(MODULE)
    module.__file__ = FILE
    sys.modules[MODULE] = module
    note("load")
    try:
        exec(compile(request["text"], FILE, "exec", dont_inherit=True), module.__dict__)
        given = module.inputs(0)
        if hasattr(module, "state"):
            given = (module.state(), *given)
    except Exception as error:
        return {"refused": exception_record(error), "stage": "load"}
    try:
        return _Case(module.program, given, note).examined(asked, everything)
    except _Refused as refused:
        return {"refused": refused.record, "stage": refused.stage}


WARM = (
    "import torch\n\ndef program(x):\n    return x.sin()\n\ndef inputs(call=0):\n    return torch.ones(2).double(),\n"
)


def warm() -> None:
    """Differentiate something once, so that what is loaded on the way is shared by what is forked later."""
    answer(
        {"text": WARM, "derivatives": {"order": 3, "traced": [each.__name__ for each in torch_modes.TRACED]}},
        lambda text: None,
        everything=None,
    )
    torch.compiler.reset()
    sys.modules.pop(MODULE, None)


class _Refused(Exception):
    def __init__(self, record: dict[str, Any], stage: str) -> None:
        super().__init__(stage)
        self.record, self.stage = record, stage


class _Case:
    """One program at one point."""

    def __init__(self, program: Any, given: tuple[Any, ...], note: Callable[[str], None]) -> None:
        self.program, self.given, self.note = program, given, note
        self.x = [each.detach() for each in given if torch_modes.is_differentiable(each)]

    def outputs(self, *x: Any) -> list[Any]:
        """What the program gives for inputs in the places of those that are differentiated."""
        return torch_modes.outputs(self.program, self.given, x)

    def examined(self, asked: dict[str, Any], everything: tuple[int, int] | None) -> dict[str, Any]:
        """All quantities, up to the order that is asked for."""
        facts = self.facts()
        kept, why = facts.pop("kept"), facts.pop("why")
        if not kept:
            return {"quantities": [], "nothing": why, **facts}
        library = self.library(facts)
        if {each.dtype for each in library.x} - set(_WIDE):
            library.wide = self.widened(facts, kept)
        library.ways = {**library.ways, "second": derivatives.without(library.ways["second"], asked)}
        # What a trace draws it draws once, or from a generator of its own.
        traced = () if facts.pop("draws") else asked.get("traced", ())
        return derivatives.examine(library, int(asked.get("order", 2)), everything, self.note, traced)

    def widened(self, facts: dict[str, Any], kept: list[int]) -> derivatives.Library | None:
        """The same case with its inputs in float64; None where that is not what the program takes or gives."""
        given = [_widened(each) if torch_modes.is_differentiable(each) else each for each in self.given]
        wide = _Case(self.program, tuple(given), self.note)
        try:
            made = wide.outputs(*torch_modes.leaves(wide.x))
            if torch_modes.kept_outputs(made) != kept or any(made[k].dtype not in _WIDE for k in kept):
                return None
            unit = max(torch.finfo(each.dtype).eps for each in self.x)
            library = wide.library(facts)
        except Exception:
            return None
        library.nearby = lambda number: _nearby(wide.x, number, unit)
        return library

    def library(self, facts: dict[str, Any]) -> derivatives.Library:
        """What `derivatives.examine` needs to know."""
        phi, x = torch_modes.real_function(self.program, self.given)
        return derivatives.Library(
            phi=phi,
            x=x,
            ways=WAYS,
            plain=torch_modes.direct,
            moved=lambda x, v, t: [a + t * b for a, b in zip(x, v)],  # noqa: B905
            direction=lambda number, k: torch_modes.random_like(x, torch_modes.DIRECTIONS_SEED + 10 * number + k),
            nearby=lambda number: _nearby(x, number),
            weight=lambda phi, x, v: _weight(torch_modes.gradient(phi, torch_modes.leaves(x)), v),
            first=torch_modes.reverse,
            second=torch_modes.reverse_reverse,
            sizes={"sum": _size_of_sum, "curve": _size_of_curve},
            flat=lambda v: points.flat(_held(v)),
            sides=lambda: _sides(phi, x),
            facts=facts,
        )

    def facts(self) -> dict[str, Any]:
        """Run plainly and with gradients recorded: what comes out, which outputs have a gradient, and what is wrong
        that is no number. Raises _Refused."""
        before = [_bits(each) for each in self.given if isinstance(each, torch.Tensor)]
        try:
            self.note("direct")
            with torch.no_grad():
                plain = self.outputs(*self.x)
            self.note("direct again")
            with torch.no_grad():
                again = self.outputs(*self.x)
            self.note("recorded")
            x = torch_modes.leaves(self.x)
            outputs = self.outputs(*x)
            drawn = torch.default_generator.get_state()
            torch.default_generator.manual_seed(0)
            draws = not torch.equal(drawn, torch.default_generator.get_state())
        except Exception as error:
            raise _Refused(exception_record(error), "direct") from None
        wrong: list[str] = []
        after = [_bits(each) for each in self.given if isinstance(each, torch.Tensor)]
        if before != after:
            wrong.append("an input is changed")
        if [_bits(each) for each in plain] != [_bits(each) for each in again]:
            return {"kept": [], "why": "random", "shapes": [], "rules": [], "wrong": wrong, "dtypes": []}
        for number, (one, other) in enumerate(zip(plain, outputs)):  # noqa: B905
            if one.dtype != other.dtype or one.shape != other.shape:
                wrong.append(f"output {number} is {_said(other)} where gradients are recorded, {_said(one)} else")
        kept = torch_modes.kept_outputs(outputs)
        why = "" if kept else "no output has a gradient"
        if any(outputs[k].layout is not torch.strided or outputs[k].is_nested for k in kept):
            kept, why = [], "an output is sparse or nested"
        if kept and not all(bool(torch.isfinite(outputs[k]).all()) for k in kept):
            kept, why = [], "an output is not finite"
        if kept and not all(bool(torch.isfinite(each).all()) for each in self.x):
            kept, why = [], "an input is not finite"
        if kept:
            wrong += self.of_gradients(outputs, x, kept)
        rules = sorted({outputs[k].grad_fn.name() for k in kept if outputs[k].grad_fn is not None})
        return {
            "kept": kept,
            "why": why,
            "shapes": [list(each.shape) for each in self.x],
            "dtypes": sorted({str(each.dtype)[6:] for each in [*self.x, *(outputs[k] for k in kept)]}),
            "rules": rules,
            "wrong": wrong,
            "draws": draws,
        }

    def of_gradients(self, outputs: list[Any], x: list[Any], kept: list[int]) -> list[str]:
        """What is wrong with the gradients as tensors: their shapes, dtypes, layouts."""
        self.note("gradients")
        try:
            found = torch.autograd.grad([torch_modes.real(outputs[k]).sum() for k in kept], x, allow_unused=True)
        except Exception:
            return []
        wrong = []
        for number, (point, each) in enumerate(zip(x, found)):  # noqa: B905
            if each is not None and (each.shape != point.shape or each.dtype != point.dtype):
                wrong.append(f"the gradient of input {number}, {_said(point)}, is {_said(each)}")
            elif each is not None and each.layout is not point.layout:
                wrong.append(f"the layout of the gradient of input {number} is {each.layout}")
        return wrong


_WIDE = (torch.float64, torch.complex128)


def _held(v: list[Any]) -> list[Any]:
    """Tensors as numpy has them."""
    return [each.detach().resolve_conj().resolve_neg().numpy() for each in v]


def _said(tensor: Any) -> str:
    return f"{str(tensor.dtype)[6:]}{list(tensor.shape)}"


def _bits(tensor: Any) -> tuple[Any, ...]:
    if tensor.layout is not torch.strided or tensor.is_nested:
        # Of sparse and nested tensors only what they hold is compared.
        return str(tensor.dtype), tuple(_bits(each) for each in _parts(tensor.detach()))
    # What has one element is contiguous whatever its strides are; only a clone has those of its shape.
    dense = tensor.detach().resolve_conj().resolve_neg().clone(memory_format=torch.contiguous_format)
    return str(tensor.dtype), tuple(tensor.shape), dense.reshape(-1).view(torch.uint8).numpy().tobytes()


def _parts(tensor: Any) -> tuple[Any, ...]:
    """The strided tensors that one of another layout is made of."""
    if tensor.is_nested:
        return tuple(tensor.unbind())
    if tensor.layout is torch.sparse_coo:
        return tensor.coalesce().indices(), tensor.coalesce().values()
    rows = tensor.layout in (torch.sparse_csr, torch.sparse_bsr)
    indices = (tensor.crow_indices, tensor.col_indices) if rows else (tensor.ccol_indices, tensor.row_indices)
    return indices[0](), indices[1](), tensor.values()


def _widened(tensor: Any) -> Any:
    return tensor.to(torch.complex128 if tensor.is_complex() else torch.float64)


def _nearby(tensors: list[Any], number: int, unit: float | None = None) -> list[Any]:
    """Tensors whose elements are moved by about two units in the last place."""
    moved = []
    for each, along in zip(tensors, torch_modes.random_like(tensors, torch_modes.NEARBY_SEED + number, unit=True)):  # noqa: B905
        far = 2 * (torch.finfo(each.dtype).eps if unit is None else unit)
        moved.append(each * (1 + far * along.clamp(-2, 2) if not each.is_complex() else 1 + far * along))
    return moved


def _size_of_sum(phi: Any, x: Any, v: Any, w: Any) -> float:
    """The size of the terms of the derivative of the plain sum of the outputs."""
    total = torch_modes.gradient(
        lambda *x: sum(torch_modes.real(each).sum() for each in phi.parts(*x)), torch_modes.leaves(x)
    )
    return _weight(total, v)


def _size_of_curve(phi: Any, x: Any, v: Any, w: Any) -> float:
    """That of the second derivative along v too, which is subtracted."""
    return _weight(torch_modes.gradient(phi, torch_modes.leaves(x)), w) + abs(torch_modes.reverse_reverse(phi, x, v, v))


def _weight(gradient: list[Any], v: list[Any]) -> float:
    return float(sum((a.abs() * b.abs()).sum() for a, b in zip(gradient, v)))  # noqa: B905


def _sides(phi: Any, x: list[Any]) -> Any:
    """The slopes from both sides of every weighted coordinate of the outputs, by coordinate of the point."""
    weights = torch_modes.coordinates(phi.weights)

    def terms(point: Any) -> Any:
        return (weights * torch_modes.coordinates(phi.parts(*map(torch.from_numpy, point)))).double().numpy()

    with torch.no_grad():
        return points.sides(terms, _held(x), [torch_modes.size_of(each) for each in x])


def _named(ways: tuple[Any, ...]) -> dict[str, Any]:
    return {each.__name__: each for each in ways}


def _along_w(phi: Any, x: Any, v: Any, w: Any) -> float:
    return torch_modes.reverse(phi, x, w)


def _along_v(way: derivatives.Way) -> derivatives.Way:
    return lambda phi, x, v, w: way(phi, x, v)


WAYS = {
    "value": _named(torch_modes.VALUE),
    "first": _named(torch_modes.FIRST),
    "traced": _named(torch_modes.TRACED),
    "sum": {name: _along_v(way) for name, way in _named(torch_modes.SUM).items()},
    "curve": {"reverse": _along_w, "curve": torch_modes.curve},
    "second": _named(torch_modes.SECOND),
    "third": _named(torch_modes.THIRD),
}
"""The ways by quantity."""
