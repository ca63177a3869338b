"""The inputs of each call, and the contents of parameters and buffers, as torch text.

Elements follow an integer formula (`assay.ir.program.Data`), exact in every dtype, so that the same values can be
written as literals in a
finding's script and as one line in a campaign's case, whatever the layout.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from assay.ir.program import Argument, Data, Input, Layout, Program
from assay.ir.sizes import value_in
from assay.ir.types import TensorType, is_complex, is_float, part_of

INDENT = "    "
LITERAL_ELEMENTS = 64

FILL = [
    "def fill(shape, dtype, low, step, modulus, multiplier=1, offset=0):",
    f'{INDENT}"""Element k is low + step * ((k * multiplier + offset) % modulus)."""',
    f"{INDENT}k = (torch.arange(math.prod(shape)) * multiplier + offset) % modulus",
    f"{INDENT}return (low + step * k.to(torch.float64)).to(dtype).reshape(shape)",
]
FILL_SPECIAL = [
    "def fill(shape, dtype, low, step, modulus, multiplier=1, offset=0, special=()):",
    f'{INDENT}"""Element k is low + step * r, r = (k * multiplier + offset) % modulus, or special[r]."""',
    f"{INDENT}r = (torch.arange(math.prod(shape)) * multiplier + offset) % modulus",
    f"{INDENT}elements = (low + step * r.to(torch.float64)).to(dtype)",
    f"{INDENT}for number, value in enumerate(special):",
    f"{INDENT * 2}elements[r == number] = value",
    f"{INDENT}return elements.reshape(shape)",
]


def needs_fill(program: Program, literals: bool) -> bool:
    """Whether the text uses the formula."""
    for entry in program.inputs:
        if isinstance(entry.value.type, TensorType) and entry.base is None:
            for call in program.calls:
                argument = call.argument(entry.name)
                shape = concrete(entry.value.type, call.instantiation)
                if argument.data is not None and not _written_out(entry, shape, literals):
                    return True
    return False


def fill_lines(program: Program) -> list[str]:
    """The definition of the formula, with special values where the program has some."""
    data = [argument.data for call in program.calls for _, argument in call.arguments if argument.data is not None]
    return FILL_SPECIAL if any(each.special for each in data) else FILL


def concrete(type_: TensorType, instantiation: int) -> tuple[int, ...]:
    """The shape in one instantiation."""
    return tuple(value_in(size, instantiation) for size in type_.shape)


def input_lines(program: Program, literals: bool, state: bool = False) -> list[str]:
    """The function ``inputs``; with ``state`` the assignments of a module's parameters and buffers instead."""
    if state:
        return [
            line
            for entry in program.inputs
            if entry.role != "argument"
            for line in _state_lines(program, entry, literals)
        ]
    lines = ["def inputs(call=0):"]
    blocks = [_call_lines(program, number, literals) for number in range(len(program.calls))]
    for number, block in enumerate(blocks[:-1]):
        lines += [f"{INDENT}if call == {number}:", *(INDENT * 2 + line for line in block)]
    return lines + [INDENT + line for line in blocks[-1]]


def _state_lines(program: Program, entry: Input, literals: bool) -> list[str]:
    assert isinstance(entry.value.type, TensorType)
    call = program.calls[0]
    argument = call.argument(entry.name)
    expression = argument.text
    if expression is None:
        expression = contents(entry, concrete(entry.value.type, call.instantiation), argument, literals)
    if entry.role == "buffer":
        return [f'self.register_buffer("{entry.name}", {expression})']
    grad = "" if argument.requires_grad else ", requires_grad=False"
    return [f"self.{entry.name} = torch.nn.Parameter({expression}{grad})"]


def _call_lines(program: Program, number: int, literals: bool) -> list[str]:
    call = program.calls[number]
    lines: list[str] = []
    returned: list[str] = []
    for entry in program.inputs:
        if entry.role != "argument":
            continue
        argument = call.argument(entry.name)
        if argument.text is not None:
            lines.append(f"{entry.name} = {argument.text}")
            returned.append(entry.name)
            continue
        if not isinstance(entry.value.type, TensorType):
            returned.append(repr(argument.scalar))
            continue
        shape = concrete(entry.value.type, call.instantiation)
        if entry.base is not None:
            lines.append(f"{entry.name} = {_alias(entry.base, shape, argument.layout)}")
        else:
            lines += _tensor_lines(entry, shape, argument, literals)
        returned.append(entry.name)
    return [*lines, f"return {_tuple(returned)}"]


