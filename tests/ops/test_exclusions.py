"""Where eager mode itself is broken (bugs/), specifications refuse just that and go on taking what is near it."""

from __future__ import annotations

import pytest

from assay.generate.graph import make_program
from assay.generate.settings import Settings
from assay.ir.program import SPECIAL, Operand, Operation, walk
from assay.ir.sizes import symbol
from assay.ir.types import TensorType
from assay.ops.catalogue import load
from assay.ops.facts import Facts, Unsatisfied
from assay.ops.interpret import Abstract, apply_operator, require_apart
from assay.ops.protocol import bind

OPERATORS = load()


def convolve(
    spatial: int = 2, dtype: str = "bfloat16", size: object = 1, stride: int = 2, padding: int = 1, dilation: int = 2
) -> tuple[object, ...]:
    """The last size of the result of a convolution with a kernel of ones."""
    shape = (1, 1, *(4,) * (spatial - 1), size)
    kernel = (1,) * spatial
    attributes = {"kernel": kernel, "outputs": 1, "groups": 1, "stride": stride, "padding": padding}
    x, weight = TensorType(dtype, shape), TensorType(dtype, (1, 1, *kernel))  # type: ignore[arg-type]
    known = Facts(-1, 1, 0)
    operands = [Abstract(x, known), Abstract(weight, known), None]
    (result,) = apply_operator(
        OPERATORS[f"conv.conv{spatial}d"], operands, {**attributes, "dilation": dilation}
    ).results
    assert isinstance(result.type, TensorType)
    return result.type.shape


@pytest.mark.parametrize("spatial", [1, 2, 3])
def test_a_bfloat16_convolution_sees_more_than_padding_in_its_last_dimension(spatial: int) -> None:
    with pytest.raises(Unsatisfied, match="padding"):
        convolve(spatial)
    with pytest.raises(Unsatisfied, match="padding"):
        convolve(spatial, size=2, stride=3, dilation=3)


def test_a_size_that_is_too_small_in_one_instantiation_is_refused() -> None:
    with pytest.raises(Unsatisfied, match="padding"):
        convolve(size=symbol("s0", (4, 1)))
    assert convolve(size=symbol("s0", (4, 2)))


def test_the_backward_of_a_transposed_convolution_is_such_a_convolution() -> None:
    operator = OPERATORS["conv.conv_transpose2d"]
    assert operator.trains is not None
    attributes = {"kernel": (1, 1), "outputs": 1, "groups": 1, "stride": 2, "padding": (0, 1), "output_padding": 0}
    for dtype, size, dilation, works in (
        ("bfloat16", 2, 2, False),
        ("bfloat16", 3, 2, True),
        ("bfloat16", 2, 1, True),
        ("float32", 2, 2, True),
    ):
        x, weight = TensorType(dtype, (1, 1, 4, size)), TensorType(dtype, (1, 1, 1, 1))
        assert operator.trains(bind(operator, [x, weight, None], {**attributes, "dilation": dilation})) == works


@pytest.mark.parametrize(
    "change",
    [{"dtype": "float32"}, {"dtype": "float16"}, {"size": 2}, {"stride": 1}, {"dilation": 1}, {"padding": 0}],
    ids=str,
)
def test_convolutions_next_to_that_are_taken(change: dict[str, object]) -> None:
    assert convolve(**change)  # type: ignore[arg-type]


def test_parameters_of_group_norm_do_not_train_alone_in_4_and_5_dimensions() -> None:
    operator = OPERATORS["norm.group_norm"]
    works = operator.gradients
    assert works is not None
    for rank in (2, 3, 4, 5):
        x, weight = TensorType("float32", (2, 4, 3, 3, 3)[:rank]), TensorType("float32", (4,))
        b = bind(operator, [x, weight, weight], {"num_groups": 2, "eps": 1e-5})
        for wanted in ((), ("x",), ("x", "weight"), ("x", "weight", "bias")):
            assert works(b, frozenset(wanted))
        for wanted in (("weight",), ("bias",), ("weight", "bias")):
            assert works(b, frozenset(wanted)) == (rank < 4)


