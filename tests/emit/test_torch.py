"""What the representation carries, each kind rendered as text and run through torch eagerly."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from tests.triage.build import Builder

from assay.emit.torch import render
from assay.ir.program import Block, Data, Layout, Literal, Operation, PythonOperation, Region, Value
from assay.ir.serialize import program_from_json, program_to_json
from assay.ir.types import FunctionType, ScalarType, TensorType
from assay.ir.verify import verify

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch
RAMP = Data(0, 1, 100)


def load(program: Any, literals: bool = False) -> SimpleNamespace:
    """The module of a program, whose recipe survives JSON and whose text is the same from there."""
    verify(program)
    again = program_from_json(program_to_json(program))
    text = render(program, literals=literals)
    assert render(again, literals=literals) == text
    module: dict[str, Any] = {"__name__": "case"}
    exec(compile(text, "case.py", "exec"), module)
    return SimpleNamespace(**module)


def run(program: Any, call: int = 0) -> Any:
    """The outputs of one call."""
    module = load(program)
    first = (module.state(),) if hasattr(module, "state") else ()
    return module.program(*first, *module.inputs(call))


def tensor(name: str, shape: tuple[int, ...] = (2, 3), storage: str = "") -> Value:
    return Value(name, TensorType("float32", shape), storage or name)


def operation(
    operator: str, operands: tuple[Any, ...], result: Value, form: str = "function", **attributes: Any
) -> Operation:
    return Operation(operator, operands, tuple(attributes.items()), (result,), form)


def test_a_write_through_a_view_is_seen_by_its_base() -> None:
    builder = Builder()
    builder.input("x", shape=(2, 3), data=RAMP)
    builder.add(
        operation("binary.add", ("x", Literal(0)), tensor("base"), alpha=1),
        operation("view.permute", ("base",), tensor("view", (3, 2), "base"), dims=(1, 0)),
        operation("unary.neg", ("view",), tensor("written", (3, 2), "base"), form="inplace"),
    )
    (base,) = run(builder.made(("tuple", ("base",), ())))
    assert base.tolist() == [[0, -1, -2], [-3, -4, -5]]


def test_a_write_to_an_input_is_seen_by_the_caller() -> None:
    builder = Builder()
    builder.input("x", shape=(2, 3), data=RAMP)
    builder.add(operation("unary.neg", ("x",), tensor("written", storage="x"), form="inplace"))
    module = load(builder.made("written"))
    (x,) = module.inputs()
    assert module.program(x) is x
    assert x[1, 2] == -5


@pytest.mark.parametrize(
    ("layout", "stride"),
    [
        (Layout("permuted", (2, 3, 0, 1)), None),
        (Layout("sliced", (), 1, 2), None),
        (Layout("expanded", (1,)), 0),
        (Layout("channels_last"), 1),
    ],
)
def test_layouts_hold_the_same_elements_in_other_places(layout: Layout, stride: int | None) -> None:
    builder = Builder()
    builder.input("x", shape=(2, 3, 4, 5), layout=layout, data=RAMP)
    (x,) = load(builder.made("x")).inputs()
    builder = Builder()
    builder.input("x", shape=(2, 3, 4, 5), data=RAMP)
    (plain,) = load(builder.made("x")).inputs()
    assert not x.is_contiguous()
    if layout.kind == "expanded":
        assert x.stride(1) == stride
    else:
        assert torch.equal(x, plain)
    if layout.kind == "channels_last":
        assert x.stride(1) == stride


def test_an_aliased_input_shares_memory_with_its_base() -> None:
    builder = Builder()
    builder.input("x", shape=(4,), data=RAMP)
    builder.input("y", shape=(3,), base="x", layout=Layout("alias", (), 1))
    x, y = load(builder.made(("tuple", ("x", "y"), ()))).inputs()
    y.zero_()
    assert x.tolist() == [0, 0, 0, 0]


def test_an_operation_with_several_outputs_defines_them_all() -> None:
    builder = Builder()
    builder.input("x", shape=(2, 3), data=Data(5, -1, 6))
    indices = Value("indices", TensorType("int64", (2, 3)), "indices")
    attributes = (("dim", 1), ("descending", False), ("stable", True))
    builder.add(Operation("sort.sort", ("x",), attributes, (tensor("values"), indices)))
    values, indices_of = run(builder.made(("tuple", ("values", "indices"), ())))
    assert values.tolist() == [[3, 4, 5], [0, 1, 2]]
    assert indices_of.tolist() == [[2, 1, 0], [2, 1, 0]]


@pytest.mark.parametrize("style", ["function", "forward"])
def test_a_buffer_that_the_program_updates_keeps_its_state_between_calls(style: str) -> None:
    builder = Builder()
    builder.input("x", shape=(3,), data=RAMP)
    builder.input("p", shape=(3,), role="parameter", data=Data(2, 0, 1), requires_grad=True)
    builder.input("b", shape=(3,), role="buffer", data=Data(0, 0, 1))
    builder.add(
        operation("binary.add", ("b", "x"), tensor("updated", (3,), "b"), form="inplace", alpha=1),
        operation("binary.mul", ("p", "b"), tensor("scaled", (3,))),
    )
    from dataclasses import replace

    module = load(replace(builder.made("scaled"), style=style))
    state = module.state()
    first = module.program(state, *module.inputs()).tolist()
    second = module.program(state, *module.inputs()).tolist()
    assert (first, second) == ([0, 2, 4], [0, 4, 8])
    assert dict(state.named_parameters()).keys() == {"p"}
    assert dict(state.named_buffers())["b"].tolist() == [0, 2, 4]


def test_python_numbers_and_containers_pass_through() -> None:
    builder = Builder()
    builder.input("x", shape=(2,), data=RAMP)
    builder.number("n", 3)
    builder.python("m", "arithmetic", "n", Literal(2), symbol="*")
    builder.op("y", "binary.add", "x", "m", alpha=1)
    builder.python("pack", "pack", "x", "y", container="list")
    builder.python("longer", "append", "pack", "y")
    item = PythonOperation("item", ("longer",), (("index", 2),), (tensor("item", (2,), "y"),))
    builder.add(item)
    outputs = run(builder.made(("dict", ("m", "item", "pack"), ("m", "item", "pack"))))
    assert outputs["m"] == 6
    assert outputs["item"].tolist() == [6, 7]
    assert len(outputs["pack"]) == 3


def branch(builder: Builder) -> None:
    builder.python("larger", "compare", "n", Literal(2), symbol=">")
    then = Block((operation("unary.neg", ("x",), tensor("negated")),), ("negated",))
    builder.add(Region("if", ("larger",), (), (then, Block((), ("x",))), (tensor("chosen", storage="x"),)))


@pytest.mark.parametrize(("number", "expected"), [(3, -1), (1, 1)])
def test_a_branch_takes_the_arm_of_its_condition(number: int, expected: int) -> None:
    builder = Builder()
    builder.input("x", data=RAMP, shape=(2, 3))
    builder.number("n", number)
    branch(builder)
    assert run(builder.made("chosen"))[0, 1] == expected


@pytest.mark.parametrize("kind", ["for", "while"])
def test_a_loop_carries_its_value(kind: str) -> None:
    builder = Builder()
    builder.input("x", shape=(2, 3), data=RAMP)
    counter = Value("i", ScalarType("int"))
    body = Block(
        (operation("binary.add", ("c", "i"), tensor("next"), alpha=1),), ("next",), (counter, tensor("c", storage="x"))
    )
    builder.add(Region(kind, ("x",), (("trips", 3),), (body,), (tensor("last", storage="x"),)))
    assert run(builder.made("last"))[0, 0] == 0 + 1 + 2


def test_an_inner_function_captures_and_is_called_twice() -> None:
    builder = Builder()
    builder.input("x", shape=(2, 3), data=RAMP)
    builder.input("y", shape=(2, 3), data=RAMP)
    body = Block((operation("binary.add", ("a", "y"), tensor("sum"), alpha=1),), ("sum",), (tensor("a", storage=""),))
    type_ = FunctionType((TensorType("float32", (2, 3)),), ())
    builder.add(
        Region("def", (), (), (body,), (Value("f", type_),)),
        PythonOperation("call", ("f", "x"), (), (tensor("once"),)),
        PythonOperation("call", ("f", "once"), (), (tensor("twice"),)),
    )
    assert run(builder.made("twice"))[0, 1] == 3


@pytest.mark.parametrize(("through", "gradient"), [("checkpoint", 2.0), ("autograd", 1.0)])
def test_an_inner_function_is_called_through_a_checkpoint_or_a_function_of_its_own(
    through: str, gradient: float
) -> None:
    builder = Builder(training=True)
    builder.input("x", shape=(2, 3), data=Data(1, 1, 100), requires_grad=True)
    body = Block((operation("binary.add", ("a", "a"), tensor("s"), alpha=1),), ("s",), (tensor("a", storage=""),))
    type_ = FunctionType((TensorType("float32", (2, 3)),), ())
    builder.add(
        Region("def", (), (), (body,), (Value("f", type_),)),
        PythonOperation("call", ("f", "x"), (("through", through),), (tensor("y"),)),
    )
    module = load(builder.made("y"))
    (x,) = module.inputs(0)
    y = module.program(x)
    y.sum().backward()
    assert y[0, 0] == 2
    assert x.grad[0, 0] == gradient  # the Function's own backward passes the gradient on as it is


@pytest.mark.parametrize(
    ("kind", "attribute"),
    [("with", ("context", "torch.no_grad()")), ("try", ("shape", "finally")), ("try", ("shape", "except"))],
)
def test_a_context_and_a_try_yield_what_their_body_defines(kind: str, attribute: tuple[str, str]) -> None:
    builder = Builder()
    builder.input("x", shape=(2, 3), data=RAMP)
    body = Block((operation("unary.neg", ("x",), tensor("inside")),), ("inside",))
    builder.add(Region(kind, (), (attribute,), (body,), (tensor("y"),)))
    assert run(builder.made("y"))[0, 1] == -1


def test_literals_and_the_formula_give_the_same_inputs() -> None:
    for dtype in ("float32", "bfloat16", "int8", "bool"):
        builder = Builder()
        builder.input("x", dtype, (2, 0, 3), data=Data(0, 1, 2))
        builder.input("y", dtype, (3, 4), data=Data(-1, 0.5, 7, 3, 2) if "float" in dtype else Data(0, 1, 3, 2, 1))
        builder.input("z", dtype, (), data=Data(1, 1, 1))
        program = builder.made(("tuple", ("x", "y", "z"), ()))
        for a, b in zip(load(program).inputs(), load(program, literals=True).inputs(), strict=True):
            assert a.dtype == b.dtype
            assert torch.equal(a, b)
