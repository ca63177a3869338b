"""A call as a Python module: ``program``, a function of all its tensors, and ``inputs``, which makes them.

The text is what is executed and what is reported. Elements are written out up to 64 of them, beyond that by a formula
where any numbers will do, and in base64 where they are an index or a matrix of some structure.
"""

from __future__ import annotations

import base64
import math
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from assay.apis import forms
from assay.apis.seeds import Call

INDENT = "    "
LITERAL_ELEMENTS = 64
FIRST_PRIME, GOLDEN = 97, 0.618

FILL = [
    "def fill(shape, dtype, low, step, modulus, multiplier):",
    f'{INDENT}"""Element k is low + step * (k * multiplier % modulus)."""',
    f"{INDENT}k = torch.arange(math.prod(shape)) * multiplier % modulus",
    f"{INDENT}return (low + step * k.to(torch.float64)).to(dtype).reshape(shape)",
]
_FORMATS = {
    "bool": "?",
    "uint8": "B",
    "int8": "b",
    "int16": "h",
    "int32": "i",
    "int64": "q",
    "float16": "e",
    "float32": "f",
    "float64": "d",
}


def render(call: Call) -> str:
    """The module of a call of a library's function. Raises KeyError for a library that nothing is known of."""
    return _render_torch(call) if call["library"] == "torch" else _render_arrays(call, DIALECTS[call["library"]])


def names_of(call: Call) -> list[str]:
    """The names of its tensors."""
    return [f"x{number}" for number in range(len(call["tensors"]))]


def _render_torch(call: Call) -> str:
    names = names_of(call)
    head = ["import torch", *(f"import {each}" for each in call["imports"])]
    body = [f"def program({', '.join(names)}):", *(INDENT + line for line in _statements(call))]
    if call["kind"] == "module":
        made = _called(call["callee"], call["init"]["args"], call["init"]["kwargs"], _tensor_name)
        body = [f"MODULE = {made}", "", "", *body]
    inputs = ["def inputs(call=0):", *(INDENT + line for line in tensor_lines(call)), f"{INDENT}return {_tuple(names)}"]
    parts = [*inputs]
    if any("fill(" in line for line in inputs):
        parts = [*FILL, "", "", *parts]
        head.insert(0, "import math")
    if any("b64decode(" in line for line in inputs):
        head.insert(0, "import base64")
    text = "\n".join([*head, "", "", *body, "", "", *parts]) + "\n"
    return text if "math." not in text or "import math" in text else "import math\n" + text


def _statements(call: Call) -> list[str]:
    """The lines of the program: what the function takes and gives in the forms in which it has derivatives."""
    lines = [f"x{number} = {form.format(f'x{number}')}" for number, form in forms.taken(call)]
    results = forms.given(call)
    if not results:
        return [*lines, f"return {returned(call)}"]
    made = [f"y{number}" for number in range(len(results))]
    shown = [form.format(name) for form, name in zip(results, made, strict=True)]
    return [*lines, f"{', '.join(made)} = {returned(call)}", f"return {', '.join(shown)}"]


@dataclass(frozen=True)
class Dialect:
    """How a library whose arrays are made as numpy's are is written: the lines that come first, and the expression of
    an array, with places for what it holds, its dtype and, where one is needed, its shape; that of a complex one has
    places for its parts."""

    head: tuple[str, ...]
    array: str
    shaped: str
    complex: str


DIALECTS = {
    "jax": Dialect(
        ("import jax", "", 'jax.config.update("jax_enable_x64", True)'),
        'jax.numpy.array({}, dtype="{}")',
        'jax.numpy.array({}, dtype="{}").reshape({})',
        "jax.lax.complex({}, {})",
    ),
    "tensorflow": Dialect(
        ("import tensorflow as tf",),
        'tf.constant({}, dtype="{}")',
        'tf.constant({}, dtype="{}", shape={})',
        "tf.complex({}, {})",
    ),
}


