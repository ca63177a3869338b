"""Calls of library functions as JSON: tensors, nested arguments, and the forms of a call that are worth trying.

For the programs of this folder that ask a library; it is imported by them from beside, and needs numpy. A call is
{"args": [...], "kwargs": {...}, "tensors": [...]}; while it is worked on every tensor has all of its elements, and once
it is sealed the large ones without structure have the range of their elements instead.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

INTEGERS = ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64")
FLOATS = ("float16", "bfloat16", "float32", "float64")
DTYPES = frozenset(("bool", *INTEGERS, *FLOATS, "complex64", "complex128"))
LISTED = 64
MATRIX = 1024
LARGEST = 4096
DIGITS = 4

Call = dict[str, Any]


class Unusable(Exception):
    """A call that has no form in JSON, or is no seed; the text says why."""


class Code:
    """An expression that stands for a value that has no other form."""

    def __init__(self, text: str) -> None:
        self.text = text


def tensor(array: np.ndarray[Any, Any]) -> dict[str, Any]:
    """An array with all of its elements. Raises Unusable."""
    if array.dtype.name not in DTYPES:
        raise Unusable(f"an array of {array.dtype.name}")
    if array.size > LARGEST:
        raise Unusable(f"an array of more than {LARGEST} elements")
    kept = {"dtype": array.dtype.name, "shape": list(array.shape)}
    flat = array.ravel()
    if array.dtype.kind == "c":
        return kept | {"values": [[_number(each.real), _number(each.imag)] for each in flat]}
    return kept | {"values": [_number(each) for each in flat]}


def _number(element: Any) -> Any:
    if isinstance(element, np.bool_):
        return bool(element)
    if isinstance(element, np.integer):
        return int(element)
    value = float(element)
    return value if math.isfinite(value) else str(value)


def array_of(stored: dict[str, Any]) -> np.ndarray[Any, Any]:
    """The array of a stored tensor, bfloat16 as float32; elements that are not stored are drawn from their range."""
    name, shape = stored["dtype"], stored["shape"]
    is_complex = name.startswith("complex")
    dtype = "float32" if name == "bfloat16" else name
    if "values" not in stored:
        draw = np.random.default_rng(0)
        real, imaginary = (draw.uniform(stored["low"], stored["high"], shape) for _ in range(2))
        return np.asarray(real + 1j * imaginary if is_complex else real).astype(dtype)
    if is_complex:
        flat = np.array([complex(float(real), float(imaginary)) for real, imaginary in stored["values"]], dtype)
    elif is_inexact(stored):
        flat = np.array([float(each) for each in stored["values"]], dtype)
    else:
        flat = np.array(stored["values"], dtype)
    return flat.reshape(shape)


def is_inexact(stored: dict[str, Any]) -> bool:
    return "float" in stored["dtype"] or "complex" in stored["dtype"]


def decode(value: Any, arrays: list[Any], scope: dict[str, Any]) -> Any:
    """The value that was encoded; ``scope`` has what expressions name."""
    if isinstance(value, list):
        return [decode(each, arrays, scope) for each in value]
    if not isinstance(value, dict):
        return value
    ((form, held),) = value.items()
    match form:
        case "tensor":
            return arrays[held]
        case "float":
            return float(held)
        case "complex":
            return complex(*held)
        case "tuple":
            return tuple(decode(each, arrays, scope) for each in held)
        case "dict":
            return {key: decode(each, arrays, scope) for key, each in held}
        case "set":
            return {decode(each, arrays, scope) for each in held}
        case _:
            return eval(held, dict(scope))


class Encoder:
    """Turns the arguments of one call into JSON. ``special`` answers for values of the library's own types, or gives
    NotImplemented; ``as_array`` gives a tensor's elements, or None for what is no tensor."""

    def __init__(
        self, as_array: Callable[[Any], np.ndarray[Any, Any] | None], special: Callable[[Any, Encoder], Any]
    ) -> None:
        self.as_array = as_array
        self.special = special
        self.tensors: list[dict[str, Any]] = []
        self.seen: dict[int, tuple[int, Any]] = {}

    def call(self, args: Any, kwargs: dict[str, Any]) -> Call:
        """Raises Unusable where an argument has no form."""
        listed = [self.value(each) for each in args]
        named = {key: self.value(each) for key, each in kwargs.items()}
        return {"args": listed, "kwargs": named, "tensors": self.tensors}

    def value(self, value: Any) -> Any:
        if isinstance(value, Code):
            return {"code": value.text}
        if (given := self.special(value, self)) is not NotImplemented:
            return given
        if value is None or type(value) in (str, bool, int):
            return value
        if type(value) is float:
            return value if math.isfinite(value) else {"float": str(value)}
        if type(value) is complex:
            return {"complex": [value.real, value.imag]}
        if (array := self.as_array(value)) is not None:
            # The value is held, so that no other takes its identity.
            index, _ = self.seen.setdefault(id(value), (len(self.tensors), value))
            if index == len(self.tensors):
                self.tensors.append(tensor(array))
            return {"tensor": index}
        return self._structure(value)

    def _structure(self, value: Any) -> Any:
        if isinstance(value, tuple):
            return {"tuple": [self.value(each) for each in value]}
        if isinstance(value, list):
            return [self.value(each) for each in value]
        if isinstance(value, dict) and all(type(key) in (str, int) for key in value):
            return {"dict": [[key, self.value(each)] for key, each in value.items()]}
        if isinstance(value, set | frozenset):
            return {"set": [self.value(each) for each in sorted(value, key=repr)]}
        if isinstance(value, slice | range):
            if all(each is None or type(each) is int for each in (value.start, value.stop, value.step)):
                return {"code": repr(value)}
            raise Unusable("a slice by an array")
        if value is Ellipsis:
            return {"code": "Ellipsis"}
        if any(value is each for each in (int, float, complex, bool)):
            return {"code": value.__name__}
        raise Unusable("a function" if callable(value) else f"a value of type {type(value).__name__}")


