"""Arguments for operators of PyTorch of which nothing but the schema is known: guessed until some are accepted.

For `probe_torch`, which imports it from beside. What an argument is tried with depends on its type and on what such an
argument is called all over PyTorch; tensors of one call are mostly of one shape.
"""

from __future__ import annotations

import keyword
import random
import re
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import torch
from calls_torch import Call, Emit, Offers, Unusable, api, performed
from torch.utils import _pytree as pytree

TRIES = 200
KEPT = 6
HOPELESS = 12
"""So many refusals that have nothing to do with the arguments are enough."""
SHAPES = ((3, 3), (2, 3), (4,), (1, 2, 4, 4), (2, 3, 4), (2, 4, 4), (1, 2, 4, 4, 4), ())
WORDS = ("none", "mean", "sum", "amax", "reflect", "tanh", "floor", "ij", "fro", "fan_in", "linear", "right", "prod")
INTEGRAL = re.compile("ind(ex|ices)|target|offset|mask$|lengths?$|sizes$|batch_sizes|pivots|bag|^rois")
CHANNELS = re.compile("weight|bias|mean|var|invstd|std|scale|zero_point|gamma|beta")
NUMBERS = {
    "dim|axis": (0, 1, -1, -2),
    "reduction": (1, 0, 2),
    "size|step|start|end|index": (0, 1, 2),
    "group|chunks|sections|repeats|^n$|^k$|^p$|bins": (1, 2, 3),
    "": (1, 2, 0, 3, 4),
}
LISTS = {
    "dim|axes|axis": ((0,), (1,), (-1,), (0, 1), (-2, -1)),
    "kernel|output_size|blocks|window": ((2,), (2, 2), (2, 2, 2), (1, 1)),
    "stride|dilation|scale": ((1,), (1, 1), (1, 1, 1), (2, 2), (2,)),
    "pad": ((0,), (0, 0), (0, 0, 0), (1,), (1, 1), (1, 1, 1), (1, 1, 1, 1)),
    "": ((1,), (2,), (1, 1), (2, 2), (0, 1), (1, 0), (2, 3)),
}


SHAPED = {"theta|affine_grid": (1, 2, 3), "quaternion|real": (3, 2)}
"""Shapes of tensors that the operator wants whatever the others are, by the name of argument or operator."""
NOT_ALONE = re.compile(
    "requires_grad_|_fw_primal|_(make|unpack)_dual|_lazy_clone|_(add|remove)_batch_dim|_resize_output"
)
UNDIFFERENTIABLE = "its result has no derivative"
UNGUESSED = "no guess of its arguments is accepted"
KERNELLESS = "no kernel for dense tensors of floating point on the CPU"


class Guesses:
    """Arguments drawn for the arguments of one schema."""

    def __init__(self, schema: Any, rng: random.Random) -> None:
        self.schema = schema
        self.rng = rng
        self.shape: tuple[int, ...] = ()
        self.dtype = torch.float64

    def draw(self) -> tuple[list[Any], dict[str, Any]]:
        """Positional arguments, and those that only have a name. Raises Unusable."""
        self.shape = self.rng.choice(SHAPES)
        self.dtype = torch.complex128 if self.rng.random() < 0.1 else torch.float64
        positional, named = [], {}
        for argument in self.schema.arguments:
            left = argument.has_default_value() and self.rng.random() < 0.6
            if argument.kwarg_only:
                if not left:
                    named[argument.name] = self._drawn(argument)
            else:
                positional.append((argument.default_value if left else self._drawn(argument), left))
        while positional and positional[-1][1]:
            positional.pop()
        return [value for value, _ in positional], named

    def _drawn(self, argument: Any) -> Any:
        text = str(argument.type)
        if text.startswith("Optional["):
            if self.rng.random() < 0.4:
                return None
            text = text.removeprefix("Optional[").removesuffix("]")
        if text.startswith("List["):
            return self._list(text.removeprefix("List[").removesuffix("]"), argument)
        return self._one(text, argument.name)

    def _one(self, text: str, name: str) -> Any:
        choose = self.rng.choice
        match text:
            case "Tensor":
                return self._tensor(name)
            case "int" | "SymInt":
                if name in ("dtype", "layout", "memory_format", "device"):
                    return {"dtype": torch.float64, "layout": torch.strided}.get(name)
                return choose(_named(NUMBERS, name) + tuple(self.shape)[:1])
            case "float":
                return choose((0.5, 1.0, 1e-3, 2.0))
            case "number" | "Scalar" | "SymFloat":
                return choose((0.5, 2.0, 1, -1.5, 2))
            case "bool" | "SymBool":
                return choose((True, False))
            case "str":
                return choose(WORDS)
            case "complex":
                return complex(0.5, 1.0)
            case "Device" | "Generator":
                return None
        raise Unusable(f"an argument of type {text}")

    def _list(self, text: str, argument: Any) -> Any:
        fixed = getattr(argument, "N", None)
        name = argument.name
        if text in ("int", "SymInt"):
            if fixed and self.rng.random() < 0.9:
                return [self.rng.choice(_named(LISTS, name))[0]] * fixed
            if re.search("size|shape", name) and self.rng.random() < 0.7:
                return list(self.shape)
            return list(self.rng.choice(_named(LISTS, name)))
        if text == "Optional[Tensor]":
            return [torch.tensor([0, 1]) for _ in range(self.rng.choice((1, 1, 2)))]
        if text == "bool":
            return [True] * (fixed or 2)
        count = 2 if text == "Tensor" else fixed or self.rng.choice((1, 2, 3))
        return [self._one(text, name) for _ in range(count)]

    def _tensor(self, name: str) -> torch.Tensor:
        rng = self.rng
        shape = self.shape
        if INTEGRAL.search(name) and rng.random() < 0.8:
            if "mask" in name and rng.random() < 0.6:
                return torch.rand(shape) < 0.5
            shape = rng.choice((shape, shape[:1], (2,), shape[:-1]))
            return torch.randint(0, 2, shape)
        if CHANNELS.search(name) and rng.random() < 0.6:
            shape = rng.choice((shape[1:2], shape[-1:], shape[:1]))
        elif rng.random() < 0.25:
            transposed = (*shape[:-2], *shape[:-3:-1])
            shape = rng.choice((transposed, shape[1:], shape[-1:], shape[:1], shape[1:2], (), (2, *shape), (3, 3)))
        for pattern, fixed in SHAPED.items():
            if re.search(pattern, name) and rng.random() < 0.8:
                shape = fixed
        if rng.random() < 0.08:
            return torch.randint(0, 2, shape)
        return 0.1 + 0.8 * torch.rand(shape, dtype=self.dtype)