def _render_arrays(call: Call, dialect: Dialect) -> str:
    """The module of a call where tensors have no layout and nothing is written in place."""
    names = names_of(call)
    lines = [f"{name} = {_array(each, dialect)}" for name, each in zip(names, call["tensors"], strict=True)]
    body = [f"def program({', '.join(names)}):", *(INDENT + line for line in _statements(call))]
    inputs = ["def inputs(call=0):", *(INDENT + line for line in lines), f"{INDENT}return {_tuple(names)}"]
    modules = [name for name in ("base64", "math") if any(f"{name}." in line for line in (*body, *inputs))]
    parts = [*inputs]
    if any("fill(" in line for line in inputs):
        parts = [*_fill_arrays(dialect), "", "", *parts]
        modules = sorted({*modules, "math"})
    modules += ["numpy"] if any("numpy.frombuffer" in line or "fill(" in line for line in inputs) else []
    head = [f"import {name}" for name in modules] + ([""] if modules else [])
    first, *rest = dialect.head
    head += [first, *(f"import {each}" for each in call["imports"]), *rest]
    return "\n".join([*head, "", "", *body, "", "", *parts]) + "\n"


def _fill_arrays(dialect: Dialect) -> list[str]:
    made = dialect.array.format("values.tolist()", "{}").replace('"{}"', "dtype")
    return [
        FILL[0],
        FILL[1],
        f"{INDENT}k = numpy.arange(math.prod(shape)) * multiplier % modulus",
        f"{INDENT}values = (low + step * k).reshape(shape)",
        f"{INDENT}return {made}",
    ]


def _array(described: dict[str, Any], dialect: Dialect) -> str:
    """The expression of an array."""
    shape, dtype = described["shape"], described["dtype"]
    count = math.prod(shape)
    values = described.get("values")
    if values is not None and len(values) == count:
        if count <= LITERAL_ELEMENTS:
            form = dialect.shaped if 0 in shape else dialect.array
            return form.format(nested([_element(each, dtype) for each in values], shape), dtype, _shape(shape))
        if dtype in _FORMATS and not any(isinstance(each, str) for each in values):
            data = base64.b64encode(struct.pack(f"<{count}{_FORMATS[dtype]}", *values)).decode()
            held = f'numpy.frombuffer(base64.b64decode("{data}"), "{dtype}").reshape({_shape(shape)})'
            return dialect.array.format(held, dtype)
    if dtype in ("complex64", "complex128"):
        part = "float32" if dtype == "complex64" else "float64"
        real, imaginary = (_filled(described, shape, part, number, f'"{part}"') for number in (0, 1))
        return dialect.complex.format(real, imaginary)
    return _filled(described, shape, dtype, 0, f'"{dtype}"')


def returned(call: Call) -> str:
    """The expression of the call, tensors by their names."""
    if call["kind"] != "module":
        names: Callable[[int], str] = _tensor_name
        if call["inplace"]:
            # What a function writes is a copy, so that the input can be a leaf.
            def names(number: int) -> str:
                return f"x{number}.clone()" if number == 0 else f"x{number}"

        return _called(call["callee"], call["args"], call["kwargs"], names)
    state = ", ".join(f'"{name}": x{number}' for name, number in call["state"].items())
    arguments = _tuple([written(each) for each in call["args"]])
    keywords = ", ".join(f'"{name}": {written(each)}' for name, each in call["kwargs"].items())
    more = f", {{{keywords}}}" if keywords else ""
    return f"torch.func.functional_call(MODULE, {{{state}}}, ({arguments}){more})"


def _called(callee: str, args: Sequence[Any], kwargs: dict[str, Any], names: Callable[[int], str]) -> str:
    parts = [written(each, names) for each in args]
    parts += [f"{name}={written(each, names)}" for name, each in kwargs.items()]
    return f"{callee}({', '.join(parts)})"


def _tensor_name(number: int) -> str:
    return f"x{number}"


def written(value: Any, names: Callable[[int], str] = _tensor_name) -> str:
    """An argument as Python text."""
    if isinstance(value, list):
        return f"[{', '.join(written(each, names) for each in value)}]"
    if not isinstance(value, dict):
        return _number(value) if isinstance(value, float) else repr(value)
    (kind, inside), *_ = value.items()
    match kind:
        case "tensor":
            return names(inside)
        case "float":
            return f'float("{inside}")'
        case "complex":
            return repr(complex(*inside))
        case "tuple":
            return f"({_tuple([written(each, names) for each in inside])})"
        case "set":
            return f"{{{', '.join(written(each, names) for each in inside)}}}" if inside else "set()"
        case "dict":
            return f"{{{', '.join(f'{written(key, names)}: {written(each, names)}' for key, each in inside)}}}"
        case "code":
            return str(inside)
    raise ValueError(f"unknown value {value!r}")


def _number(value: float) -> str:
    return repr(value) if math.isfinite(value) else f'float("{value}")'


def tensor_lines(call: Call) -> list[str]:
    """The lines that make the tensors, one each."""
    return [f"{name} = {tensor(each)}" for name, each in zip(names_of(call), call["tensors"], strict=True)]


