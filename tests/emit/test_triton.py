"""Programs as kernels for Triton: how they are parted, and what a kernel refuses. Nothing here needs Triton."""

from __future__ import annotations

import ast
import random

import pytest
from tests.triage.build import Builder

from assay.emit.triton import check, render, write
from assay.emit.triton_forms import FORMS
from assay.emit.triton_kernels import FLAT, ROWS, WHOLE, Kernel, padded
from assay.ir.program import Program, Value
from assay.ir.types import TensorType
from assay.ops.catalogue import load
from assay.ops.facts import Unsatisfied
from assay.ops.onnx_forms import Arg
from assay.ops.protocol import bind, kind_of_scalar

OPERATORS = load()
PLAN = {"seed": 1, "fuse": 1.0, "native": True}
ROW = TensorType("float32", (3, 5))


def kernel(mode: str, *types: TensorType, native: bool = True, dots: bool = False) -> Kernel:
    memory = {f"x{number}": type_ for number, type_ in enumerate(types)}
    return Kernel(mode, memory, frozenset(), random.Random(0), native, dots)


def written(made: Kernel, name: str, result: TensorType, **attributes: object) -> str:
    operator = OPERATORS[name]
    arguments = [Arg(each, type_) for each, type_ in made.memory.items()]
    binding = bind(operator, [each.type for each in arguments], attributes)
    write(made, operator, binding, arguments, [Value("y", result)])
    return "\n".join(made.text("kernel", ["y"]))


def program() -> Program:
    builder = Builder(False)
    x = builder.input("x")
    builder.op("a", "unary.relu", x)
    return builder.made(builder.op("b", "binary.mul", "a", x), "a")


def test_every_form_is_that_of_an_operator_of_the_catalogue() -> None:
    assert len(FORMS) > 120
    assert set(FORMS) <= set(OPERATORS)


def test_a_program_is_one_kernel_where_all_is_fused_and_several_where_nothing_is() -> None:
    assert render(program(), PLAN).count("def kernel_") == 1
    apart = render(program(), {**PLAN, "fuse": 0.0})
    assert apart.count("def kernel_") == 2
    ast.parse(apart)
    # What only the next kernel reads is in memory as well.
    assert apart.count("torch.empty(") == 2


def test_a_text_follows_from_its_plan() -> None:
    assert render(program(), PLAN) == render(program(), PLAN)
    assert len({render(program(), {**PLAN, "seed": seed}) for seed in range(8)}) > 1


def test_a_flat_kernel_reads_every_layout_by_its_strides() -> None:
    memory = {"x0": ROW}
    made = Kernel(FLAT, memory, frozenset({"x0"}), random.Random(0))
    text = written(made, "unary.neg", ROW)
    assert "(i // 5) * x0_s0 + (i % 5) * x0_s1" in text
    assert "x0.stride(1)" in made.launch("kernel")


def test_a_reduction_sees_nothing_beyond_the_sizes_of_a_padded_tile() -> None:
    text = written(kernel(WHOLE, ROW), "reduce.amax", TensorType("float32", (3,)), dim=(1,), keepdim=False)
    assert 'tl.where((d1 < 5), x0, tl.full((), float("-inf"), tl.float32))' in text
    full = TensorType("float32", (4, 8))
    assert "tl.where" not in written(
        kernel(WHOLE, full), "reduce.amax", TensorType("float32", (4,)), dim=(1,), keepdim=False
    )


def test_rows_are_reduced_within_and_never_across() -> None:
    written(kernel(ROWS, ROW), "reduce.sum", TensorType("float32", (3,)), dim=(1,), keepdim=False)
    with pytest.raises(Unsatisfied, match="along the rows"):
        written(kernel(ROWS, ROW), "reduce.sum", TensorType("float32", (5,)), dim=(0,), keepdim=False)


def test_what_a_kernel_refuses_leaves_it_as_it_was() -> None:
    made = kernel(FLAT, ROW)
    with pytest.raises(Unsatisfied):
        written(made, "reduce.sum", TensorType("float32", (3,)), dim=(1,), keepdim=False)
    assert (made.written.head, made.written.body, made.written.values) == ([], [], {})


def test_matrices_are_multiplied_in_tiles_of_sixteen_or_by_a_sum() -> None:
    types = (TensorType("float32", (3, 5)), TensorType("float32", (5, 2)))
    out = TensorType("float32", (3, 2))
    dot = written(kernel(WHOLE, *types, dots=True), "matmul.mm", out)
    assert "tl.dot(" in dot
    assert "tl.arange(0, 16)" in dot
    assert "tl.sum(" in written(kernel(WHOLE, *types), "matmul.mm", out)


def test_bfloat16_is_computed_in_float32_where_nothing_computes_with_it() -> None:
    half = TensorType("bfloat16", (5,))
    assert ".to(tl.float32)" in written(kernel(FLAT, half, native=False), "unary.square", half)
    assert ".to(" not in written(kernel(FLAT, half), "unary.square", half)


def test_what_no_kernel_says_is_refused_from_its_types() -> None:
    operator = OPERATORS["unary.square"]
    check(operator, bind(operator, [ROW], {}), [ROW], [ROW])
    wrong = TensorType("complex64", (3,))
    with pytest.raises(Unsatisfied, match="complex"):
        check(operator, bind(operator, [wrong], {}), [wrong], [wrong])
    with pytest.raises(Unsatisfied, match="no elements"):
        check(operator, bind(operator, [ROW], {}), [TensorType("float32", (0,))], [TensorType("float32", (0,))])
    clamp, small = OPERATORS["unary.clamp"], TensorType("uint8", (3,))
    with pytest.raises(Unsatisfied, match="does not hold"):
        check(clamp, bind(clamp, [small], {"min": -1, "max": 3}), [small], [small])
    with pytest.raises(Unsatisfied, match="no form"):
        check(OPERATORS["conv.conv1d"], bind(operator, [ROW], {}), [ROW], [ROW])


def test_a_number_takes_the_dtype_that_is_asked_for() -> None:
    operator = OPERATORS["binary.add"]
    made = kernel(FLAT, TensorType("float16", (5,)))
    arguments = [Arg("x0", TensorType("float16", (5,))), Arg(None, kind_of_scalar(2), 2)]
    binding = bind(operator, [each.type for each in arguments], {"alpha": 1})
    write(made, operator, binding, arguments, [Value("y", TensorType("float16", (5,)))])
    assert "tl.full((), 2.0, tl.float16)" in "\n".join(made.written.body)


def test_tiles_are_padded_to_powers_of_two() -> None:
    assert [padded(size) for size in (1, 2, 3, 9, 16)] == [1, 2, 4, 16, 16]
    assert padded(3, 16) == 16
