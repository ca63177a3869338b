"""Calls of JAX and TensorFlow as text: arrays as they are said, by value, by formula and in base64; in the forms in
which functions have derivatives."""

import copy

import numpy
import pytest

from assay.apis.text import render

CALL = {
    "library": "jax",
    "name": "jax.numpy.add",
    "callee": "jax.numpy.add",
    "kind": "function",
    "imports": [],
    "inplace": False,
    "args": [{"tensor": 0}],
    "kwargs": {},
    "tensors": [],
}
TENSORS = [
    {"dtype": "float64", "shape": [2, 2], "values": [1.0, "inf", -2.5, "nan"]},
    {"dtype": "float32", "shape": [], "values": [0.1]},
    {"dtype": "float64", "shape": [0, 3], "values": []},
    {"dtype": "bool", "shape": [2], "values": [True, False]},
    {"dtype": "uint32", "shape": [2], "values": [0, 42]},
    {"dtype": "int64", "shape": [3, 30], "values": [k % 7 for k in range(90)]},
    {"dtype": "complex128", "shape": [2], "values": [[1.0, 2.0], [0.0, -1.0]]},
    {"dtype": "complex64", "shape": [2], "values": [["-inf", 0.5], [1.0, "nan"]]},
    {"dtype": "float64", "shape": [10, 20], "low": -1.0, "high": 2.0},
    {"dtype": "bfloat16", "shape": [10, 20], "low": -1.0, "high": 2.0},
    {"dtype": "complex64", "shape": [10, 20], "low": -1.0, "high": 2.0},
]


def made(library, **more):
    names = {"jax": ("jax.numpy.stack", "jax.numpy"), "tensorflow": ("tf.stack", "tf")}[library]
    return {**CALL, "library": library, "name": names[0], "callee": names[0], **more}


def run(text):
    space = {}
    exec(compile(text, "call.py", "exec"), space)
    return space["program"], space["inputs"]()


@pytest.mark.parametrize(
    "library",
    [pytest.param("jax", marks=pytest.mark.jax), pytest.param("tensorflow", marks=pytest.mark.tensorflow)],
)
def test_arrays_are_those_that_are_said(library):
    _, arrays = run(render(made(library, tensors=copy.deepcopy(TENSORS))))
    held = [numpy.asarray(each) for each in arrays]
    for array, described in zip(held, TENSORS, strict=True):
        assert list(array.shape) == described["shape"]
        assert str(array.dtype) == described["dtype"]
    assert numpy.array_equal(held[0], [[1.0, numpy.inf], [-2.5, numpy.nan]], equal_nan=True)
    assert held[5].tolist() == numpy.arange(90).reshape(3, 30).__mod__(7).tolist()
    assert held[6].tolist() == [1 + 2j, -1j]
    assert held[7].tolist()[0] == complex(-numpy.inf, 0.5)
    assert numpy.isnan(held[7][1].imag)
    assert held[8].min() >= -1
    assert held[8].max() <= 2.01
    assert len(numpy.unique(held[8])) == held[8].size


@pytest.mark.jax
def test_a_call_runs_with_keywords_lists_and_modules():
    call = made("jax", tensors=TENSORS[3:4] * 2, args=[[{"tensor": 0}, {"tensor": 1}]], kwargs={"axis": 1})
    program, arrays = run(render(call))
    assert program(*arrays).tolist() == [[True, True], [False, False]]
    text = render({**call, "imports": ["jax.extend.core.primitives"], "kwargs": {"axis": {"float": "inf"}}})
    assert "import jax\nimport jax.extend.core.primitives\n" in text
    assert 'axis=float("inf")' in text


@pytest.mark.jax
def test_of_vectors_that_are_given_up_to_a_phase_the_sizes_are_shown():
    matrix = {"dtype": "complex128", "shape": [2, 2], "values": [[2.0, 0.0], [0.0, 1.0], [0.0, -1.0], [3.0, 0.0]]}
    call = made("jax", tensors=[matrix], name="jax.numpy.linalg.eigh", callee="jax.numpy.linalg.eigh")
    program, arrays = run(render(call))
    values, vectors = program(*arrays)
    assert values.shape == (2,)
    assert str(vectors.dtype) == "float64"


def test_what_reads_a_triangle_is_given_a_symmetric_matrix():
    matrix = {"dtype": "float64", "shape": [2, 2], "values": [2.0, 1.0, 1.0, 3.0]}
    call = made("tensorflow", tensors=[matrix], args=[], kwargs={"input": {"tensor": 0}}, name="tf.raw_ops.Cholesky")
    assert "x0 = (x0 + tf.linalg.adjoint(x0)) / 2" in render(call)
    call = made("tensorflow", tensors=[matrix], name="tf.linalg.cholesky")
    assert "x0 = (x0 + tf.linalg.adjoint(x0)) / 2" in render(call)
    symmetric = "x0 = (x0 + x0.mT.conj()) / 2"
    assert symmetric in render(made("jax", tensors=[matrix], name="jax.scipy.linalg.cholesky"))
    assert symmetric in render(made("jax", tensors=[matrix], kwargs={"hermitian": True}, name="jax.numpy.linalg.pinv"))
    assert symmetric not in render(made("jax", tensors=[matrix], name="jax.numpy.linalg.pinv"))


def test_labels_of_a_cross_entropy_are_a_distribution():
    """The gradient with respect to the logits is that of labels that sum to 1 (TensorFlow's documentation)."""
    vector = {"dtype": "float64", "shape": [1, 2], "values": [2.0, 1.0]}
    name = "tf.nn.softmax_cross_entropy_with_logits"
    given = {"labels": {"tensor": 0}, "logits": {"tensor": 1}}
    call = made("tensorflow", tensors=[vector, vector], args=[], kwargs=given, name=name, callee=name)
    assert "x0 = tf.nn.softmax(x0)\n" in render(call)
    assert "x1 = " not in render(call).split("def inputs")[0]