def tensor(described: dict[str, Any]) -> str:
    """The expression of a tensor for torch."""
    shape, dtype = described["shape"], described["dtype"]
    layout = described.get("layout", {})
    whole = list(shape)
    for dim in layout.get("expanded", ()):
        shape = [1 if place == dim else size for place, size in enumerate(shape)]
    if layout.get("overlapping"):
        shape = [*shape[:-2], shape[-2] + shape[-1] - 1]
    made = contents(described, shape, dtype)
    if layout.get("expanded"):
        made += f".expand{_shape(whole)}"
    if layout.get("overlapping"):
        made += f".unfold(-1, {whole[-1]}, 1)"
    if layout.get("transposed"):
        made += ".mT.contiguous().mT"
    if layout.get("strided"):
        made = f"torch.stack([{made}] * 2, -1)[..., 0]"
    if layout.get("channels_last"):
        made += ".to(memory_format=torch.channels_last)"
    return made


def contents(described: dict[str, Any], shape: Sequence[int], dtype: str) -> str:
    """The expression of a contiguous tensor with the elements."""
    count = math.prod(shape)
    values = described.get("values")
    if values is not None and len(values) == count:
        if count <= LITERAL_ELEMENTS:
            text = f"torch.tensor({nested([_element(each, dtype) for each in values], shape)}, dtype=torch.{dtype})"
            return text + (f".reshape({_shape(shape)})" if 0 in shape else "")
        if dtype in _FORMATS and not any(isinstance(each, str) for each in values):
            data = base64.b64encode(struct.pack(f"<{count}{_FORMATS[dtype]}", *values)).decode()
            return (
                f'torch.frombuffer(bytearray(base64.b64decode("{data}")), dtype=torch.{dtype}).reshape({_shape(shape)})'
            )
    if dtype in ("complex64", "complex128"):
        part = "float32" if dtype == "complex64" else "float64"
        return f"torch.complex({_filled(described, shape, part, 0)}, {_filled(described, shape, part, 1)})"
    return _filled(described, shape, dtype, 0)


def _filled(described: dict[str, Any], shape: Sequence[int], dtype: str, number: int, said: str = "") -> str:
    low, high = bounds(described)
    modulus = _prime_from(max(math.prod(shape) + 8 * number, FIRST_PRIME))
    multiplier = max(1, round(GOLDEN * modulus)) + number
    step = float(f"{(high - low) / (modulus - 1):.3g}") if dtype.startswith("float") or dtype == "bfloat16" else 1
    if step == 1:
        modulus = max(1, int(high) - int(low) + 1)
        low = int(low)
    return f"fill({_shape(shape)}, {said or 'torch.' + dtype}, {low:g}, {step:g}, {modulus}, {multiplier})"


def bounds(described: dict[str, Any]) -> tuple[float, float]:
    """The range of a tensor's elements."""
    if "low" in described:
        return described["low"], described["high"]
    parts = [part for each in described.get("values") or [0.0] for part in (each if isinstance(each, list) else [each])]
    finite = [float(part) for part in parts if not isinstance(part, str)] or [0.0]
    return min(finite), max(finite)


def nested(elements: Sequence[str], shape: Sequence[int]) -> str:
    """Elements as nested lists."""
    if not shape:
        return elements[0]
    if not elements:
        return "[]"
    rows = list(elements)
    for size in reversed(shape):
        rows = ["[" + ", ".join(rows[k : k + size]) + "]" for k in range(0, len(rows), size)]
    return rows[0]


def _element(value: Any, dtype: str) -> str:
    if isinstance(value, list):
        real, imaginary = map(float, value)
        finite = math.isfinite(real) and math.isfinite(imaginary)
        return repr(complex(real, imaginary)) if finite else f"complex({_number(real)}, {_number(imaginary)})"
    if isinstance(value, str):
        return f'float("{value}")'
    if dtype == "bool":
        return str(bool(value))
    return repr(float(value)) if "float" in dtype else str(int(value))


def _prime_from(number: int) -> int:
    while any(number % divisor == 0 for divisor in range(2, math.isqrt(number) + 1)):
        number += 1
    return number


def _shape(shape: Sequence[int]) -> str:
    return f"({', '.join(map(str, shape))}{',' if len(shape) == 1 else ''})"


def _tuple(items: Sequence[str]) -> str:
    return f"{items[0]}," if len(items) == 1 else ", ".join(items)