def _named(table: dict[str, Any], name: str) -> tuple[Any, ...]:
    values: tuple[Any, ...] = next(values for pattern, values in table.items() if re.search(pattern, name))
    return values


def from_schema(what: Any, given: Sequence[dict[str, Any]], emit: Emit) -> None:
    """Calls of an operator of which the result can be differentiated: those seen first, then guesses."""
    name = f"torch.ops.{what}"
    told = api(name, "schema")
    unfit = _unfit(what)
    if unfit:
        emit({"refused": unfit})
        return
    offers = Offers(name, emit)
    refused: Counter[str] = Counter()
    forms: set[str] = set()
    guesses = Guesses(what._schema, random.Random(name))
    for attempt in range(len(given) + TRIES):
        hopeless = refused[UNDIFFERENTIABLE] + refused[KERNELLESS] >= HOPELESS and not offers.kept
        if len(offers.kept) >= KEPT or hopeless or offers.late():
            break
        try:
            call = Call.again(given[attempt]) if attempt < len(given) else Call(*guesses.draw())
            form = repr((call.args, call.kwargs, [(each.dtype, each.shape) for each in call.tensors]))
            if form in forms:
                continue
            forms.add(form)
            _derived(what, call, told["inplace"])
        except Unusable as error:
            refused[str(error)] += 1
        except NotImplementedError:
            refused[KERNELLESS] += 1
        except Exception:
            refused[UNGUESSED] += 1
        else:
            offers.offer(told, what, call)
    if not offers.kept:
        known = (
            UNDIFFERENTIABLE if refused[UNDIFFERENTIABLE] else refused.most_common(1)[0][0] if refused else UNGUESSED
        )
        emit({"refused": known})


def _unfit(what: Any) -> str:
    """Why an operator is not called at all, if it is not."""
    packet, overload = str(what).split(".")[1:]
    if NOT_ALONE.match(packet):
        return "a part of how derivatives and batches are made, not to be called by itself"
    if packet.startswith("_test_") or packet == "_foobar":
        return "it is there for PyTorch's own tests"
    if keyword.iskeyword(overload):
        return "its overload has no name that can be written in Python"
    types = {str(each.type) for each in what._schema.arguments if not each.has_default_value()}
    strange = sorted(each for each in types if re.search("__torch__|Dimname|Stream|Storage|QScheme", each))
    return f"an argument of type {strange[0]}" if strange else ""


def _derived(what: Callable[..., Any], call: Call, inplace: bool) -> None:
    """Checks that the call runs twice to the same finite results, and that one of them has a derivative."""
    one, other = (_results(what, call, inplace, ()) for _ in range(2))
    for left, right in zip(one, other, strict=True):
        if not (torch.equal(left, right) and bool(left.isfinite().all())):
            raise Unusable("its results are not finite, or not the same when it is called again")
    floats = [index for index, each in enumerate(call.tensors) if each.is_floating_point() or each.is_complex()]
    if not floats:
        raise Unusable("no argument of floating point")
    refusal: Exception | None = None
    for wanted in (floats, *([index] for index in floats)):
        try:
            results = _results(what, call, inplace, wanted)
        except RuntimeError as error:
            refusal = Unusable(UNDIFFERENTIABLE) if "derivative for" in str(error) else error
            continue
        if any(each.grad_fn is not None and "NotImplemented" not in each.grad_fn.name() for each in results):
            return
    raise refusal or Unusable(UNDIFFERENTIABLE)


def _results(what: Callable[..., Any], call: Call, inplace: bool, wanted: Sequence[int]) -> list[torch.Tensor]:
    tensors = [each.clone().requires_grad_(index in wanted) for index, each in enumerate(call.tensors)]
    if inplace:
        tensors = [each.clone() for each in tensors]
    result = performed(what, call, tensors)
    leaves = (each for each in pytree.tree_leaves(result) if isinstance(each, torch.Tensor))
    return [each for each in leaves if each.is_floating_point() or each.is_complex()]
