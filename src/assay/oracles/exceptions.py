"""The oracle of exception parity: the target raises where eager raises, the same, and nowhere else."""

from __future__ import annotations

from collections.abc import Iterator

from assay.oracles.memory import exhausted
from assay.oracles.outcome import CallRecord, ExceptionRecord
from assay.oracles.registry import VALID_BY_CONSTRUCTION, Question, oracle
from assay.oracles.signature import exception_signature, first_line, innermost
from assay.oracles.verdict import Discrepancy, Kind, Verdict

_INTERNAL = "INTERNAL ASSERT FAILED"
_INTERNALS = ("torch._dynamo.", "torch._inductor.")
# What Dynamo raises where an operator refuses its arguments: it is declared to stand for that, and only quotes it.
_QUOTING = "torch._dynamo.exc.TorchRuntimeError"


@oracle("exceptions", order=10)
def exceptions(question: Question) -> Iterator[Discrepancy]:
    """The first call in which either side raises and the other does not, or raises something unrelated.

    Running out of memory is left to the oracle of memory.
    """
    reference, target = question.outcome.reference, question.outcome.target
    if reference is None:
        return
    others = target.calls if target is not None else ()
    for number, eager in enumerate(reference.calls):
        compiled = others[number] if number < len(others) else None
        found = None
        if eager.exception is not None:
            found = _eager_raised(question, number, eager.stage, eager.exception, compiled)
        elif compiled is not None and compiled.exception is not None:
            found = _target_raised(question, number, compiled.stage, compiled.exception)
        if found is not None:
            yield found
            return


def _eager_raised(
    question: Question, number: int, stage: str, raised: ExceptionRecord, compiled: CallRecord | None
) -> Discrepancy | None:
    where, said = f"call {number}, {stage}", f"{raised.type}: {first_line(raised.message)}"
    signature = f"exception|eager|{exception_signature(raised)}"
    if exhausted(raised):
        return None
    if _INTERNAL in raised.message:
        return Discrepancy(
            Kind.exception, where, f"eager fails an assertion of its own: {said}", signature, Verdict.Exception
        )
    if _declared(raised, question.unsupported):
        return Discrepancy(
            Kind.exception,
            where,
            f"declared gap: {said}",
            f"unsupported|{exception_signature(raised)}",
            Verdict.Unsupported,
        )
    if question.case.source == VALID_BY_CONSTRUCTION or stage in ("load", "inputs"):
        return Discrepancy(
            Kind.exception, where, f"the case is not valid: eager raised {said}", signature, Verdict.Invalid
        )
    if compiled is None:
        return None
    if compiled.exception is None:
        signature = f"exception|not raised|{raised.type}"
        return Discrepancy(Kind.exception, where, f"eager raised {said}; the target did not raise", signature)
    other = compiled.exception
    if _declared(other, question.unsupported):
        return None
    if _related(raised, other):
        ours, theirs = _causes(raised), _causes(other)
        if raised.type != other.type or ours == theirs:
            return None
        detail = f"eager raised {said}, caused by {_listed(ours)}; on the target it is caused by {_listed(theirs)}"
        return Discrepancy(Kind.exception, where, detail, f"exception|chain|{raised.type}")
    detail = f"eager raised {said}; the target raised {other.type}: {first_line(other.message)}"
    # Where the compiler itself fails, what the program would have raised is nothing of the cause.
    instead = "" if other.type.startswith(_INTERNALS) else f"{raised.type}->"
    return Discrepancy(Kind.exception, where, detail, f"exception|{instead}{exception_signature(other)}")


def _target_raised(question: Question, number: int, stage: str, raised: ExceptionRecord) -> Discrepancy | None:
    if exhausted(raised):
        return None
    where, said = f"call {number}, {stage}", f"{raised.type}: {first_line(raised.message)}"
    signature = exception_signature(raised)
    if stage in ("load", "inputs"):
        detail = f"the case is not valid: its text raised {said}, but not the first time"
        return Discrepancy(Kind.exception, where, detail, f"exception|text|{signature}", Verdict.Invalid)
    if _declared(raised, question.unsupported):
        return Discrepancy(
            Kind.exception, where, f"declared gap: {said}", f"unsupported|{signature}", Verdict.Unsupported
        )
    caused = f" (caused by {first_line(raised.chain[-1])})" if raised.chain else ""
    return Discrepancy(
        Kind.exception, where, f"the target raised {said}{caused}", f"exception|{signature}", Verdict.Exception
    )


def _declared(raised: ExceptionRecord, unsupported: tuple[str, ...]) -> bool:
    """Whether the exception is of a declared class; one may be named with or without its module."""
    classes = {raised.type, *raised.bases}
    return any(name in classes or name in {each.rpartition(".")[2] for each in classes} for name in unsupported)


def _causes(raised: ExceptionRecord) -> tuple[str, ...]:
    """The types of what an exception was raised from, without those by which the compiler works."""
    types = (cause.partition(":")[0] for cause in raised.chain)
    return tuple(name for name in types if not name.startswith(_INTERNALS))


def _listed(causes: tuple[str, ...]) -> str:
    return ", ".join(causes) or "nothing"


def _related(eager: ExceptionRecord, target: ExceptionRecord) -> bool:
    """Whether the target raised what eager raised, a subclass of it, or something that wraps or quotes it."""
    causes = {cause.partition(":")[0] for cause in target.chain}
    if target.type == _QUOTING:
        causes.add(innermost(target.message).partition(":")[0])
    return eager.type in {target.type, *target.bases} | causes
