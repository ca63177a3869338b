"""Corners of the standard in which systems differ are generated only where somebody is held to them."""

from __future__ import annotations

from pathlib import Path

import pytest

from assay.backends import find_backend, modules
from assay.generate.dialect import Dialect
from assay.generate.promises import CORNERS, Site, corners_of
from assay.ir.types import TensorType
from assay.ops.catalogue import load
from assay.ops.facts import Unsatisfied
from assay.ops.onnx_forms import Graph
from assay.ops.protocol import bind

DOCS = Path(__file__).parents[2] / "docs" / "onnx.md"


def site(op: str, *shapes: tuple[int, ...], axis: int = 0) -> Site:
    graph = Graph(21)
    graph.node(op, "x", "y", axis=axis)
    dtypes = ("float32", "int64")
    operands = tuple(TensorType(dtype, shape) for dtype, shape in zip(dtypes, shapes, strict=False))
    return Site(operands, (), graph)


def arises(name: str, where: Site) -> bool:
    (corner,) = corners_of([name])
    assert corner.arises is not None
    return corner.arises(where)


def test_indices_are_narrower_where_a_size_differs_that_is_not_the_axis() -> None:
    assert arises("gather by narrower indices", site("GatherElements", (4, 9), (1, 1)))
    assert not arises("gather by narrower indices", site("GatherElements", (4, 9), (1, 9)))
    assert not arises("gather by narrower indices", site("GatherElements", (4, 9), (4, 2), axis=-1))
    assert not arises("gather by narrower indices", site("Gather", (4, 9), (1, 1)))


def test_none_are_taken_where_a_size_is_zero() -> None:
    assert arises("the top none", site("TopK", (4, 0)))
    assert not arises("the top none", site("TopK", (4, 1)))
    assert not arises("the top none", site("Relu", (4, 0)))


def test_a_quotient_is_rounded_where_its_floor_is_taken_and_it_is_of_floats() -> None:
    corners = corners_of(["a quotient of floats rounded to an integer"])
    for name, dtype, attributes, refused in (
        ("binary.floor_divide", "float32", {}, True),
        ("binary.div", "float16", {"rounding_mode": "trunc"}, True),
        ("binary.div", "float32", {"rounding_mode": None}, False),
        ("binary.floor_divide", "int64", {}, False),
        ("unary.floor", "float32", {}, False),
    ):
        op = load()[name]
        x = TensorType(dtype, (4,))
        operands = [x] * len(op.operands)
        given = (op, bind(op, operands, attributes), operands, [x])
        if refused:
            with pytest.raises(Unsatisfied, match="quotient"):
                Dialect(21, corners=corners).check(*given)
        else:
            Dialect(21, corners=corners).check(*given)


def test_halves_are_summed_where_a_node_has_them_for_operands() -> None:
    for dtype, summed in (("float16", True), ("bfloat16", True), ("float32", False)):
        graph = Graph(21)
        graph.dtypes["x"] = dtype
        graph.node("ReduceSum", "x", "axes")
        x = TensorType(dtype, (4,))
        (corner,) = corners_of(["a sum of halves"])
        assert corner.arises is not None
        assert corner.arises(Site((x,), (x,), graph)) is summed
    assert "a sum of halves" in find_backend("tvm").differs


def test_a_system_is_not_given_what_it_does_not_promise() -> None:
    gather = load()["index.gather"]
    corners = corners_of(tuple(find_backend("openvino").differs))
    x = TensorType("float32", (4, 9))
    for rows, columns, refused in ((2, 9, False), (2, 3, True)):
        index = TensorType("int64", (rows, columns))
        given = (gather, bind(gather, [x, index], {"dim": 0}), [x, index], [x.with_shape(index.shape)])
        Dialect(21).check(*given)
        if refused:
            with pytest.raises(Unsatisfied, match="narrower"):
                Dialect(21, corners=corners).check(*given)
        else:
            Dialect(21, corners=corners).check(*given)


def test_what_a_backend_differs_in_is_a_corner_of_the_table_and_of_the_page() -> None:
    page = DOCS.read_text()
    for corner in CORNERS:
        assert corner.arises is not None or corner.kept_out
        assert f"| {corner.name} |" in page
    for module in modules():
        backend = find_backend(module.NAMES[0]) if module.NAMES else None
        if backend is not None:
            corners_of(tuple(backend.differs))
    with pytest.raises(ValueError, match="the top none"):
        corners_of(["nonsense"])