def key_of(name: str, call: Call) -> str:
    """What two calls have in common that differ in the elements of their tensors alone."""
    tensors = [(each["dtype"], each["shape"]) for each in call["tensors"]]
    return repr((name, call["args"], call["kwargs"], tensors))


def size_of(call: Call) -> int:
    return sum(math.prod(each["shape"]) for each in call["tensors"])


def sealed(call: Call, wide: bool = True, rounded: bool = True) -> Call:
    """The call with its tensors as they are printed: floats in double precision and with few digits, where asked."""
    return {**call, "tensors": [_sealed(each, wide, rounded) for each in call["tensors"]]}


def _sealed(stored: dict[str, Any], wide: bool, rounded: bool) -> dict[str, Any]:
    if not is_inexact(stored):
        return stored
    is_complex = stored["dtype"].startswith("complex")
    kept = {**stored, "dtype": ("complex128" if is_complex else "float64") if wide else stored["dtype"]}
    array = array_of({**stored, "dtype": "complex128" if is_complex else "float64"})
    orthonormal = _is_orthonormal(array)
    if rounded and not orthonormal:
        short = [[_short(part) for part in each] if is_complex else _short(each) for each in stored["values"]]
        kept["values"] = short
    if array.size <= LISTED or (array.size <= MATRIX and (orthonormal or _has_structure(array))):
        return kept
    parts = np.concatenate([array.real.ravel(), array.imag.ravel()]) if is_complex else array.ravel()
    parts = parts[np.isfinite(parts)] if np.isfinite(parts).any() else np.zeros(1)
    del kept["values"]
    return kept | {"low": _short(float(np.min(parts))), "high": _short(float(np.max(parts)))}


def _short(value: Any) -> Any:
    return value if isinstance(value, str) else float(f"{value:.{DIGITS}g}")


def _is_orthonormal(array: np.ndarray[Any, Any]) -> bool:
    if array.ndim < 2 or not array.size or not 1 < array.shape[-1] <= array.shape[-2] or not np.isfinite(array).all():
        return False
    return np.allclose(np.swapaxes(array, -1, -2).conj() @ array, np.eye(array.shape[-1]), atol=1e-5)


def _has_structure(array: np.ndarray[Any, Any]) -> bool:
    if array.ndim < 2 or array.shape[-1] != array.shape[-2] or not array.size:
        return False
    hermitian = np.allclose(array, np.swapaxes(array, -1, -2).conj(), equal_nan=True)
    return hermitian or not np.triu(array, 1).any() or not np.tril(array, -1).any()


def variants(call: Call) -> Iterator[Call]:
    """Forms to try in turn: doubles with few digits, all digits, its own dtypes, single precision; and where there is
    no float, integers (but 32 bits without a sign, as keys have) and then numbers turned into tensors of doubles."""
    if any(is_inexact(each) for each in call["tensors"]):
        yield sealed(call)
        yield sealed(call, rounded=False)
        own = {each["dtype"] for each in call["tensors"] if is_inexact(each)}
        if not own <= {"float64", "complex128"}:
            yield sealed(call, wide=False)
        single = {"float64": "float32", "complex128": "complex64"}
        if not own.isdisjoint(single):
            tensors = [{**each, "dtype": single.get(each["dtype"], each["dtype"])} for each in call["tensors"]]
            yield sealed({**call, "tensors": tensors}, wide=False)
        return
    whole = [k for k, each in enumerate(call["tensors"]) if each["dtype"] not in ("bool", "uint32")]
    for chosen in [whole] * bool(whole) + [[k] for k in whole if len(whole) > 1]:
        tensors = [_as_double(each) if k in chosen else each for k, each in enumerate(call["tensors"])]
        yield sealed({**call, "tensors": tensors})
    places: list[tuple[str, Any]] = [("args", k) for k, each in enumerate(call["args"]) if _is_numeric(each)]
    named: list[tuple[str, Any]] = [("kwargs", key) for key, each in call["kwargs"].items() if _is_numeric(each)]
    for turned in [places] * bool(places) + [[each] for each in places + named if len(places + named) > 1 or named]:
        moved: dict[str, Any] = {
            "args": list(call["args"]),
            "kwargs": dict(call["kwargs"]),
            "tensors": list(call["tensors"]),
        }
        for part, key in turned:
            array = np.asarray(moved[part][key], "float64")
            moved[part][key] = {"tensor": len(moved["tensors"])}
            moved["tensors"].append(tensor(array))
        yield sealed(moved)
    if not whole and not places and not named:
        yield call


