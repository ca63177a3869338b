"""Synthetic outcomes for the tests of oracles: records of numpy arrays, as a worker would have made them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import count
from typing import Any

import numpy as np

from assay.ir.case import Case
from assay.oracles.numerics.decode import decode
from assay.oracles.outcome import (
    ABSENT,
    CallRecord,
    ContainerRecord,
    ExceptionRecord,
    Execution,
    Outcome,
    TensorRecord,
    Tree,
)

_fresh: Iterator[int] = count(100)


def tensor(values: Any, dtype: str = "float32", **changes: Any) -> TensorRecord:
    """The record of a contiguous tensor with a storage of its own; ``changes`` replace fields."""
    array = np.asarray(values)
    data = encode(array, dtype)
    strides = tuple(int(np.prod(array.shape[axis + 1 :])) for axis in range(array.ndim))
    number = next(_fresh)
    digest = hashlib.blake2b(data + dtype.encode() + repr(array.shape).encode(), digest_size=12).hexdigest()
    return replace(TensorRecord(dtype, array.shape, strides, number, 0, number, False, digest, data), **changes)


def encode(array: np.ndarray, dtype: str) -> bytes:
    """Little-endian bytes of an array in ``dtype``; bfloat16 rounds to nearest even."""
    if dtype == "bfloat16":
        bits = array.astype("<f4").view("<u4").astype("u8")
        return ((bits + 0x7FFF + (bits >> 16 & 1)) >> 16).astype("<u2").tobytes()
    return np.ascontiguousarray(array).astype(np.dtype(dtype).newbyteorder("<")).tobytes()


def shadowed(record: TensorRecord, bound: Any, value: Any = None) -> TensorRecord:
    """A record as a shadow run makes it: the bound of its elements, and what they stand for if not what they are."""
    own = decode(record.dtype, record.shape, record.data)
    assert own is not None
    wide = "<c16" if own.dtype.kind == "c" else "<f8"
    stands_for = np.broadcast_to(own if value is None else value, record.shape).astype(wide).tobytes()
    bounds = np.broadcast_to(bound, record.shape).astype("<f8").tobytes()
    return replace(record, value=stands_for if own.dtype.kind in "fc" else None, bound=bounds)


def shadow_run(side: Any, leaks: int = 0) -> Outcome:
    """The outcome of a shadow run: a call, or a tuple of calls, of eager alone."""
    calls = execution(*side) if isinstance(side, tuple) else execution(side)
    return Outcome("c1", "completed", "compare", reference=calls, engagement={"leaks": leaks})


def absent() -> Outcome:
    """A run that could not be made."""
    return Outcome("c1", ABSENT)


def container(*items: Tree, type: str = "tuple", keys: tuple[str, ...] | None = None) -> ContainerRecord:
    """A container of records."""
    return ContainerRecord(type, keys, items)


def call(*outputs: Tree, **fields: Any) -> CallRecord:
    """A call that returned a tuple of ``outputs``."""
    made = CallRecord("ok", None, container(*outputs), (), {}, {}, "forward")
    return replace(made, **fields)


def raising(
    type: str, message: str = "", bases: tuple[str, ...] = (), stage: str = "forward", **more: Any
) -> CallRecord:
    """A call that raised."""
    error = ExceptionRecord(type, bases, message, more.get("frames", ()), more.get("chain", ()))
    return CallRecord("exception", error, None, (), {}, {}, stage)


def execution(*calls: CallRecord | Tree) -> Execution:
    """An execution of calls; a bare tree stands for a call that returned it as its only output."""
    return Execution(tuple(each if isinstance(each, CallRecord) else call(each) for each in calls))


def outcome(reference: Any, target: Any, again: Any = "same", **fields: Any) -> Outcome:
    """An outcome of a call, or a tuple of calls, on either side; eager repeats itself unless ``again`` is given."""
    sides = [execution(*side) if isinstance(side, tuple) else execution(side) for side in (reference, target)]
    second = sides[0] if isinstance(again, str) else None if again is None else execution(again)
    return Outcome("c0", "completed", "target", reference=sides[0], target=sides[1], reference_again=second, **fields)


def case(exact: bool = False, source: str = "graph", outputs: int = 8, **fields: Any) -> Case:
    """A case of which everything is exact, or nothing."""
    flags: Mapping[str, Any] = {
        "outputs": [exact] * outputs,
        "arguments": [exact] * 8,
        "state": {"weight": exact, "running_mean": exact},
    }
    made = Case(source, "inductor", {}, "", False, 1, {}, flags, ("binary.add",), 1)
    return replace(made, **fields)
