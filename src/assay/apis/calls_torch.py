"""Calls of PyTorch as JSON: what they are made of, how they are made again, and which of them come back the same.

For `probe_torch`, which imports it from beside. A call is kept with all elements of its tensors; written down, a tensor
that is large and of no structure is the range of its elements, and digits that the call can do without are left out.
"""

from __future__ import annotations

import json
import math
import random
import sys
import time
import warnings
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import torch
from torch.utils import _pytree as pytree

Emit = Callable[[dict[str, Any]], None]

CPU_SECONDS = 12.0
"""After as much an entry takes up no further call."""
VALUES = 64
STRUCTURED_VALUES = 1024
ELEMENTS = 4096
LARGEST = 1 << 18
LONGEST = 40 * ELEMENTS
DIGITS = 4

NAMESPACES = (
    "torch",
    "torch.nn.functional",
    "torch.linalg",
    "torch.fft",
    "torch.special",
    "torch.masked",
    "torch.sparse",
    "torch.signal.windows",
    "torch.nested",
    "torch.Tensor",
    "torch._C._nn",
)
ATTRIBUTES = frozenset(["T", "H", "mT", "mH", "real", "imag"])
"""Attributes of a tensor that compute; each is called through its descriptor."""


class Unusable(Exception):
    """A call that cannot be written down; the text says why."""


class Call:
    """What a call is made of, apart from the tensors' elements: VALUEs that refer to ``tensors`` by index."""

    def __init__(self, args: Iterable[Any], kwargs: dict[str, Any]) -> None:
        self.tensors: list[torch.Tensor] = []
        self._index: dict[int, int] = {}
        self._seen: list[torch.Tensor] = []
        self.args = [self.value(each) for each in args]
        self.kwargs = {name: self.value(each) for name, each in kwargs.items()}
        self.more: dict[str, Any] = {}

    @classmethod
    def again(cls, seed: dict[str, Any]) -> Call:
        """The call of a SEED."""
        call = cls((), {})
        call.args, call.kwargs = seed["args"], seed["kwargs"]
        call.more = {key: seed[key] for key in ("init", "state") if key in seed}
        call.tensors = [built(each) for each in seed["tensors"]]
        return call

    def value(self, value: Any) -> Any:
        if value is None or isinstance(value, bool | str):
            return value
        if isinstance(value, torch.Tensor):
            return {"tensor": self._tensor(value)}
        if isinstance(value, torch.dtype | torch.layout | torch.memory_format):
            return {"code": str(value)}
        if isinstance(value, torch.device):
            return {"code": f"torch.device({str(value)!r})"}
        if isinstance(value, slice | range | type(Ellipsis)):
            return self._code(value)
        if isinstance(value, type) and value in (bool, int, float, complex):
            return {"code": value.__name__}
        if type(value).__module__ == "numpy" and hasattr(value, "item") and not getattr(value, "shape", ()):
            value = value.item()
        if isinstance(value, int | float):
            return _number(value)
        if isinstance(value, complex):
            return {"complex": [_number(value.real), _number(value.imag)]}
        if isinstance(value, list):
            return [self.value(each) for each in value]
        if isinstance(value, tuple):
            return {"tuple": [self.value(each) for each in value]}
        if isinstance(value, set | frozenset):
            return {"set": [self.value(each) for each in sorted(value)]}
        if isinstance(value, dict):
            return {"dict": [[self.value(key), self.value(each)] for key, each in value.items()]}
        raise Unusable(f"an argument of type {type(value).__name__}")

    def _code(self, value: Any) -> dict[str, str]:
        if isinstance(value, slice):
            parts = (value.start, value.stop, value.step)
            if not all(part is None or type(part) is int for part in parts):
                raise Unusable("a slice of other than integers")
        return {"code": repr(value)}

    def _tensor(self, tensor: torch.Tensor) -> int:
        if type(tensor) not in (torch.Tensor, torch.nn.Parameter):
            raise Unusable(f"a {type(tensor).__name__}")
        if tensor.layout is not torch.strided:
            raise Unusable(f"a tensor of layout {tensor.layout}")
        if tensor.device.type != "cpu" or tensor.is_quantized:
            raise Unusable("a tensor that is quantized or not on the CPU")
        if tensor.numel() > LARGEST:
            raise Unusable(f"a tensor of more than {LARGEST} elements")
        if id(tensor) not in self._index:
            self._index[id(tensor)] = len(self.tensors)
            self._seen.append(tensor)
            plain = tensor.detach().resolve_conj().resolve_neg()
            self.tensors.append(plain.clone(memory_format=torch.contiguous_format))
        return self._index[id(tensor)]

    def written(self, whole: bool) -> dict[str, Any]:
        told: dict[str, Any] = {"args": self.args, "kwargs": self.kwargs}
        return {**told, "tensors": [described(each, whole) for each in self.tensors], **self.more}


