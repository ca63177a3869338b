"""The program: an ordered list of statements with regions, over values that name their type and storage.

Goals: order is meaning (views, aliases and writes have a defined effect), a reducer can delete, retype and unwrap any
part, user code that
cannot be lifted still has a place (`Opaque`), and one form carries Python, ONNX and JAX control flow alike.

Statements are an `Operation` (a tensor operation of a specification), a `PythonOperation` (arithmetic on Python
values, containers, calls),
a `Region` (if, for, while, with, try, def, lambda) and an `Opaque` piece of text with its read and write sets.
A value is named once. Values with one ``storage`` may share memory: a view has the storage of its base, an in-place
result that of its target.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from assay.ir.sizes import Size
from assay.ir.types import Type


@dataclass(frozen=True, slots=True)
class Value:
    """A named value. ``storage`` is the name of the storage that it may share; empty for what has none."""

    name: str
    type: Type
    storage: str = ""


@dataclass(frozen=True, slots=True)
class Literal:
    """A Python constant used as an operand."""

    value: Any


# The name of a value; a constant; a size; a list of operands (`torch.cat([a, b])`); None for an operand left out.
Operand = str | Literal | Size | tuple["Operand", ...] | None


@dataclass(frozen=True, slots=True)
class Operation:
    """One tensor operation: an operator specification with its operands and attributes.

    ``form`` is how it is written: function, method, operator, inplace (writes its first operand) or out (writes
    ``out``).
    """

    operator: str
    operands: tuple[Operand, ...]
    attributes: tuple[tuple[str, Any], ...]
    results: tuple[Value, ...]
    form: str = "function"
    out: str | None = None


@dataclass(frozen=True, slots=True)
class PythonOperation:
    """An operation on Python values: see `assay.ops.python` for the kinds."""

    kind: str
    operands: tuple[Operand, ...]
    attributes: tuple[tuple[str, Any], ...]
    results: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class Block:
    """Statements in order, and the names of the values that the block yields."""

    statements: tuple[Statement, ...]
    results: tuple[str, ...] = ()
    parameters: tuple[Value, ...] = ()


@dataclass(frozen=True, slots=True)
class Region:
    """A compound statement.

    if: operands (condition,), blocks (then, else), results chosen from what each block yields.
    for: attributes (trips), operands the initial values, block parameters (counter, carried...), results the last
    yields.
    while: the same, with a counter that the text tests and increments.
    with: attributes (context), one block; try: attributes (shape), one block; results are what it yields.
    rewrite: attributes (transform, and what it chose), operands what it reads beside the block, one block; results are
    what the block yields, then what the transform itself makes (Python values, integer tensors).
    def, lambda: one block with parameters; result is one value of function type. Captures are free names of the block.
    """

    kind: str
    operands: tuple[Operand, ...]
    attributes: tuple[tuple[str, Any], ...]
    blocks: tuple[Block, ...]
    results: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class Opaque:
    """Python text that was not lifted, with the names that it reads and writes. ``label`` names what it exercises,
    parted by ``; ``."""

    text: str
    reads: tuple[str, ...]
    writes: tuple[str, ...]
    results: tuple[Value, ...] = ()
    label: str = ""


Statement = Operation | PythonOperation | Region | Opaque


@dataclass(frozen=True, slots=True)
class Data:
    """Contents of a tensor input: element k is ``low + step * r`` with ``r = (k * multiplier + offset) % modulus``,
    exact in binary; or the special value number r, where there are so many (NaN, infinities, a dtype's extremes)."""

    low: float
    step: float
    modulus: int
    multiplier: int = 1
    offset: int = 0
    special: tuple[float, ...] = ()

    def element(self, index: int) -> float:
        """The element at a linear index, as a Python number."""
        residue = (index * self.multiplier + self.offset) % self.modulus
        return self.special[residue] if residue < len(self.special) else self.low + self.step * residue


@dataclass(frozen=True, slots=True)
class Layout:
    """How an input lies in memory.

    kind: contiguous; permuted (dense, with the dimensions laid out in ``order``); sliced (each dimension of a larger
    tensor from ``offset`` in
    steps of ``step``); expanded (the dimensions in ``order`` have stride 0); channels_last; alias (of the input's
    base: its dimensions in
    ``order`` if given, else its rows from ``offset``, else the same object).
    """

    kind: str = "contiguous"
    order: tuple[int, ...] = ()
    offset: int = 0
    step: int = 1


@dataclass(frozen=True, slots=True)
class Argument:
    """What one call passes for one input. ``text`` is a Python expression that makes it, in place of all the rest; it
    may name inputs before it."""

    data: Data | None = None
    layout: Layout = Layout()
    requires_grad: bool = False
    scalar: Any = None
    text: str | None = None


@dataclass(frozen=True, slots=True)
class Input:
    """An input of the program: role argument, parameter or buffer. ``base`` names the input that an aliased one is a
    view of."""

    value: Value
    role: str = "argument"
    base: str | None = None

    @property
    def name(self) -> str:
        """The name of the input's value."""
        return self.value.name


@dataclass(frozen=True, slots=True)
class Call:
    """One call: the instantiation of the sizes and what is passed for each input, by name.

    ``before`` runs ahead of it, outside of the program, and changes what the program sees beside its arguments:
    globals, attributes, modes. ``around`` is an expression of a context manager that the call runs in.
    """

    instantiation: int
    arguments: tuple[tuple[str, Argument], ...]
    before: tuple[Opaque, ...] = ()
    around: str = ""

    def argument(self, name: str) -> Argument:
        """What the call passes for an input. Raises KeyError."""
        for key, argument in self.arguments:
            if key == name:
                return argument
        raise KeyError(name)


# A nest of outputs: the name of a value, or (kind, items, keys) for a tuple, list or dict.
Tree = str | tuple[str, tuple["Tree", ...], tuple[str, ...]]

KEPT, FOUND, SPECIAL, WRAPPING = "kept", "found", "special", "wrapping"
LEAVING = frozenset({SPECIAL, WRAPPING})
"""Where values leave the domains of what is computed of them."""


@dataclass(frozen=True, slots=True)
class Program:
    """A function of tensors with its inputs and calls.

    ``sizes`` gives each size symbol its value per instantiation. Parameters and buffers take the first call's
    arguments; with the style
    ``forward`` the statements are the method of a module, with ``function`` they are a function that is given the
    module. ``values`` says why elements are in the domains of what is computed of them: `KEPT` there by what is known
    of them, `FOUND` by a search for inputs, or not at all: `SPECIAL` ones are to leave them, and in `WRAPPING` programs
    integers wrap around as well. ``definitions`` are statements of the Python module around it; ``watched`` names those
    of their globals whose contents are compared after each call.
    """

    sizes: tuple[tuple[str, tuple[int, ...]], ...]
    instantiations: int
    inputs: tuple[Input, ...]
    body: tuple[Statement, ...]
    outputs: Tree
    calls: tuple[Call, ...]
    training: bool = False
    style: str = "function"
    values: str = KEPT
    definitions: tuple[Opaque, ...] = ()
    watched: tuple[str, ...] = ()

    @property
    def size_table(self) -> dict[str, tuple[int, ...]]:
        """Size symbols and their values."""
        return dict(self.sizes)


def operand_names(operand: Operand) -> Iterator[str]:
    """The names of values in an operand."""
    if isinstance(operand, str):
        yield operand
    elif isinstance(operand, tuple):
        for item in operand:
            yield from operand_names(item)


def output_names(tree: Tree) -> list[str]:
    """The names in a nest of outputs, depth first."""
    return [tree] if isinstance(tree, str) else [name for item in tree[1] for name in output_names(item)]


def reads(statement: Statement) -> list[str]:
    """Names that a statement uses and does not define, those inside its blocks included."""
    match statement:
        case Operation():
            names = [name for operand in statement.operands for name in operand_names(operand)]
            return [*names, statement.out] if statement.out else names
        case PythonOperation():
            return [name for operand in statement.operands for name in operand_names(operand)]
        case Region():
            names = [name for operand in statement.operands for name in operand_names(operand)]
            for block in statement.blocks:
                defined = {value.name for value in block.parameters} | set(defined_names(block.statements))
                inner = [name for child in block.statements for name in reads(child)] + list(block.results)
                names += [name for name in inner if name not in defined]
            return names
        case Opaque():
            return list(statement.reads)


def defined_names(statements: tuple[Statement, ...]) -> Iterator[str]:
    """Names that statements define in their own scope (not inside inner blocks)."""
    for statement in statements:
        for value in statement.results:
            yield value.name


_IDENTIFIER = re.compile(r"[A-Za-z_]\w*")


def mentioned(text: str) -> set[str]:
    """Every identifier in a piece of text; those in strings too."""
    return set(_IDENTIFIER.findall(text))


def texts_of(program: Program) -> Iterator[str]:
    """The pieces of text beside the body: what arguments are made by, what changes between calls and surrounds them."""
    for call in program.calls:
        yield from (argument.text for _, argument in call.arguments if argument.text is not None)
        yield from (each.text for each in call.before)
        yield call.around


def opaques(program: Program) -> list[Opaque]:
    """Every piece of opaque text: definitions, those of the body, and what runs between the calls."""
    found = [*program.definitions, *(each for each in walk(program.body) if isinstance(each, Opaque))]
    return [*found, *(each for call in program.calls for each in call.before)]


def walk(statements: tuple[Statement, ...]) -> Iterator[Statement]:
    """Every statement, those inside regions included, in textual order."""
    for statement in statements:
        yield statement
        if isinstance(statement, Region):
            for block in statement.blocks:
                yield from walk(block.statements)


def operations(program: Program) -> list[Operation]:
    """Every tensor operation in textual order."""
    return [statement for statement in walk(program.body) if isinstance(statement, Operation)]
