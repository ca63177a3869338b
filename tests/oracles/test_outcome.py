"""Frames become outcomes."""

from __future__ import annotations

import numpy as np
import pytest

from assay.oracles.outcome import ContainerRecord, TensorRecord, ValueRecord, outcome_from_frame

TENSOR = ["t", "float32", [2], [1], 0, 0, 0, False, "abc", 0, "strided"]
CALL = {
    "status": "ok",
    "stage": "forward",
    "exception": None,
    "outputs": ["c", "tuple", None, [TENSOR, ["v", "int", "3"]]],
    "arguments": [[*TENSOR[:9], None, "strided"]],
    "state": {},
    "gradients": {"argument 0": None},
    "environment": {},
}


def test_an_outcome_frame_becomes_records() -> None:
    header = {"op": "outcome", "id": "c1", "ended": "completed", "reference": [CALL], "target": None, "cpu": {"sut": 1}}
    outcome = outcome_from_frame(header, [np.array([1, 2], "<f4").tobytes()], "text")
    assert outcome.reference is not None
    assert outcome.target is None
    call = outcome.reference.calls[0]
    assert isinstance(call.outputs, ContainerRecord)
    tensor, value = call.outputs.items
    assert isinstance(tensor, TensorRecord)
    assert tensor.array().tolist() == [1.0, 2.0]
    assert value == ValueRecord("int", "3")
    assert isinstance(call.arguments[0], TensorRecord)
    with pytest.raises(ValueError, match="not sent"):
        call.arguments[0].array()
    assert call.gradients == {"argument 0": None}
    assert (outcome.stderr, outcome.cpu) == ("text", {"sut": 1.0})


@pytest.mark.parametrize(
    ("how", "ended"), [("signal", "died"), ("exit", "died"), ("timeout", "timeout"), ("memory", "memory")]
)
def test_a_death_is_an_outcome(how: str, ended: str) -> None:
    header = {"op": "died", "id": "c1", "how": how, "signal": 11, "status": None, "stage": "target", "stderr": "tail"}
    outcome = outcome_from_frame(header, [])
    assert (outcome.ended, outcome.signal, outcome.stage, outcome.stderr) == (ended, 11, "target", "tail")


def test_formats_that_numpy_lacks_come_as_their_bits() -> None:
    record = TensorRecord("bfloat16", (2, 1), (1, 1), 0, 0, 0, False, "", b"\x80\x3f\x00\x40")
    assert record.array().dtype == np.uint16
    assert record.array().tolist() == [[0x3F80], [0x4000]]
    assert TensorRecord("bfloat16", (0, 3), (3, 1), 0, 0, 0, False, "", b"").array().shape == (0, 3)
