"""A graph of aten operators as a program, without torch: the graph is data."""

from __future__ import annotations

from typing import Any

import pytest

from assay.checking.lift import Unliftable, lift
from assay.emit.torch import render
from assay.ir.program import Opaque, Operation


def _tensor(name: str, *shape: int, role: str = "argument", dtype: str = "float32") -> dict[str, Any]:
    return {
        "name": name,
        "role": role,
        "dtype": dtype,
        "shape": list(shape),
        "low": -1.0,
        "high": 1.0,
        "requires_grad": True,
    }


def _node(name: str, operator: str, result: Any, *arguments: list[Any], text: str = "") -> dict[str, Any]:
    origin = ["net.py", 7, f"{name} = ...", "layer"]
    return {
        "name": name,
        "operator": operator,
        "arguments": list(arguments),
        "result": result,
        "text": text,
        "origin": origin,
    }


def _of(name: str) -> dict[str, str]:
    return {"node": name}


def _graph(*nodes: dict[str, Any], inputs: tuple[dict[str, Any], ...] = ()) -> dict[str, Any]:
    return {"placeholders": list(inputs), "nodes": list(nodes), "outputs": [nodes[-1]["name"]]}


LINEAR = _node(
    "linear",
    "aten.linear.default",
    ["float32", [4, 3], "linear", True],
    ["input", _of("x")],
    ["weight", _of("p_model_fc_weight")],
    ["bias", _of("p_model_fc_bias")],
)
INPUTS = (
    _tensor("p_model_fc_weight", 3, 5, role="parameter"),
    _tensor("p_model_fc_bias", 3, role="parameter"),
    _tensor("x", 4, 5),
)


def test_a_call_is_read_as_the_operation_of_a_specification() -> None:
    lifted = lift(_graph(LINEAR, inputs=INPUTS), training=False)
    (statement,) = lifted.program.body
    assert isinstance(statement, Operation)
    assert statement.operator == "matmul.linear"
    assert "torch.nn.functional.linear(x2, self.fc_weight_0, self.fc_bias_1)" in render(lifted.program)
    assert lifted.origins == (("net.py:7 in layer", "linear = ..."),)


def test_parameters_require_gradients_in_training_alone() -> None:
    graph = _graph(LINEAR, inputs=INPUTS)
    assert "requires_grad=False" in render(lift(graph, training=False).program)
    assert "requires_grad=False" not in render(lift(graph, training=True).program)


def test_what_no_specification_says_stays_a_call_that_is_named() -> None:
    node = _node(
        "mystery",
        "aten.mystery.default",
        ["float32", [4, 3], "mystery", True],
        ["self", _of("linear")],
        text="torch.ops.aten.mystery.default({linear}, {p_model_fc_bias})",
    )
    lifted = lift(_graph(LINEAR, node, inputs=INPUTS), training=False)
    assert lifted.opaque == ("aten.mystery.default",)
    assert "mystery" in lifted.told
    statement = lifted.program.body[1]
    assert isinstance(statement, Opaque)
    # A parameter is read as one of the module's, in text too.
    assert "torch.ops.aten.mystery.default(v3, self.fc_bias_1)" in render(lifted.program)


def test_a_reading_that_was_held_to_be_wrong_is_not_taken_again() -> None:
    graph = _graph(dict(LINEAR, text="torch.ops.aten.linear.default({x}, {p_model_fc_weight})"), inputs=INPUTS)
    lifted = lift(graph, training=False, wrong=frozenset({"linear"}))
    assert lifted.opaque == ("aten.linear.default",)


def test_a_reading_of_another_type_is_none() -> None:
    other = dict(LINEAR, result=["float32", [4, 7], "linear", True], text="torch.ops.aten.linear.default({x})")
    assert lift(_graph(other, inputs=INPUTS), training=False).opaque == ("aten.linear.default",)


