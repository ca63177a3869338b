"""A kernel for Triton while it is written: its parameters, its tiles, and how values are read and stored.

There are three kinds. In a *flat* one a value is a row of lanes, one for each element in C order, whatever its shape;
in a *whole* one it is a tile of its own shape, every size padded to a power of two, and one program has all of it; in
one of *rows* each program has some rows, the first dimension of every value. What a kernel cannot say raises
Unsatisfied, and is then undone.
"""

from __future__ import annotations

import contextlib
import math
import random
import re
from collections.abc import Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field
from typing import Any

from assay.ir.types import INTEGER_RANGE, TensorType, is_float
from assay.ops.facts import require
from assay.ops.onnx_forms import Arg

FLAT, ROWS, WHOLE = "flat", "rows", "whole"
MODES = (FLAT, ROWS, WHOLE)
INDENT = "    "
LANES = 8192
"""Elements of the largest tile."""
RANK = 4
LEAST_DOT = 16
"""The least size of a tile that is multiplied by `tl.dot`."""

TYPES = {"bool": "int1"}
_LANES = re.compile(r"\b(?:i|t\d+)\b")


def type_name(dtype: str) -> str:
    """A dtype as Triton names it."""
    return f"tl.{TYPES.get(dtype, dtype)}"


def padded(size: int, least: int = 1) -> int:
    """The power of two that holds a size."""
    return max(least, 1 << max(size - 1, 0).bit_length())


def product(shape: Sequence[int]) -> int:
    """The number of elements."""
    return math.prod(shape)


def sizes(type_: Any) -> tuple[int, ...]:
    """The shape of a tensor; no size is symbolic. Raises Unsatisfied."""
    shape = type_.shape if isinstance(type_, TensorType) else ()
    found = tuple(size for size in shape if isinstance(size, int))
    require(len(found) == len(shape), "a symbolic size")
    return found


def number(value: Any, dtype: str) -> str:
    """A number as an element of a dtype."""
    if dtype == "bool":
        return str(bool(value))
    if not is_float(dtype):
        return str(int(value))
    return repr(float(value)) if math.isfinite(value) else f'float("{value}")'


@dataclass(slots=True)
class Written:
    """What a kernel holds so far. ``strided`` names values in memory whose strides are parameters."""

    pointers: list[str] = field(default_factory=list)
    extras: dict[str, str] = field(default_factory=dict)
    head: list[str] = field(default_factory=list)
    body: list[str] = field(default_factory=list)
    loaded: dict[tuple[Any, ...], str] = field(default_factory=dict)
    values: dict[str, TensorType] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    statements: int = 0
    least: int = 1
    shape: tuple[int, ...] = ()

    def copy(self) -> Written:
        """One that goes on apart from this."""
        made = copy(self)
        for name in ("pointers", "extras", "head", "body", "loaded", "values", "names"):
            setattr(made, name, copy(getattr(self, name)))
        return made


