"""Programs for the tests of triage, built by hand or at random, and systems that are wrong in a known way."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from assay.emit.cases import build_case
from assay.ir.case import Case
from assay.ir.program import (
    Argument,
    Call,
    Data,
    Input,
    Layout,
    Operand,
    Operation,
    Program,
    PythonOperation,
    Statement,
    Tree,
    Value,
    operations,
)
from assay.ir.serialize import program_from_json
from assay.ir.types import ScalarType, TensorType
from assay.oracles.verdict import Judgement, Kind, Verdict
from assay.triage.typing_anew import typed

RAMP = Data(-1.5, 0.5, 7)


class Builder:
    """Collects statements; types follow when the program is made."""

    def __init__(self, training: bool = False) -> None:
        self.program = Program((), 1, (), (), ("tuple", (), ()), (Call(0, ()),), training)

    def input(self, name: str, dtype: str = "float32", shape: Sequence[Any] = (3, 4), **rest: Any) -> str:
        """One more input; ``rest`` are fields of `Argument`, and role and base."""
        entry = Input(
            Value(name, TensorType(dtype, tuple(shape)), name), rest.pop("role", "argument"), rest.pop("base", None)
        )
        data = (
            None if entry.base else rest.pop("data", RAMP if dtype.startswith(("float", "bfloat")) else Data(0, 1, 3))
        )
        self._add(entry, Argument(data=data, **rest))
        return name

    def number(self, name: str, value: Any) -> str:
        """One more Python number."""
        self._add(Input(Value(name, ScalarType(type(value).__name__))), Argument(scalar=value))
        return name

    def _add(self, entry: Input, argument: Argument) -> None:
        calls = tuple(replace(call, arguments=(*call.arguments, (entry.name, argument))) for call in self.program.calls)
        self.program = replace(self.program, inputs=(*self.program.inputs, entry), calls=calls)

    def op(
        self, name: str, operator: str, *operands: Operand, form: str = "function", out: str | None = None, **rest: Any
    ) -> str:
        """One more tensor operation with one result; ``rest`` are its attributes."""
        value = Value(name, TensorType("float32", ()), name)
        self.add(Operation(operator, tuple(operands), tuple(rest.items()), (value,), form, out))
        return name

    def python(self, name: str, kind: str, *operands: Operand, **attributes: Any) -> str:
        """One more Python operation with one result."""
        value = Value(name, ScalarType("int"))
        self.add(PythonOperation(kind, tuple(operands), tuple(attributes.items()), (value,)))
        return name

    def add(self, *statements: Statement) -> None:
        """More statements."""
        self.program = replace(self.program, body=(*self.program.body, *statements))

    def made(self, *outputs: Tree, calls: int = 1) -> Program:
        """The program, typed and verified."""
        tree: Tree = outputs[0] if len(outputs) == 1 else ("tuple", tuple(outputs), ())
        program = typed(replace(self.program, outputs=tree, calls=self.program.calls * calls))
        assert program is not None, "the program of the test is not well typed"
        return program


def case_of(program: Program, target: str = "inductor", options: Mapping[str, Any] | None = None) -> Case:
    """A case of a program."""
    return build_case(program, source="graph", target=target, options=options or {})


def program_of(case: Case) -> Program:
    """The program that a case was made of."""
    return program_from_json(case.recipe["program"])


WRONG = Judgement(Verdict.Mismatch, Kind.value, "call 0, output 0", "3 of 3 elements differ", "value|float32|output")
RIGHT = Judgement(Verdict.Pass)


def wrong_if(condition: Callable[[Program], bool]) -> Callable[[Case], Judgement]:
    """A system that is wrong about the programs that meet a condition."""
    return lambda case: WRONG if condition(program_of(case)) else RIGHT


def contains(operator: str, accept: Callable[[Operation, Program], bool] | None = None) -> Callable[[Program], bool]:
    """Whether a program has an operation of an operator that is accepted."""
    return lambda program: any(
        each.operator == operator and (accept is None or accept(each, program)) for each in operations(program)
    )


def rank_of(operation: Operation) -> int:
    """The rank of an operation's first result."""
    type_ = operation.results[0].type
    assert isinstance(type_, TensorType)
    return type_.rank


_UNARY = (
    "unary.relu",
    "unary.abs",
    "unary.neg",
    "unary.floor",
    "smooth.tanh",
    "smooth.sin",
    "smooth.exp",
    "unary.square",
)
_BINARY = ("binary.add", "binary.maximum", "binary.mul", "binary.sub", "binary.minimum")


def random_program(seed: int, length: int = 12, training: bool = False) -> Program:
    """Elementwise operations, broadcasts and reductions over inputs of several dtypes and layouts; several outputs."""
    draw = random.Random(seed)
    builder = Builder(training)
    shapes = [(3, 4), (2, 3, 4), (4,), (3, 1), (2, 1, 4), ()]
    names = []
    for number in range(3):
        dtype = draw.choice(("float32", "float32", "float64", "bfloat16", "int64"))
        shape = draw.choice(shapes)
        sliced = Layout("sliced", offset=1, step=2) if shape and draw.random() < 0.3 else Layout()
        grad = training and dtype.startswith("float")
        names.append(builder.input(f"i{number}", dtype, shape, layout=sliced, requires_grad=grad))
    program = builder.program
    while len(program.body) < length:
        builder.program = program
        name = f"v{len(program.body)}"
        way = draw.random()
        first, second = draw.choice(names[-6:]), draw.choice(names)
        if way < 0.4:
            builder.op(name, draw.choice(_UNARY), first)
        elif way < 0.75:
            operator = draw.choice(_BINARY)
            more = {"alpha": draw.choice((1, 2, -1))} if operator in ("binary.add", "binary.sub") else {}
            builder.op(name, operator, first, second, **more)
        else:
            operator = draw.choice(("reduce.sum", "reduce.amax"))
            builder.op(name, operator, first, dim=draw.choice((None, (0,), (-1,))), keepdim=draw.random() < 0.5)
        grown = typed(replace(builder.program, outputs=("tuple", (name,), ())))
        if grown is not None:
            program = grown
            names.append(name)
    outputs = (*draw.sample(names[3:], 3), names[-1])
    result = typed(replace(program, outputs=("tuple", tuple(dict.fromkeys(outputs)), ())))
    assert result is not None
    return result
