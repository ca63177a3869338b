"""What is meant as it is explains what it is meant to explain, and nothing beside."""

import pytest

from assay.autodiff.conventions import convention_of
from assay.ir.case import Case


def case(name, values=None, shape=(2, 2), **kwargs):
    tensor = {"dtype": "float64", "shape": list(shape), **({} if values is None else {"values": values})}
    call = {"name": name, "args": [{"tensor": 0}], "kwargs": kwargs, "tensors": [tensor], "init": {"kwargs": {}}}
    return Case("api", "eager", {}, "", False, 1, {"call": call}, {}, (name,), 1)


@pytest.mark.parametrize(
    ("values", "shape", "expected"),
    [
        ([0.0], (1, 1), "singular values"),
        ([1.0, 0.0, 0.0, -1.0], (2, 2), "singular values"),
        ([1.0, 0.0, 0.0, 2.0, 3.0, 0.0, 0.0, 3.0], (2, 2, 2), "singular values"),
        ([[1.0, 1.0], 0.0, 0.0, 1.0], (2, 2), None),
        ([1.0, 0.0, 0.0, 2.0], (2, 2), None),
        (None, (2, 2), None),
    ],
)
def test_what_is_not_finite_is_explained_by_singular_values_that_have_no_derivative(values, shape, expected):
    found = convention_of(
        case("torch.linalg.svd", values, shape), "gradient|first|NaN|func_linearize|LinalgSvdBackward0"
    )
    assert (found and found.name) == expected
    wrong = "gradient|first|value|func_linearize|LinalgSvdBackward0"
    assert convention_of(case("torch.linalg.svd", values, shape), wrong) is None


def test_a_sparse_gradient_is_explained_where_it_was_asked_for():
    signature = "shape|derivative|the layout of the gradient of input N is torch.sparse_coo"
    name = "torch.nn.functional.embedding"
    assert convention_of(case(name, sparse=True), signature).name == "sparse gradients"
    assert convention_of(case(name, sparse=False), signature) is None
    assert convention_of(case("torch.sin", sparse=True), signature) is None


@pytest.mark.parametrize(("rows", "expected"), [([0, 1, 0, 1], "repeated rows of indices"), ([0, 1, 1, 0], None)])
def test_updates_in_no_order_are_explained_where_an_index_is_there_twice(rows, expected):
    made = case("tf.raw_ops.TensorScatterUpdate")
    made.recipe["call"]["tensors"].append({"dtype": "int32", "shape": [2, 2], "values": rows})
    found = convention_of(made, "gradient|first|value|all ways|TensorScatterUpdate")
    assert (found and found.name) == expected


@pytest.mark.parametrize(("low", "high", "expected"), [(0.6, 0.5, "crossed bounds"), (0.1, 0.5, None)])
def test_a_clamp_whose_bounds_are_crossed_is_explained(low, high, expected):
    made = case("jax.lax.clamp", [low], ())
    made.recipe["call"]["tensors"] += [{"dtype": "float64", "shape": [], "values": [each]} for each in (0.3, high)]
    found = convention_of(made, "gradient|first|value|all ways|clamp")
    assert (found and found.name) == expected
