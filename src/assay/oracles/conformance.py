"""What `judge` relies on in an oracle, as a check that its author can run:

def test_my_oracle_conforms():
    assert breaches(my_oracle) == []
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator, Sequence
from dataclasses import replace

from assay.ir.case import Case
from assay.oracles.outcome import (
    CallRecord,
    ContainerRecord,
    ExceptionRecord,
    Execution,
    Outcome,
    TensorRecord,
    ValueRecord,
)
from assay.oracles.registry import Oracle, Question
from assay.oracles.verdict import Discrepancy

_CASE = Case("graph", "inductor", {}, "def program(x): ...", True, 2, {}, {"outputs": [True]}, ("elementwise.add",), 1)


def breaches(oracle: Oracle, questions: Sequence[Question] = ()) -> list[str]:
    """What is wrong with ``oracle``, one sentence each, on the samples of this module and on ``questions``; nothing
    if it conforms.

    It is pure: asked twice, it answers the same. It is silent on an outcome compared with itself. It raises nothing
    where parts are missing. What it yields is a `Discrepancy` with a place, a detail and a signature.
    """
    return list(dict.fromkeys(_breaches(oracle, [*samples(), *questions])))


def _breaches(oracle: Oracle, questions: Sequence[Question]) -> Iterator[str]:
    for question in questions:
        try:
            first, second = list(oracle.check(question)), list(oracle.check(question))
        except Exception as error:  # the author's code, whose error is what is reported
            ended = question.outcome.ended
            yield f"{oracle.name} raises {type(error).__name__} on an outcome that ended as {ended!r}: {error}"
            continue
        if first != second:
            yield f"{oracle.name} is not pure: it answers the same question in two ways"
        for one in first:
            if not isinstance(one, Discrepancy):
                yield f"{oracle.name} yields a {type(one).__name__}, not a Discrepancy"
            elif not (one.where and one.detail and one.signature):
                yield f"{oracle.name} yields a discrepancy without a place, a detail or a signature"
        outcome = question.outcome
        same = replace(outcome, target=outcome.reference, reference_again=outcome.reference)
        calls = outcome.reference.calls if outcome.reference is not None else ()
        sound = outcome.ended == "completed" and all(call.exception is None for call in calls)
        if sound and list(oracle.check(replace(question, outcome=same, evidence={}))):
            yield f"{oracle.name} is not silent on an outcome compared with itself"


def samples() -> list[Question]:
    """Questions of every shape: complete, differing, ended early, and with parts missing."""
    call = _call(_tensor("float32", _ONES_TWOS))
    other = _call(_tensor("float32", b"\x00\x00\x80\x3f\x00\x00\x40\x40"))
    unsent = _call(replace(_tensor("float32", b""), digest="unsent", data=None))
    strange = _call(replace(_tensor("float32", b"\x00"), dtype="quint4x2", stride=(), layout="sparse_coo"))
    bare = CallRecord("ok", None, None, (), {}, {}, "forward")
    raised = replace(bare, status="exception", exception=ExceptionRecord("RuntimeError", (), "", ()))
    torn = replace(bare, status="exception")
    calls = (call, other, unsent, strange, bare, raised, torn)
    executions = [None, Execution(()), *(Execution((each,)) for each in calls), Execution((call, raised))]
    outcomes = [
        Outcome("c0", "completed", "target", reference=reference, target=target)
        for reference in executions
        for target in executions
    ]
    outcomes += [
        Outcome("c0", ended, stage)
        for ended in ("died", "timeout", "starved", "memory", "")
        for stage in ("target", "load", "")
    ]
    outcomes += [Outcome("c0", "died", "target", signal=9999, stderr="\n"), Outcome("c0", "died", signal=11)]
    run = Outcome("c0", "died", "load")
    full = Outcome("c0", "completed", reference=Execution((call,)), target=Execution((other,)))
    shadowed = replace(full, target=None, reference=Execution((_call(_under_shadows(_tensor("float32", _ONES_TWOS))),)))
    names = ("values", "eager_again", "shadow", "float64", "float64_shadow", "exact")
    evidence = [{}, dict.fromkeys(names, run), dict.fromkeys(names, full)]
    evidence += [{"shadow": shadowed}, {**dict.fromkeys(names, full), "shadow": shadowed, "float64_shadow": shadowed}]
    return [Question(_CASE, outcome, each) for outcome in outcomes for each in evidence]


_ONES_TWOS = b"\x00\x00\x80\x3f\x00\x00\x00\x40"


def _under_shadows(tensor: TensorRecord) -> TensorRecord:
    """As a shadow run records it: one element decided, one of which nothing is known."""
    return replace(tensor, value=struct.pack("<2d", 1.0, 2.0), bound=struct.pack("<2d", math.inf, 2.0**-24))


def _tensor(dtype: str, data: bytes) -> TensorRecord:
    return TensorRecord(dtype, (2,), (1,), 0, 0, 0, True, data.hex(), data)


def _call(tensor: TensorRecord) -> CallRecord:
    outputs = ContainerRecord(
        "dict", ("'a'", "'b'"), (replace(tensor, storage=1, identity=1), ValueRecord("float", "1.5"))
    )
    return CallRecord(
        "ok",
        None,
        outputs,
        (tensor,),
        {"w": replace(tensor, storage=2, identity=2)},
        {"argument 0": tensor},
        "backward",
    )