class Kernel:
    """One kernel. ``memory`` are the types of what lies in memory before it, ``strided`` those of them that are not
    contiguous. Unless it is ``native``, bfloat16 is computed in float32: the interpreter has no operation of its own.
    With ``dots``, matrices are multiplied by `tl.dot` where it takes them."""

    def __init__(
        self,
        mode: str,
        memory: Mapping[str, TensorType],
        strided: frozenset[str],
        chance: random.Random,
        native: bool = True,
        dots: bool = False,
    ) -> None:
        self.mode = mode
        self.memory = memory
        self.strided = strided
        self.chance = chance
        self.native = native
        self.dots = dots
        self.written = Written()
        self.out: tuple[TensorType, ...] = ()
        self.operator = ""
        self.depth = 0
        self._count = 0

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        """What is written inside is undone where it raises."""
        before = self.written.copy()
        depth = self.depth
        try:
            yield
        except BaseException:
            self.written, self.depth = before, depth
            raise

    # what forms use

    def line(self, text: str) -> None:
        """Append a statement."""
        self.written.body.append(INDENT * self.depth + text)

    def number(self) -> int:
        """A number for a name of its own."""
        self._count += 1
        return self._count

    def let(self, expression: str) -> str:
        """Bind an expression to a name of its own."""
        name = f"t{self.number()}"
        self.line(f"{name} = {expression}")
        return name

    def const(self, value: Any, dtype: str) -> str:
        """A number of a dtype. Raises Unsatisfied where that does not hold it."""
        if not is_float(dtype) and dtype != "bool":
            low, high = INTEGER_RANGE[dtype]
            require(low <= value <= high, f"{dtype} does not hold it")
        return f"tl.full((), {number(value, dtype)}, {type_name(dtype)})"

    def cast(self, text: str, before: str, dtype: str) -> str:
        """A value in another dtype."""
        if before == dtype:
            return text
        return f"({text} != 0)" if dtype == "bool" else f"{_enclosed(text)}.to({type_name(dtype)})"

    def read(self, arg: Arg, dtype: str | None = None, *, alone: bool = False) -> str:
        """An operand in a dtype (None: its own). ``alone``: it is not broadcast against the result."""
        if arg.name is None:
            return self.const(arg.value, dtype or arg.dtype)
        text = self._value(arg.name, sizes(arg.type), alone)
        return self.cast(text, self._held(arg.name), dtype or arg.dtype)

    def _held(self, name: str) -> str:
        """The dtype in which a value is held, whatever a form takes it for."""
        return self.written.values[name].dtype if name in self.written.values else self.memory[name].dtype

    def coordinates(self) -> list[str]:
        """The position of each element of the result, one integer a dimension."""
        shape = sizes(self.out[0])
        if self.mode == FLAT:
            return self._parted(shape)
        return [self.axis(position, len(shape), shape[position]) for position in range(len(shape))]

    def load_at(self, arg: Arg, at: Sequence[str], within: str = "") -> str:
        """The elements of a value in memory at computed positions, in a flat kernel."""
        require(self.mode == FLAT and arg.name is not None and arg.name in self.memory, "it is not in memory")
        assert arg.name is not None
        offset = self._offset(arg.name, sizes(arg.type), at)
        offset = offset if _LANES.search(offset) else f"(i * 0 + {offset})"
        mask = f"mask & ({within})" if within else "mask"
        text = self.let(f"tl.load({self._pointer(arg.name)} + {offset}, mask={mask}, other=0)")
        return self.cast(text, self._held(arg.name), arg.dtype)

    def size(self, arg: Arg, axis: int) -> int:
        """A size of an operand."""
        return sizes(arg.type)[axis]

    def lanes(self, shape: Sequence[int]) -> list[str]:
        """The sizes of the tile of a value of some shape."""
        found = [str(padded(size, self.written.least)) for size in shape]
        if self.mode == ROWS:
            found[0] = "ROWS"
        return found

    def check_tile(self, shape: Sequence[int]) -> None:
        """Raise Unsatisfied where a value has no tile."""
        require(len(shape) <= RANK, "a tile of many dimensions")
        least = self.written.least
        rest = shape[1:] if self.mode == ROWS else shape
        require(product([padded(size, least) for size in rest]) * (16 if self.mode == ROWS else 1) <= LANES, "large")

    def within(self, arg: Arg, axis: int) -> str | None:
        """Which elements of an operand's tile along a dimension are elements of it; None where all are."""
        shape = sizes(arg.type)
        if padded(shape[axis], self.written.least) == shape[axis]:
            return None
        return f"({self.axis(axis, len(shape), shape[axis])} < {shape[axis]})"

    def filled(self, text: str, arg: Arg, axes: Sequence[int], value: str) -> str:
        """An operand whose elements beyond its sizes along some dimensions are a number."""
        tests = [test for axis in axes if (test := self.within(arg, axis)) is not None]
        return f"tl.where({' & '.join(tests)}, {text}, {value})" if tests else text

    def axis(self, position: int, rank: int, size: int) -> str:
        """The indices along a dimension, shaped so that they broadcast against a tile of some rank."""
        lanes = padded(size, self.written.least)
        rows = self.mode == ROWS and position == 0
        key = ("axis", position, rank, "ROWS" if rows else lanes)
        if key not in self.written.loaded:
            name = f"d{len([each for each in self.written.loaded if each[0] == 'axis'])}"
            text = "tl.program_id(0) * ROWS + tl.arange(0, ROWS)" if rows else f"tl.arange(0, {lanes})"
            if rank > 1:
                marks = ", ".join(":" if each == position else "None" for each in range(rank))
                text = f"({text})[{marks}]" if rows else f"{text}[{marks}]"
            self.written.head.append(f"{name} = {text}")
            self.written.loaded[key] = name
        return self.written.loaded[key]

    def need_least(self, least: int) -> None:
        """Make every tile of the kernel at least so large along each dimension. Raises Unsatisfied where some were
        read already."""
        if self.written.least != least:
            require(not self.written.loaded and not self.written.values, "the tiles are smaller")
            self.written.least = least

    def batch(self, size: int) -> None:
        """Say that a value's first dimension is the rows. Raises Unsatisfied."""
        if self.mode == ROWS:
            require(size > 1 and self.written.shape in ((), (size,)), "other rows")
            self.written.shape = (size,)

    def extra(self, name: str, argument: str) -> str:
        """A parameter beside the tensors: its name in the kernel, and what the launch passes."""
        self.written.extras[name] = argument
        return name

    def define(self, name: str, type_: TensorType, expression: str) -> None:
        """Bind a result. Raises Unsatisfied where it does not fit the kernel."""
        self.fit(type_)
        self.line(f"{name} = {expression}")
        self.written.values[name] = type_

    def fit(self, type_: TensorType) -> None:
        """Raise Unsatisfied where a result does not fit the kernel."""
        shape = sizes(type_)
        require(product(shape) > 0, "no elements")
        if self.mode == FLAT:
            require(not self.written.shape or product(self.written.shape) == product(shape), "another number")
            self.written.shape = self.written.shape or (product(shape),)
        elif self.mode == ROWS:
            require(bool(shape), "no rows")
            self.batch(shape[0])
        if self.mode != FLAT:
            require(self.written.least == 1 or 1 not in shape, "it would be broadcast")
            self.check_tile(shape)

    # memory

    def _pointer(self, name: str) -> str:
        if name not in self.written.pointers:
            self.written.pointers.append(name)
        return f"{name}_ptr"

    def _value(self, name: str, shape: tuple[int, ...], alone: bool) -> str:
        """The tile of a value: computed before, or loaded."""
        text = self.written.names.get(name, name)
        require(alone or self.written.least == 1 or 1 not in shape, "it is broadcast")
        if self.mode == FLAT:
            wanted = shape if alone else sizes(self.out[0])
            if name in self.written.values:
                require(wanted == shape, "it is broadcast")
                return text
            require(name in self.memory, "it is not in memory")
            return self._load_flat(name, shape, wanted)
        if self.mode == ROWS:
            rank = len(shape) if alone else len(sizes(self.out[0]))
            rows = len(shape) == rank and bool(shape) and shape[0] != 1
            if alone:
                require(bool(shape), "no rows")
                self.batch(shape[0])
            else:
                self.batch(sizes(self.out[0])[0] if self.out[0].shape else 0)
            if name in self.written.values:
                require(rows or (len(shape) == rank and shape[0] == self.written.shape[0]), "its rows are others")
                return text
            require(name in self.memory, "it is not in memory")
            text = self._load_tile(name, shape, len(shape) == rank and bool(shape) and (alone or rows))
            return text if alone else self._raised(text, shape)
        if name not in self.written.values:
            require(name in self.memory, "it is not in memory")
            text = self._load_tile(name, shape, False)
        return text if alone else self._raised(text, shape)

    def _raised(self, text: str, shape: Sequence[int]) -> str:
        """A tile with as many dimensions as the result."""
        missing = len(sizes(self.out[0])) - len(shape)
        return f"{text}[{', '.join(['None'] * missing + [':'] * len(shape))}]" if missing > 0 and shape else text

    def read_whole(self, arg: Arg, dtype: str | None = None) -> str:
        """An operand all of which each program has, in a kernel of rows."""
        assert arg.name is not None
        if self.mode != ROWS:
            return self.read(arg, dtype, alone=True)
        require(arg.name in self.memory, "it is not in memory")
        text = self._load_tile(arg.name, sizes(arg.type), False)
        return self.cast(text, self._held(arg.name), dtype or arg.dtype)

    def _load_flat(self, name: str, shape: tuple[int, ...], wanted: tuple[int, ...]) -> str:
        key = ("flat", name, shape, wanted)
        if key not in self.written.loaded:
            pointer = self._pointer(name)
            self.written.shape = self.written.shape or (product(wanted),)
            if not shape:
                text = f"tl.load({pointer})"
            elif shape == wanted and name not in self.strided:
                text = f"tl.load({pointer} + i, mask=mask)"
            else:
                at = self._parted(wanted)[len(wanted) - len(shape) :]
                at = ["i * 0" if size == 1 else each for size, each in zip(shape, at, strict=True)]
                text = f"tl.load({pointer} + {self._offset(name, shape, at)}, mask=mask, other=0)"
            self.written.loaded[key] = self._head(name, text)
        return self.written.loaded[key]

    def _head(self, name: str, text: str) -> str:
        count = sum(each[0] in ("flat", "tile") and each[1] == name for each in self.written.loaded)
        local = f"{name}_{count}" if count else name
        self.written.head.append(f"{local} = {text}")
        return local

    def _parted(self, shape: Sequence[int]) -> list[str]:
        """The coordinates of the lanes of a flat kernel within a shape."""
        found: list[str] = []
        after = product(shape)
        for position, size in enumerate(shape):
            after //= max(size, 1)
            text = "i" if after == 1 else f"i // {after}"
            if size == 1:
                text = "i * 0"
            elif position:
                text = f"({text}) % {size}" if after > 1 else f"i % {size}"
            found.append(f"({text})" if text != "i" else text)
        return found

    def _offset(self, name: str, shape: Sequence[int], at: Sequence[str]) -> str:
        terms: list[str] = []
        after = product(shape)
        for position, (size, each) in enumerate(zip(shape, at, strict=True)):
            after //= max(size, 1)
            if name in self.strided:
                stride = self.extra(f"{name}_s{position}", f"{name}.stride({position})")
            else:
                stride = str(after)
            terms.append(each if stride == "1" else f"{each} * {stride}")
        return f"({' + '.join(terms)})" if len(terms) > 1 else terms[0] if terms else "0"

    def _load_tile(self, name: str, shape: tuple[int, ...], rows: bool) -> str:
        """The tile of a value in memory; with ``rows`` those of the program."""
        key = ("tile", name, rows)
        if key not in self.written.loaded:
            pointer = self._pointer(name)
            if not shape:
                text = f"tl.load({pointer})"
            else:
                offset, mask = self._place(name, shape, rows)
                text = f"tl.load({pointer} + {offset}{f', mask={mask}, other=0' if mask else ''})"
            self.written.loaded[key] = self._head(name, text)
        return self.written.loaded[key]

    def _place(self, name: str, shape: tuple[int, ...], rows: bool) -> tuple[str, str]:
        """The offsets of a tile in memory, and its mask."""
        mode, self.mode = self.mode, ROWS if rows else WHOLE
        try:
            self.check_tile(shape)
            at = [self.axis(position, len(shape), size) for position, size in enumerate(shape)]
            tests = []
            for position, size in enumerate(shape):
                if rows and position == 0:
                    tests.append(f"({at[0]} < {self.extra('rows', str(size))})")
                elif padded(size, self.written.least) != size:
                    tests.append(f"({at[position]} < {size})")
            # A mask has to have the shape of the tile.
            whole = " & ".join(tests)
            if whole and len(shape) > 1:
                lanes = ", ".join(self.lanes(shape))
                whole = f"tl.broadcast_to({whole}, {lanes})"
            return self._offset(name, shape, at), whole
        finally:
            self.mode = mode

    def store(self, name: str) -> list[str]:
        """The lines that write a value to memory."""
        shape, pointer = sizes(self.written.values[name]), self._pointer(name)
        text = self.written.names.get(name, name)
        if self.mode == FLAT:
            return [f"tl.store({pointer} + i, {text}, mask=mask)"]
        if not shape:
            return [f"tl.store({pointer}, {text})"]
        offset, mask = self._place(name, shape, self.mode == ROWS)
        return [f"tl.store({pointer} + {offset}, {text}{f', mask={mask}' if mask else ''})"]

    def text(self, name: str, stored: Sequence[str]) -> list[str]:
        """The kernel's lines."""
        ends = [line for each in stored for line in self.store(each)]
        head = list(self.written.head)
        if self.mode == FLAT:
            self.extra("n", str(product(self.written.shape)))
            head = ["i = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)", "mask = i < n", *head]
        parameters = [f"{each}_ptr" for each in self.written.pointers] + list(self.written.extras)
        constants = {FLAT: ["BLOCK: tl.constexpr"], ROWS: ["ROWS: tl.constexpr"], WHOLE: []}[self.mode]
        lines = [*head, *self.written.body, *ends]
        return [
            "@triton.jit",
            f"def {name}({', '.join([*parameters, *constants])}):",
            *(INDENT + each for each in lines),
        ]

    def launch(self, name: str) -> str:
        """The call that launches it."""
        grid = "1"
        constants: list[str] = []
        if self.mode == FLAT:
            grid, constants = f"triton.cdiv({product(self.written.shape)}, block)", ["BLOCK=block"]
        elif self.mode == ROWS:
            grid, constants = f"triton.cdiv({self.written.shape[0]}, rows)", ["ROWS=rows"]
            if self.written.least > 1:
                least = f"max(rows, {self.written.least})"
                grid, constants = f"triton.cdiv({self.written.shape[0]}, {least})", [f"ROWS={least}"]
        arguments = [*self.written.pointers, *self.written.extras.values(), *constants]
        return f"launch({name}, ({grid},), {', '.join(arguments)})"


def _enclosed(text: str) -> str:
    simple = text.isidentifier() or (text.startswith("tl.") and text.endswith(")") and text.count("(") == 1)
    return text if simple or (text.startswith("tl.full((), ") and text.endswith(")")) else f"({text})"