def _number(value: float) -> Any:
    if isinstance(value, bool) or math.isfinite(value):
        return float(value) if isinstance(value, float) else int(value)
    return {"float": _spelled_float(value)}


def _spelled_float(value: float) -> str:
    return "nan" if math.isnan(value) else "inf" if value > 0 else "-inf"


def described(tensor: torch.Tensor, whole: bool) -> dict[str, Any]:
    """A TENSOR: with elements where there are few or where they hang together, else with their range. ``whole`` keeps
    all elements and all digits."""
    told: dict[str, Any] = {"dtype": str(tensor.dtype).removeprefix("torch."), "shape": list(tensor.shape)}
    count = tensor.numel()
    if not (tensor.is_floating_point() or tensor.is_complex()):
        if count <= ELEMENTS:
            return {**told, "values": tensor.reshape(-1).tolist()}
        return {**told, "low": int(tensor.min()), "high": int(tensor.max())}
    structure = _structure(tensor) if count <= STRUCTURED_VALUES else ""
    digits = 17 if whole or structure == "orthonormal" else DIGITS
    kept = ELEMENTS if whole else STRUCTURED_VALUES if structure else VALUES
    if count <= kept:
        return {**told, "values": [_element(each, digits) for each in tensor.reshape(-1).tolist()]}
    parts = torch.view_as_real(tensor) if tensor.is_complex() else tensor
    finite = parts[parts.isfinite()]
    low, high = (float(finite.min()), float(finite.max())) if finite.numel() else (0.0, 0.0)
    return {**told, "low": _shortened(low, DIGITS), "high": _shortened(high, DIGITS)}


def _element(value: Any, digits: int) -> Any:
    if isinstance(value, complex):
        return [_element(value.real, digits), _element(value.imag, digits)]
    return _shortened(value, digits) if math.isfinite(value) else _spelled_float(value)


def _shortened(value: float, digits: int) -> float:
    return float(f"{value:.{digits}g}")


def _structure(tensor: torch.Tensor) -> str:
    """What the matrices in the last two dimensions are, if anything that other elements would not be."""
    if tensor.dim() < 2 or min(tensor.shape[-2:]) < 2 or tensor.numel() == 0 or not bool(tensor.isfinite().all()):
        return ""
    matrix = tensor.to(torch.complex128 if tensor.is_complex() else torch.float64)
    rows, columns = matrix.shape[-2:]
    if rows >= columns:
        product = matrix.mH @ matrix
        if torch.allclose(product, torch.eye(columns, dtype=matrix.dtype).expand_as(product), atol=1e-6):
            return "orthonormal"
    if rows == columns and torch.allclose(matrix, matrix.mH):
        return "symmetric"
    if bool((matrix.tril() == matrix).all()) or bool((matrix.triu() == matrix).all()):
        return "triangular"
    return ""


def built(told: dict[str, Any]) -> torch.Tensor:
    """The tensor that a TENSOR describes; where it gives a range, drawn from it."""
    dtype = getattr(torch, told["dtype"])
    if "values" not in told:
        if not (dtype.is_floating_point or dtype.is_complex):
            return torch.randint(told["low"], told["high"] + 1, told["shape"]).to(dtype)
        drawn = torch.rand([*told["shape"], 2] if dtype.is_complex else told["shape"], dtype=torch.float64)
        drawn = told["low"] + (told["high"] - told["low"]) * drawn
        return (torch.view_as_complex(drawn) if dtype.is_complex else drawn).to(dtype)
    values = told["values"]
    if dtype.is_complex:
        values = [complex(float(re), float(im)) for re, im in values]
    elif dtype.is_floating_point:
        values = [float(each) for each in values]
    return torch.tensor(values, dtype=dtype).reshape(told["shape"])


def decoded(value: Any, tensors: Sequence[torch.Tensor]) -> Any:
    """What a VALUE stands for."""
    if isinstance(value, list):
        return [decoded(each, tensors) for each in value]
    if not isinstance(value, dict):
        return value
    ((form, inner),) = value.items()
    match form:
        case "tensor":
            return tensors[inner]
        case "float":
            return float(inner)
        case "complex":
            return complex(*(decoded(part, tensors) for part in inner))
        case "tuple":
            return tuple(decoded(each, tensors) for each in inner)
        case "set":
            return {decoded(each, tensors) for each in inner}
        case "dict":
            return {decoded(key, tensors): decoded(each, tensors) for key, each in inner}
    return eval(inner, {"torch": torch})


def performed(what: Callable[..., Any], call: Call, tensors: Sequence[torch.Tensor]) -> Any:
    """The result of a call on these tensors. A module is made first, in double precision."""
    torch.manual_seed(0)
    args = decoded(call.args, tensors)
    kwargs = {name: decoded(each, tensors) for name, each in call.kwargs.items()}
    if not (isinstance(what, type) and issubclass(what, torch.nn.Module)):
        return what(*args, **kwargs)
    init = call.more["init"]
    made = {name: decoded(each, tensors) for name, each in init["kwargs"].items()}
    module = what(*decoded(init["args"], tensors), **made).to(torch.float64)
    state = {name: tensors[index] for name, index in call.more["state"].items()}
    return torch.func.functional_call(module, state, tuple(args), kwargs)