def _tensor_lines(entry: Input, shape: tuple[int, ...], argument: Argument, literals: bool) -> list[str]:
    layout = argument.layout
    assert isinstance(entry.value.type, TensorType)
    dtype = f"torch.{entry.value.type.dtype}"
    suffix = ".requires_grad_()" if argument.requires_grad else ""
    if layout.kind == "sliced":
        whole = tuple(layout.offset + layout.step * size for size in shape)
        parts = ", ".join(_slice(layout) for _ in shape)
        lines = [
            f"{entry.name} = torch.zeros({_shape(whole)}, dtype={dtype})[{parts}]",
            f"{entry.name}.copy_({contents(entry, shape, argument, literals)})",
        ]
        return [*lines, f"{entry.name}.requires_grad_()"] if suffix else lines
    expression = contents(entry, shape, argument, literals)
    if layout.kind == "permuted":
        inverse = tuple(layout.order.index(position) for position in range(len(shape)))
        expression += f".permute{_shape(layout.order)}.contiguous().permute{_shape(inverse)}"
    elif layout.kind == "expanded":
        expression += f".expand{_shape(shape)}"
    elif layout.kind == "channels_last":
        expression += f".to(memory_format=torch.channels_last{'_3d' if len(shape) == 5 else ''})"
    return [f"{entry.name} = {expression}{suffix}"]


def contents(entry: Input, shape: tuple[int, ...], argument: Argument, literals: bool) -> str:
    """The expression of a contiguous tensor with an input's elements; expanded dimensions have size 1. The imaginary
    part of an element is the real part of the next."""
    assert isinstance(entry.value.type, TensorType)
    assert argument.data is not None
    dtype = entry.value.type.dtype
    if is_complex(dtype):
        part = replace(entry, value=replace(entry.value, type=entry.value.type.with_dtype(part_of(dtype))))
        beside = replace(argument, data=replace(argument.data, offset=argument.data.offset + argument.data.multiplier))
        return f"torch.complex({contents(part, shape, argument, literals)}, {contents(part, shape, beside, literals)})"
    if argument.layout.kind == "expanded":
        shape = tuple(1 if position in argument.layout.order else size for position, size in enumerate(shape))
    if _written_out(entry, shape, literals):
        return f"torch.tensor({literal(argument.data, shape, dtype)}, dtype=torch.{dtype})" + (
            f".reshape({_shape(shape)})" if 0 in shape else ""
        )
    data = argument.data
    numbers = [data.low, data.step, data.modulus, data.multiplier, data.offset]
    while len(numbers) > 3 and numbers[-1] == (1 if len(numbers) == 4 else 0):
        numbers.pop()
    text = ", ".join(_number(number) for number in numbers)
    if data.special:
        text += f", special=({', '.join(element(value, dtype) for value in data.special)},)"
    return f"fill({_shape(shape)}, torch.{dtype}, {text})"


def literal(data: Data, shape: Sequence[int], dtype: str) -> str:
    """The elements as nested lists."""
    count = math.prod(shape)
    elements = [element(data.element(k), dtype) for k in range(count)]
    if not shape:
        return elements[0]
    if count == 0:
        return "[]"
    for size in reversed(shape):
        elements = ["[" + ", ".join(elements[k : k + size]) + "]" for k in range(0, len(elements), size)]
    return elements[0]


def _written_out(entry: Input, shape: tuple[int, ...], literals: bool) -> bool:
    return literals and entry.role == "argument" and math.prod(shape) <= LITERAL_ELEMENTS


def element(value: float, dtype: str) -> str:
    """An element as Python text."""
    if dtype == "bool":
        return str(value != 0)
    if not math.isfinite(value):
        return f'float("{value}")'
    return repr(float(value)) if is_float(dtype) else str(int(value))


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) and abs(value) < 2**53 else repr(value)


def _alias(base: str, shape: tuple[int, ...], layout: Layout) -> str:
    if layout.order:
        return f"{base}.permute{_shape(layout.order)}"
    if layout.step > 1 or layout.offset:
        return f"{base}[{layout.offset}:{layout.offset + shape[0]}]"
    return base


def _slice(layout: Layout) -> str:
    start = str(layout.offset) if layout.offset else ""
    return f"{start}::{layout.step}" if layout.step > 1 else f"{start}:"


def _shape(shape: Sequence[int]) -> str:
    return f"({', '.join(map(str, shape))}{',' if len(shape) == 1 else ''})"


def _tuple(items: Sequence[str]) -> str:
    return f"{items[0]}," if len(items) == 1 else ", ".join(items) if items else "()"