COUNT = _node("arange", "aten.arange.default", ["int64", [4], "arange", False], ["end", 4])


def test_positions_are_counted_by_a_size_of_an_input() -> None:
    """A program whose sizes are changed counts as far as they then go."""
    lifted = lift(_graph(COUNT, inputs=INPUTS), training=False)
    (statement,) = lifted.program.body
    assert isinstance(statement, Operation)
    assert "torch.arange(x2.shape[0])" in render(lifted.program)
    # What it reads is none of the call's own operands, and has to be there when it is held against the call.
    assert lifted.texts()["arange"]["operands"] == {"x": "x2"}


@pytest.mark.parametrize("more", [["start", 1], ["step", 2]])
def test_a_count_that_is_no_size_stays_a_call(more: list[Any]) -> None:
    node = dict(COUNT, arguments=[*COUNT["arguments"], more], text="torch.ops.aten.arange.start_step(0, 4)")
    assert lift(_graph(node, inputs=INPUTS), training=False).opaque == ("aten.arange.default",)


def test_what_is_filled_takes_its_shape_from_another_tensor() -> None:
    node = _node("zeros", "aten.zeros.default", ["int64", [4, 5], "zeros", False], ["size", [4, 5]])
    node["arguments"].append(["dtype", {"dtype": "int64"}])
    lifted = lift(_graph(node, inputs=INPUTS), training=False)
    assert "torch.zeros_like(x2, dtype=torch.int64)" in render(lifted.program)


@pytest.mark.parametrize(("train", "opaque"), [(False, ()), (True, ("aten.dropout.default",))])
def test_dropout_is_an_operation_where_it_drops_nothing(train: bool, opaque: tuple[str, ...]) -> None:
    """Of values that nothing is known of; while training it draws, and stays a call."""
    given = (["input", _of("linear")], ["p", 0.1], ["train", train])
    text = "torch.ops.aten.dropout.default({linear}, 0.1, False)"
    node = _node("dropout", "aten.dropout.default", ["float32", [4, 3], "linear", True], *given, text=text)
    assert lift(_graph(LINEAR, node, inputs=INPUTS), training=False).opaque == opaque


def test_items_of_a_list_are_the_results_of_what_gives_it() -> None:
    parts = {"many": [["float32", [4, 2], "x", False], ["float32", [4, 3], "x", False]]}
    sizes = _node(
        "split", "aten.split_with_sizes.default", parts, ["self", _of("x")], ["split_sizes", [2, 3]], ["dim", 1]
    )
    item = {"name": "getitem", "operator": "getitem", "arguments": [["of", _of("split")], ["index", 1]]}
    graph = {"placeholders": [_tensor("x", 4, 5)], "nodes": [sizes, item], "outputs": ["getitem"]}
    lifted = lift(graph, training=False)
    (statement,) = lifted.program.body
    assert isinstance(statement, Operation)
    assert lifted.program.outputs == statement.results[1].name
    # Both are views of the argument.
    assert {value.storage for value in statement.results} == {"x0"}


def test_the_copy_of_a_tensor_into_itself_that_ends_an_export_is_nothing() -> None:
    added = _node("add_", "aten.add_.Tensor", ["float32", [3], "b", False], ["self", _of("b")], ["other", 1])
    copied = _node(
        "copy_", "aten.copy_.default", ["float32", [3], "b", False], ["self", _of("b")], ["src", _of("add_")]
    )
    lifted = lift(_graph(added, copied, inputs=(_tensor("b", 3, role="buffer"),)), training=False)
    (statement,) = lifted.program.body
    assert isinstance(statement, Operation)
    assert (statement.operator, statement.form) == ("binary.add", "inplace")


def test_what_computes_nothing_is_not_lifted() -> None:
    graph = {"placeholders": [_tensor("x", 2)], "nodes": [], "outputs": []}
    with pytest.raises(Unliftable, match="nothing that it computes"):
        lift(graph, training=False)
