"""Bytes become the numbers they stand for, in every dtype."""

import math

import numpy as np
import pytest

from assay.oracles.numerics.decode import decode, largest, unit_roundoff


def test_bfloat16_is_the_upper_half_of_a_float32():
    data = np.array([0x3F80, 0xBF80, 0x7F80, 0x7FC0, 0x0001], "<u2").tobytes()
    values = decode("bfloat16", (5,), data)
    assert values[:3].tolist() == [1.0, -1.0, math.inf]
    assert math.isnan(values[3])
    assert values[4] == 2.0**-133


@pytest.mark.parametrize("dtype", ["bool", "uint8", "int16", "int64", "uint64", "float16", "float64", "complex64"])
def test_types_that_numpy_has_come_back_unchanged(dtype):
    values = np.array([[0, 1], [1, 0]]).astype(dtype)
    assert np.array_equal(decode(f"torch.{dtype}", (2, 2), values.tobytes()), values)


def test_large_integers_keep_their_last_bit():
    values = np.array([2**63 - 1, 2**53 + 1])
    assert decode("int64", (2,), values.tobytes()).tolist() == [2**63 - 1, 2**53 + 1]


@pytest.mark.parametrize("data", [b"", b"\0" * 3, b"\0" * 12])
def test_bytes_that_do_not_fit_the_shape_are_refused(data):
    assert decode("float32", (2,), data) is None


def test_an_unknown_dtype_is_refused():
    assert decode("quint4x2", (1,), b"\0") is None
    assert unit_roundoff("quint4x2") is None


def test_a_tensor_without_dimensions_or_elements_is_decoded():
    assert decode("float32", (), np.float32(3).tobytes()) == 3.0
    assert decode("bfloat16", (0, 4), b"").shape == (0, 4)


def test_the_extremes_of_float8_are_those_of_its_specification():
    # OCP 8-bit floating point specification, table 1: largest finite and smallest subnormal numbers
    fn = decode("float8_e4m3fn", (256,), bytes(range(256)))
    assert np.nanmax(fn) == 448.0
    assert np.min(fn[fn > 0]) == 2.0**-9
    assert not np.isinf(fn).any()
    wide = decode("float8_e5m2", (256,), bytes(range(256)))
    assert np.max(wide[np.isfinite(wide)]) == 57344.0
    assert np.isinf(wide).sum() == 2


@pytest.mark.torch
@pytest.mark.parametrize(
    "dtype", ["float8_e4m3fn", "float8_e5m2", "float8_e4m3fnuz", "float8_e5m2fnuz", "bfloat16", "complex32"]
)
def test_every_code_is_read_as_torch_reads_it(dtype):
    torch = pytest.importorskip("torch")
    raw = torch.arange(256, dtype=torch.uint8) if dtype.startswith("float8") else torch.arange(65536).to(torch.uint16)
    data = raw.numpy().tobytes()
    tensor = raw.view(getattr(torch, dtype))
    theirs = tensor.to(torch.complex64 if dtype == "complex32" else torch.float32).numpy()
    ours = decode(dtype, tuple(theirs.shape), data)
    assert np.array_equal(ours, theirs, equal_nan=True)


@pytest.mark.torch
@pytest.mark.parametrize("dtype", ["bfloat16", "float16", "float32", "float64"])
def test_roundoff_and_range_are_those_of_torch(dtype):
    torch = pytest.importorskip("torch")
    facts = torch.finfo(getattr(torch, dtype))
    assert unit_roundoff(dtype) == facts.eps / 2
    assert largest(dtype) == facts.max