def _is_numeric(value: Any) -> bool:
    if isinstance(value, list):
        with contextlib.suppress(ValueError, TypeError):
            return np.asarray(value, "float64").size > 0
        return False
    return isinstance(value, int | float) and not isinstance(value, bool)


def _as_double(stored: dict[str, Any]) -> dict[str, Any]:
    return {**stored, "dtype": "float64", "values": [float(each) for each in stored["values"]]}


def turned_complex(call: Call) -> Call | None:
    """The call with its doubles made complex; None where it has none, or has a complex tensor already."""
    doubles = [each for each in call["tensors"] if each["dtype"] == "float64"]
    if not doubles or any("values" not in each for each in doubles):
        return None
    if any(each["dtype"].startswith("complex") for each in call["tensors"]):
        return None
    return {**call, "tensors": [_turned(each) for each in call["tensors"]]}


def _turned(stored: dict[str, Any]) -> dict[str, Any]:
    if stored["dtype"] != "float64":
        return stored
    parts = [[each, (0.3, 0.2, 0.1, -0.1, -0.2)[k % 5]] for k, each in enumerate(stored["values"])]
    return {**stored, "dtype": "complex128", "values": parts}


class Helpers:
    """The short names that texts of calls use: arrays whose elements suit most functions."""

    def __init__(self) -> None:
        self.draw = np.random.default_rng(0)
        short = {key: getattr(self, key) for key in dir(self) if key.isupper()}
        self.scope = short | {"_given": lambda *args, **kwargs: (args, kwargs)}

    def arguments(self, text: str) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """What a call's text passes."""
        given: tuple[tuple[Any, ...], dict[str, Any]] = eval(f"_given{text}", self.scope)
        return given

    def like(self, dtype: Any, shape: tuple[int, ...]) -> np.ndarray[Any, Any]:
        """Elements drawn for floats, zeros else."""
        if np.issubdtype(dtype, np.inexact):
            return self.T("complex128" if np.issubdtype(dtype, np.complexfloating) else "float64", shape).astype(dtype)
        return np.zeros(shape, dtype)

    def F(self, *shape: int) -> np.ndarray[Any, Any]:
        return np.asarray(self.draw.uniform(0.1, 0.9, shape))

    def F32(self, *shape: int) -> np.ndarray[Any, Any]:
        return self.F(*shape).astype("float32")

    def FM(self, values: Any) -> np.ndarray[Any, Any]:
        return np.array(values, "float64")

    def C(self, *shape: int) -> np.ndarray[Any, Any]:
        return np.asarray(self.F(*shape) + 1j * self.F(*shape))

    def T(self, dtype: str, shape: tuple[int, ...]) -> np.ndarray[Any, Any]:
        return (self.C(*shape) if dtype.startswith("complex") else self.F(*shape)).astype(dtype)

    def P(self, size: int) -> np.ndarray[Any, Any]:
        """A positive definite matrix."""
        return np.asarray(np.diag(np.arange(1.0, size + 1)) + 0.25)

    def V(self, dtype: str, values: Any) -> np.ndarray[Any, Any]:
        return np.array(values, dtype)

    def I(self, *values: int) -> np.ndarray[Any, Any]:  # noqa: E743
        return np.array(values, "int64")

    def I0(self, value: int) -> np.ndarray[Any, Any]:
        return np.array(value, "int64")

    def IM(self, rows: list[list[int]]) -> np.ndarray[Any, Any]:
        return np.array(rows, "int64")

    def I32(self, *values: int) -> np.ndarray[Any, Any]:
        return np.array(values, "int32")

    def I320(self, value: int) -> np.ndarray[Any, Any]:
        return np.array(value, "int32")

    def IM32(self, rows: list[list[int]]) -> np.ndarray[Any, Any]:
        return np.array(rows, "int32")

    def U(self, *values: int) -> np.ndarray[Any, Any]:
        return np.array(values, "uint64")

    def B(self, *values: bool) -> np.ndarray[Any, Any]:
        return np.array(values)

    def B0(self, value: bool) -> np.ndarray[Any, Any]:
        return np.array(value)

    def K(self) -> np.ndarray[Any, Any]:
        """A key of JAX's random numbers."""
        return np.array([0, 42], "uint32")

    def X(self, text: str) -> Code:
        return Code(text)


def worst(reasons: list[str]) -> str:
    """The reason that says most of a function, of those for which its calls are no seeds."""
    for start in ("cannot be differentiated", "the tape gives", "no float output"):
        for each in reasons:
            if each.startswith(start):
                return each
    return reasons[0] if reasons else "no call was found"