def _shape(result: Any) -> list[Any]:
    leaves = pytree.tree_leaves(result)
    return [(each.dtype, each.layout, each.shape) if isinstance(each, torch.Tensor) else type(each) for each in leaves]


def _has_floats(result: Any) -> bool:
    tensors = (each for each in pytree.tree_leaves(result) if isinstance(each, torch.Tensor))
    return any(each.is_floating_point() or each.is_complex() for each in tensors)


class Offers:
    """The calls of one entry that run as they are written down; of the others the reason is told."""

    def __init__(self, entry: str, emit: Emit) -> None:
        torch.manual_seed(0)
        random.seed(entry)
        if "numpy" in sys.modules:
            sys.modules["numpy"].random.seed(0)
        self.emit = emit
        self.kept: list[tuple[dict[str, Any], Callable[..., Any], Call]] = []
        self._begun = time.process_time()

    def late(self) -> bool:
        return time.process_time() - self._begun > CPU_SECONDS

    def offer(self, api: dict[str, Any], what: Callable[..., Any], call: Call) -> bool:
        try:
            seed = self._seed(what, call)
        except Unusable as error:
            self.emit({"skipped": str(error)})
            return False
        except Exception as error:
            self.emit({"skipped": f"it raises {type(error).__name__}"})
            return False
        self.kept.append((api, what, call))
        self.emit({"api": api, "seed": seed})
        return True

    def _seed(self, what: Callable[..., Any], call: Call) -> dict[str, Any]:
        if not any(each.is_floating_point() or each.is_complex() for each in call.tensors):
            raise Unusable("no argument of floating point")
        result = performed(what, call, [each.clone() for each in call.tensors])
        if not _has_floats(result):
            raise Unusable("no result of floating point")
        expected = _shape(result)
        for whole in (False, True):
            seed = call.written(whole)
            if len(json.dumps(seed)) > LONGEST:
                raise Unusable("it takes too much to write down")
            try:
                again = Call.again(seed)
                if _shape(performed(what, again, again.tensors)) == expected:
                    return seed
            except Exception:
                if whole:
                    raise
        raise Unusable("the shape of its result depends on more than is written down")


class Names:
    """How what can be called is spelled by a user."""

    def __init__(self) -> None:
        self.spelled: dict[int, str] = {}
        self._alive: list[Any] = []
        for namespace in NAMESPACES:
            owner = eval(namespace, {"torch": torch})
            for name in dir(owner):
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    what = getattr(owner, name, None)
                if callable(what) and not isinstance(what, type):
                    self._alive.append(what)
                    self.spelled.setdefault(id(what), f"{namespace}.{name}")

    def of(self, what: Any, hint: str = "") -> str | None:
        if isinstance(what, torch._ops.OpOverload | torch._ops.OpOverloadPacket):
            return f"torch.ops.{what}"
        if getattr(what, "__name__", "") == "__get__":
            attribute = getattr(getattr(what, "__self__", None), "__name__", None) or getattr(
                getattr(getattr(what, "__self__", None), "fget", None), "__name__", ""
            )
            return f"torch.Tensor.{attribute}.__get__" if attribute in ATTRIBUTES else None
        for name in (f"torch.{hint}", f"torch.Tensor.{hint}"):
            if hint and self.spelled.get(id(what)) and _looked_up(name) is what:
                return name
        return self.spelled.get(id(what))


def _looked_up(name: str) -> Any:
    try:
        return eval(name, {"torch": torch})
    except (AttributeError, SyntaxError):
        return None


WRITING = ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "and", "or", "xor", "lshift", "rshift")
INPLACE = frozenset(f"__i{name}__" for name in WRITING)


def api(name: str, origin: str, kind: str = "") -> dict[str, Any]:
    """What is told of an API besides its seeds."""
    last = name.rpartition(".")[2]
    if not kind:
        kind = "method" if name.startswith("torch.Tensor.") else "operator" if ".ops." in name else "function"
    inplace = (last.endswith("_") and not last.startswith("__")) or last in INPLACE
    schema = getattr(_looked_up(name), "_schema", None)
    if schema is not None:
        inplace = bool(schema.arguments) and getattr(schema.arguments[0].alias_info, "is_write", False)
    told = {"name": name, "callee": name, "kind": kind, "origin": origin}
    return {**told, "imports": [], "inplace": inplace}


def spaced(items: Sequence[Any], count: int) -> list[Any]:
    """At most so many of them, from everywhere among them."""
    if len(items) <= count:
        return list(items)
    return [items[index * len(items) // count] for index in range(count)]
