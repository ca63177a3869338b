"""A program as kernels for Triton, beside its text for torch: ``launched(launch, block, rows, *arguments)``.

Statements are gathered into kernels for as long as these take them, each of a kind that is drawn; what lies between
two kernels is in memory. Branches and loops are in a kernel where all that they hold is, else they are Python around
kernels. The text imports Triton; whether kernels are interpreted, compiled or run is up to ``launch``.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence, Set
from typing import Any

from assay.emit import torch
from assay.emit.triton_forms import FORMS, HELPERS
from assay.emit.triton_kernels import INDENT, MODES, Kernel, product, sizes
from assay.ir.program import (
    Literal,
    Operand,
    Operation,
    Program,
    PythonOperation,
    Region,
    Statement,
    Value,
    output_names,
    reads,
)
from assay.ir.types import TensorType, is_complex
from assay.ops.catalogue import load
from assay.ops.facts import Unsatisfied, require
from assay.ops.onnx_forms import Arg, Args
from assay.ops.protocol import Binding, Operator, bind, kind_of_scalar

IMPORTS = ["import triton", "import triton.language as tl"]
REGIONS = ("if", "for", "while")
DOTS = 0.8
"""Of the kernels, those that may multiply by `tl.dot`; the others sum products."""
LONGEST = 10
"""Statements of the longest kernel."""


def has_form(operator: Operator) -> bool:
    """Whether an operator has a form for Triton."""
    return operator.name in FORMS and not operator.inplace_only and not operator.writes


def check(operator: Operator, binding: Binding, operands: Sequence[Any], results: Sequence[TensorType]) -> None:
    """Raise Unsatisfied where an operation on operands in memory can be written in no kernel. ``operands`` are types,
    numbers as `Literal`, or tuples of types."""
    memory: dict[str, TensorType] = {}
    arguments = [_typed(operand, memory) for operand in operands]
    refused = Unsatisfied(f"{operator.name} has no form for Triton")
    for mode, dots in [(mode, dots) for dots in (False, True) for mode in MODES]:
        kernel = Kernel(mode, memory, frozenset(), random.Random(0), dots=dots)
        try:
            write(kernel, operator, binding, arguments, [Value(f"r{k}", type_) for k, type_ in enumerate(results)])
            return
        except Unsatisfied as reason:
            refused = reason
    raise refused


def _typed(operand: Any, memory: dict[str, TensorType]) -> Args:
    if operand is None:
        return None
    if isinstance(operand, tuple):
        return tuple(each for each in (_typed(item, memory) for item in operand) if isinstance(each, Arg))
    if isinstance(operand, Literal):
        return Arg(None, kind_of_scalar(operand.value), operand.value)
    require(isinstance(operand, TensorType), "a number that is not known")
    name = f"x{len(memory)}"
    memory[name] = operand
    return Arg(name, operand)


def write(
    kernel: Kernel, operator: Operator, binding: Binding, arguments: Sequence[Args], results: Sequence[Value]
) -> None:
    """Write an operation into a kernel. Raises Unsatisfied, and the kernel is then as it was."""
    require(has_form(operator), f"{operator.name} has no form for Triton")
    types = [each.type for each in results if isinstance(each.type, TensorType)]
    given = [each for argument in arguments for each in (argument if isinstance(argument, tuple) else (argument,))]
    tensors = [*types, *(each.type for each in given if each is not None)]
    for type_ in tensors:
        if isinstance(type_, TensorType):
            require(not is_complex(type_.dtype), "complex numbers")
            require(product(sizes(type_)) > 0, "no elements")
    with kernel.transaction():
        kernel.out, kernel.operator = tuple(types), operator.name
        for type_ in types:
            kernel.fit(type_)
        if not kernel.native:
            kernel.out = tuple(map(_widened, types))
            arguments = [_widened_argument(argument) for argument in arguments]
        found = FORMS[operator.name](kernel, binding, *arguments)
        texts = (found,) if isinstance(found, str) else found
        for value, type_, out, text in zip(results, types, kernel.out, texts, strict=True):
            kernel.define(value.name, type_, kernel.cast(text, out.dtype, type_.dtype))
        kernel.written.statements += 1


def _widened(type_: TensorType) -> TensorType:
    return type_.with_dtype("float32") if type_.dtype == "bfloat16" else type_


def _widened_argument(argument: Args) -> Args:
    if isinstance(argument, tuple):
        return tuple(each for each in map(_widened_argument, argument) if isinstance(each, Arg))
    if argument is None or not isinstance(argument.type, TensorType):
        return argument
    return Arg(argument.name, _widened(argument.type), argument.value)


def render(program: Program, plan: Mapping[str, Any], *, literals: bool = False, fresh: bool = False) -> str:
    """The module's text: that for torch, the kernels and ``launched``. ``plan`` says by which seed kinds of kernels are
    drawn, how likely a statement joins a kernel, and whether bfloat16 is computed with as it is. Raises Unsatisfied."""
    lines = _Writer(program, plan).lines()
    return torch.render(program, literals=literals, fresh=fresh, beside=(IMPORTS, lines))


class _Writer:
    """Parts a program into kernels and writes what launches them."""

    def __init__(self, program: Program, plan: Mapping[str, Any]) -> None:
        self.program = program
        self.plan = plan
        self.operators = load()
        self.kernels: list[list[str]] = []
        self.memory: dict[str, TensorType] = {}
        self.scalars: set[str] = set()
        self.strided = _strided(program)

    def lines(self) -> list[str]:
        """The helpers, the kernels and the function that launches them."""
        for entry in self.program.inputs:
            if isinstance(entry.value.type, TensorType):
                self.memory[entry.name] = entry.value.type
            else:
                self.scalars.add(entry.name)
        body = [f"{e.name} = model.{e.name}" for e in self.program.inputs if e.role != "argument"]
        body += self.block(self.program.body, set(output_names(self.program.outputs)))
        body.append(f"return {torch.tree_text(self.program.outputs)}")
        texts = "\n".join(line for each in self.kernels for line in each)
        found: list[str] = []
        for name, lines in HELPERS.items():
            found += ["@triton.jit", *lines, "", ""] if f", {name}" in texts else []
        for each in self.kernels:
            found += [*each, "", ""]
        state = ["model"] if any(entry.role != "argument" for entry in self.program.inputs) else []
        names = [*state, *(entry.name for entry in self.program.inputs if entry.role == "argument")]
        found.append(f"def launched({', '.join(['launch', 'block', 'rows', *names])}):")
        return [*found, *(INDENT + line for line in body)]

    def block(self, statements: Sequence[Statement], wanted: Set[str]) -> list[str]:
        """The lines that run statements; ``wanted`` are read after them."""
        later = [*_later(statements, wanted)]
        lines: list[str] = []
        kernel: Kernel | None = None

        def close(position: int) -> None:
            nonlocal kernel
            if kernel is not None:
                lines.extend(self._closed(kernel, later[position]))
                kernel = None

        for position, statement in enumerate(statements):
            if isinstance(statement, PythonOperation):
                # Nothing of it is computed in kernels: it may go before the one that is being written.
                if kernel is not None and any(name in kernel.written.values for name in reads(statement)):
                    close(position)
                lines.extend(self._python(statement))
                continue
            chance = random.Random(f"{self.plan['seed']}/{_named(statement)}")
            if kernel is not None and chance.random() < self.plan["fuse"] and self._takes(kernel, statement):
                continue
            close(position)
            kernel = self._opened(statement, chance)
            if kernel is None:
                assert isinstance(statement, Region)
                lines.extend(self._region(statement))
        close(len(statements))
        return lines

    def _opened(self, statement: Statement, chance: random.Random) -> Kernel | None:
        """A kernel that begins with a statement; None where that is control flow around kernels. Raises
        Unsatisfied."""
        modes = list(MODES)
        chance.shuffle(modes)
        dots = chance.random() < DOTS
        for mode, dot in [(mode, dot) for dot in (dots, not dots) for mode in modes]:
            kernel = Kernel(mode, self.memory, self.strided, chance, self.plan["native"], dot)
            if self._takes(kernel, statement):
                return kernel
        require(isinstance(statement, Region), f"no kernel takes {_named(statement)}")
        return None

    def _takes(self, kernel: Kernel, statement: Statement) -> bool:
        if kernel.written.statements >= LONGEST:
            return False
        try:
            with kernel.transaction():
                self._into(kernel, statement)
        except Unsatisfied:
            return False
        return True

    def _into(self, kernel: Kernel, statement: Statement) -> None:
        match statement:
            case Operation():
                self._operation_into(kernel, statement)
            case Region():
                self._region_into(kernel, statement)
            case _:
                raise Unsatisfied("no kernel computes with Python values")

    def _operation_into(self, kernel: Kernel, statement: Operation) -> None:
        operator = self.operators[statement.operator]
        types = {**kernel.memory, **kernel.written.values}
        arguments = [self._argument(operand, types) for operand in statement.operands]
        bound = [_type_of(argument) for argument in arguments]
        binding = bind(operator, bound, dict(statement.attributes))
        write(kernel, operator, binding, arguments, statement.results)

    def _argument(self, operand: Operand, types: Mapping[str, TensorType]) -> Args:
        if operand is None:
            return None
        if isinstance(operand, tuple):
            found = (self._argument(item, types) for item in operand)
            return tuple(each for each in found if isinstance(each, Arg))
        if isinstance(operand, Literal):
            return Arg(None, kind_of_scalar(operand.value), operand.value)
        require(isinstance(operand, str), "a size as an operand")
        assert isinstance(operand, str)
        name = operand
        require(name in types, "a Python value as an operand")
        return Arg(name, types[name])

    def _region_into(self, kernel: Kernel, region: Region) -> None:
        """Control flow inside a kernel."""
        require(region.kind in REGIONS, f"{region.kind} in a kernel")
        types = [value.type for value in region.results]
        require(all(isinstance(type_, TensorType) and type_.shape for type_ in types), "numbers that change")
        for type_ in types:
            assert isinstance(type_, TensorType)
            kernel.fit(type_)
        if region.kind == "if":
            (condition,) = region.operands
            assert isinstance(condition, str)
            test = kernel.extra(f"if_{condition}", f"int({condition})")
            self._branches_into(kernel, region, test)
        else:
            self._loop_into(kernel, region)
        for value in region.results:
            assert isinstance(value.type, TensorType)
            kernel.written.values[value.name] = value.type
        kernel.written.statements += 1

    def _tile(self, kernel: Kernel, name: str, region: Region) -> str:
        """The tile of a value of outside, of a region's type."""
        (type_, *_) = (value.type for value in region.results)
        assert isinstance(type_, TensorType)
        kernel.out = (type_,)
        held = {**kernel.memory, **kernel.written.values}
        require(name in held and held[name] == type_, "another type")
        return kernel.read(Arg(name, type_), alone=True)

    def _branches_into(self, kernel: Kernel, region: Region, test: str) -> None:
        (result,) = region.results
        for word, block in zip((f"if {test} != 0:", "else:"), region.blocks, strict=True):
            kernel.line(word)
            kernel.depth += 1
            before = dict(kernel.written.values)
            for statement in block.statements:
                self._into(kernel, statement)
            kernel.line(f"{result.name} = {self._tile(kernel, block.results[0], region)}")
            kernel.depth -= 1
            # What a branch binds is not bound after it.
            kernel.written.values = before

    def _loop_into(self, kernel: Kernel, region: Region) -> None:
        (block,) = region.blocks
        counter, carried = block.parameters
        (result,) = region.results
        assert isinstance(carried.type, TensorType)
        (start,) = region.operands
        assert isinstance(start, str)
        trips = str(dict(region.attributes)["trips"])
        kernel.line(f"{carried.name} = {self._tile(kernel, start, region)}")
        before = dict(kernel.written.values)
        kernel.written.values[carried.name] = carried.type
        form = kernel.chance.choice(("range({})", "range({})", "tl.range({})", "tl.static_range({})"))
        if region.kind == "while":
            limit = kernel.extra(f"trips_{result.name}", trips)
            kernel.line(f"{counter.name} = 0")
            kernel.line(f"while {counter.name} < {limit}:")
        elif "static" in form:
            kernel.line(f"for {counter.name} in {form.format(trips)}:")
        else:
            limit = kernel.extra(f"trips_{result.name}", trips)
            kernel.line(f"for {counter.name} in {form.format(limit)}:")
        kernel.depth += 1
        for statement in block.statements:
            self._into(kernel, statement)
        kernel.line(f"{carried.name} = {self._tile(kernel, block.results[0], region)}")
        if region.kind == "while":
            kernel.line(f"{counter.name} += 1")
        kernel.depth -= 1
        kernel.written.values = before
        kernel.line(f"{result.name} = {carried.name}")

    def _closed(self, kernel: Kernel, wanted: Set[str]) -> list[str]:
        """The lines that allocate what a kernel writes, and launch it."""
        stored = [name for name in kernel.written.values if name in wanted]
        if not stored:
            return []
        name = f"kernel_{len(self.kernels)}"
        self.kernels.append(kernel.text(name, stored))
        lines = []
        for each in stored:
            type_ = kernel.written.values[each]
            self.memory[each] = type_
            device = next((f", device={other}.device" for other in kernel.written.pointers if other not in stored), "")
            lines.append(f"{each} = torch.empty({_tuple(sizes(type_))}, dtype=torch.{type_.dtype}{device})")
        return [*lines, kernel.launch(name)]

    def _python(self, statement: PythonOperation) -> list[str]:
        """A test of Python values and of properties of tensors."""
        require(statement.kind == "test", f"{statement.kind} of Python values")
        (result,) = statement.results
        form = dict(statement.attributes)["form"]
        operands = [operand if isinstance(operand, str) else "None" for operand in statement.operands]
        require("{1}" not in form or operands[1] in self.memory, "a test of what is not in memory")
        return [f"{result.name} = {form.format(*operands)}"]

    def _region(self, region: Region) -> list[str]:
        """Control flow around kernels. Raises Unsatisfied."""
        require(region.kind in REGIONS, f"{region.kind} around kernels")
        (result,) = region.results
        assert isinstance(result.type, TensorType)
        if region.kind == "if":
            (condition,) = region.operands
            assert isinstance(condition, str)
            lines = []
            for word, block in zip((f"if {condition}:", "else:"), region.blocks, strict=True):
                inner = self.block(block.statements, set(block.results))
                inner.append(f"{result.name} = {block.results[0]}")
                lines += [word, *(INDENT + line for line in inner)]
        else:
            (block,) = region.blocks
            counter, carried = block.parameters
            (start,) = region.operands
            assert isinstance(start, str)
            lines = [f"{carried.name} = {start}"]
            strided, self.strided = self.strided, self.strided | {carried.name}
            assert isinstance(carried.type, TensorType)
            self.memory[carried.name] = carried.type
            inner = self.block(block.statements, set(block.results))
            self.strided = strided
            inner.append(f"{carried.name} = {block.results[0]}")
            trips = dict(region.attributes)["trips"]
            if region.kind == "for":
                lines.append(f"for {counter.name} in range({trips}):")
            else:
                lines += [f"{counter.name} = 0", f"while {counter.name} < {trips}:"]
                inner.append(f"{counter.name} += 1")
            lines += [INDENT + line for line in inner]
            lines.append(f"{result.name} = {carried.name}")
        self.memory[result.name] = result.type
        # What it hands on may be an argument as it is.
        self.strided = self.strided | {result.name}
        return lines


def _tuple(shape: Sequence[int]) -> str:
    return f"({', '.join(map(str, shape))}{',' if len(shape) == 1 else ''})"


def _named(statement: Statement) -> str:
    return ",".join(value.name for value in statement.results)


def _type_of(argument: Args) -> Any:
    if argument is None:
        return None
    return tuple(each.type for each in argument) if isinstance(argument, tuple) else argument.type


def _later(statements: Sequence[Statement], wanted: Set[str]) -> Iterator[Set[str]]:
    """For each position, what is read from there on."""
    found = [set(wanted)]
    for statement in reversed(statements):
        found.append(found[-1] | set(reads(statement)))
    return reversed(found)


def _strided(program: Program) -> frozenset[str]:
    """The inputs that are not contiguous in some call."""
    found = set()
    for entry in program.inputs:
        if entry.role == "argument" and isinstance(entry.value.type, TensorType):
            arguments = [call.argument(entry.name) for call in program.calls]
            if entry.base is not None or any(each.layout.kind != "contiguous" for each in arguments):
                found.add(entry.name)
    return frozenset(found)
