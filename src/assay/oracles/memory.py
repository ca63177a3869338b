"""The oracle of memory: the target stays within the limit that eager stays within."""

from __future__ import annotations

from collections.abc import Iterator

from assay.oracles.outcome import ExceptionRecord, Execution
from assay.oracles.registry import Question, oracle
from assay.oracles.signature import exception_signature
from assay.oracles.stages import blame
from assay.oracles.verdict import Discrepancy, Kind, Verdict

_SIGNS = ("DefaultCPUAllocator", "std::bad_alloc", "Cannot allocate memory", "can't allocate memory")


def exhausted(exception: ExceptionRecord | None) -> bool:
    """Whether an exception says that memory ran out, in which case it is no error in logic."""
    if exception is None:
        return False
    return exception.type == "MemoryError" or any(sign in exception.message for sign in _SIGNS)


@oracle("memory", order=2)
def memory(question: Question) -> Iterator[Discrepancy]:
    """A process that outgrew its limit, or an execution that could not allocate. A reference that does is a case too
    large, not a finding.
    """
    outcome = question.outcome
    for execution, verdict in ((outcome.reference, Verdict.Invalid), (outcome.target, Verdict.MemoryExceeded)):
        for number, exception in _failures(execution):
            side = "eager" if verdict is Verdict.Invalid else "target"
            detail = f"{side} could not allocate: {exception.type}"
            yield Discrepancy(
                Kind.memory, f"call {number}", detail, f"memory|{side}|{exception_signature(exception)}", verdict
            )
            return
    if outcome.ended == "memory":
        side = blame(outcome.stage)
        verdict = Verdict.MemoryExceeded if side == "target" else Verdict.Invalid
        detail = f"the process outgrew its memory limit in stage {outcome.stage or 'unknown'}"
        yield Discrepancy(Kind.memory, side, detail, f"memory|{side}", verdict)


def _failures(execution: Execution | None) -> Iterator[tuple[int, ExceptionRecord]]:
    for number, call in enumerate(execution.calls if execution is not None else ()):
        if call.exception is not None and exhausted(call.exception):
            yield number, call.exception
