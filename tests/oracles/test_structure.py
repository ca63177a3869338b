"""Shape, dtype, type, strides, requires_grad, environment: what is around the numbers."""

import pytest

from assay.oracles.dtype import dtype
from assay.oracles.environment import environment
from assay.oracles.outcome import ValueRecord
from assay.oracles.registry import Question
from assay.oracles.requires_grad import requires_grad
from assay.oracles.shape import shape
from assay.oracles.strides import strides
from assay.oracles.types import types
from assay.oracles.verdict import Kind

from .build import call, case, container, outcome, tensor


def found(oracle, eager, target, **more):
    return list(oracle.check(Question(case(**more.pop("about", {})), outcome(eager, target), **more)))


def test_another_dtype_is_reported_with_both():
    (only,) = found(dtype, tensor([1], "int64"), tensor([1], "int32"))
    assert (only.kind, only.signature) == (Kind.dtype, "dtype|int64->int32|output")


def test_another_shape_is_reported_and_a_size_of_one_counts():
    (only,) = found(shape, tensor([1.0]), tensor([[1.0]]))
    assert (only.kind, only.signature) == (Kind.shape, "shape|rank|output")
    assert found(shape, tensor([1.0]), tensor([1.0, 1.0]))[0].signature == "shape|sizes|output"


def test_an_argument_that_was_resized_is_a_mutation():
    (only,) = found(shape, call(arguments=(tensor([1.0]),)), call(arguments=(tensor([1.0, 2.0]),)))
    assert only.kind is Kind.mutation


@pytest.mark.parametrize(
    ("eager", "target"),
    [
        (container(tensor([1.0])), container(tensor([1.0]), type="list")),
        (ValueRecord("int", "3"), ValueRecord("torch.SymInt", "3")),
        (tensor([1.0]), ValueRecord("float", "1.0")),
        (tensor([1.0]), tensor([1.0], layout="torch._subclasses.fake_tensor.FakeTensor")),
        (ValueRecord("NoneType", "None"), tensor([1.0])),
    ],
)
def test_another_type_is_reported(eager, target):
    assert found(types, eager, target)[0].kind is Kind.type


@pytest.mark.parametrize(
    ("eager", "target", "signature"),
    [
        ("list_iterator", "tuple_iterator", "type|iterator->iterator|output"),
        ("itertools.islice", "tuple_iterator", "type|iterator->iterator|output"),
        (
            "assay_case.S3",
            "torch._dynamo.variables.functions.S3",
            "type|class->torch._dynamo.variables.functions.S3|output",
        ),
        ("assay_case.program.<locals>.S3", "int", "type|class->int|output"),
        ("NotImplementedType", "float", "type|declined->computed|output"),
        ("operator.itemgetter", "function", "type|operator object->function|output"),
        ("collections.deque(maxlen=3)", "list", "type|collections.deque->list|output"),
    ],
)
def test_a_bucket_names_the_sort_of_a_type(eager, target, signature):
    """One cause is seen with iterators of every kind and with classes of every name."""
    assert found(types, ValueRecord(eager, "1"), ValueRecord(target, "1"))[0].signature == signature


def test_keys_in_another_order_and_items_too_few_are_reported():
    one, two = tensor([1.0]), tensor([2.0])
    eager = container(one, two, type="dict", keys=("'a'", "'b'"))
    assert found(types, eager, container(two, one, type="dict", keys=("'b'", "'a'")))
    assert found(types, eager, container(one, type="dict", keys=("'a'",)))
    assert not found(types, eager, eager)


def test_a_list_that_grew_among_the_arguments_is_a_side_effect():
    eager = call(arguments=(container(tensor([1.0]), tensor([1.0]), type="list"),))
    (only,) = found(types, eager, call(arguments=(container(tensor([1.0]), type="list"),)))
    assert only.kind is Kind.side_effect


def test_strides_count_where_a_dimension_has_steps():
    square = [[1.0, 2.0], [3.0, 4.0]]
    (only,) = found(strides, tensor(square), tensor(square, stride=(1, 2)))
    assert (only.kind, only.signature) == (Kind.stride, "stride|output")
    assert found(strides, tensor(square, stride=(0, 1)), tensor(square))


@pytest.mark.parametrize(
    ("values", "one", "other"),
    [([[1.0, 2.0]], (2, 1), (7, 1)), ([[]], (0, 1), (1, 1)), ([[[1.0]]], (1, 1, 1), (9, 9, 9))],
)
def test_strides_of_single_elements_and_of_nothing_mean_nothing(values, one, other):
    assert not found(strides, tensor(values, stride=one), tensor(values, stride=other))


def test_strides_are_not_held_against_a_target_that_does_not_promise_them():
    square = [[1.0, 2.0], [3.0, 4.0]]
    assert not found(strides, tensor(square), tensor(square, stride=(1, 2)), promises=frozenset())


def test_a_sparse_tensor_in_place_of_a_strided_one_is_reported_whatever_is_promised():
    sparse = tensor([1.0], stride=(), layout="sparse_coo")
    assert found(strides, tensor([1.0]), sparse, promises=frozenset())


@pytest.mark.parametrize(("eager", "how"), [(True, "lost"), (False, "added")])
def test_requires_grad_is_filed_under_gradient(eager, how):
    (only,) = found(requires_grad, tensor([1.0], requires_grad=eager), tensor([1.0], requires_grad=not eager))
    assert (only.kind, only.signature) == (Kind.gradient, f"gradient|requires_grad {how}|output")


def test_a_mode_that_was_not_left_is_a_side_effect():
    eager = call(environment={"grad_enabled": "True"})
    (only,) = found(environment, eager, call(environment={"grad_enabled": "False"}))
    assert (only.kind, only.signature) == (Kind.side_effect, "side-effect|grad_enabled")


def test_the_random_generator_may_be_used_otherwise_only_by_programs_that_draw():
    sides = call(environment={"rng": "1"}), call(environment={"rng": "2"})
    assert found(environment, *sides, about={"text": "return x + 1"})
    assert not found(environment, *sides, about={"text": "return torch.rand_like(x)"})