def test_medians_alone_among_reductions_take_no_overlapping_memory() -> None:
    refusing = {operator.name for operator in OPERATORS.values() if operator.operands[0].no_overlap}
    assert refusing == {"reduce.median", "statistic.nanmedian"}


@pytest.mark.parametrize(
    ("dtype", "size", "taken"), [("int8", 12, False), ("uint8", 12, False), ("int8", 11, True), ("int16", 12, True)]
)
def test_a_plane_of_bytes_is_pooled_only_while_its_places_fit_a_byte(dtype: str, size: int, taken: bool) -> None:
    operator = OPERATORS["pool.max_pool2d"]
    attributes = {"kernel_size": 1, "stride": None, "padding": 0, "dilation": 1, "ceil_mode": False}
    b = bind(operator, [TensorType(dtype, (1, 1, size, size))], attributes)
    if taken:
        operator.infer(b)
    else:
        with pytest.raises(Unsatisfied, match="byte"):
            operator.infer(b)


@pytest.mark.parametrize(
    ("operands", "written", "out", "apart"),
    [
        (("x", "mean", "var"), [1, 2], None, True),
        (("x", "mean", "mean"), [1, 2], None, False),  # found as running statistics of one memory, after a reduction
        (("x", "mean", "view"), [1, 2], None, False),
        (("x", "y"), [0], None, True),
        (("x", ("y", "x")), [0], None, False),
        (("x", "y"), [], "z", True),
        (("x", "y"), [], "y", False),
        (("x", "x"), [], None, True),
    ],
)
def test_what_is_written_shares_memory_with_no_other_operand(
    operands: tuple[Operand, ...], written: list[int], out: str | None, apart: bool
) -> None:
    storage = {name: name for name in ("x", "y", "z", "mean", "var")} | {"view": "mean"}
    if apart:
        require_apart(operands, written, out, storage)
    else:
        with pytest.raises(Unsatisfied, match="shares memory"):
            require_apart(operands, written, out, storage)


PLAIN = {"layouts": 1.0, "state": 0.0, "transforms": 0}


def layouts_of_statistics(training: bool) -> set[str]:
    """How the running statistics that batch_norm is given lie in memory."""
    found = set()
    for index in range(40):
        settings = Settings(1, ("norm.batch_norm", "part.narrow", "unary.abs"), 6, ("eager",))
        program, _ = make_program(settings, index, PLAIN | {"training": training})
        inputs = {entry.name: entry for entry in program.inputs}
        for statement in walk(program.body):
            if isinstance(statement, Operation) and statement.operator == "norm.batch_norm":
                for name in statement.operands[1:3]:
                    known = isinstance(name, str) and name in inputs and inputs[name].base is None
                    found.add(program.calls[0].argument(str(name)).layout.kind if known else "made")
    return found


def test_statistics_with_gaps_are_given_to_batch_norm_only_without_backward() -> None:
    assert layouts_of_statistics(training=True) == {"contiguous"}
    assert layouts_of_statistics(training=False) >= {"sliced", "made"}


def test_an_operator_that_asks_for_finite_operands_meets_no_special_values() -> None:
    operand = Abstract(TensorType("float32", (2, 2)), Facts(-1, 1, 0))
    assert apply_operator(OPERATORS["algebra.inv"], [operand], {}).results
    with pytest.raises(Unsatisfied, match="finite"):
        apply_operator(OPERATORS["algebra.inv"], [operand], {}, values=SPECIAL)
    assert apply_operator(OPERATORS["unary.neg"], [operand], {}, values=SPECIAL).results


def test_elements_are_sought_in_any_order_of_dimensions() -> None:
    torch = pytest.importorskip("torch")
    render = load()["statistic.isin"].render
    assert render is not None
    values, sought = torch.arange(12.0).reshape(4, 3), torch.arange(6.0).reshape(3, 2).t()
    for unique, invert in ((False, False), (True, True)):
        text = render(("values", "sought"), {"assume_unique": unique, "invert": invert})
        found = eval(text, {"torch": torch, "values": values, "sought": sought})
        assert found.tolist() == ((values < 6) != invert).tolist()
