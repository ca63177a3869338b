"""The question that values, gradients and mutation share: are these two tensors the same numbers, and if not, is it
rounding?
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from assay.oracles.numerics.closeness import Mask, beyond, distance, unequal
from assay.oracles.numerics.decode import Array, decode, plain_name
from assay.oracles.numerics.rounding import JUMPS, KINKS, Ruling, Witness, coarsest_roundoff, may_jump, resolve
from assay.oracles.outcome import Outcome, TensorRecord, ValueRecord
from assay.oracles.pairs import Pair, Place, comparable, find, pairs
from assay.oracles.registry import VALID_BY_CONSTRUCTION, Question
from assay.oracles.verdict import Discrepancy, Kind, Verdict

VALUES, FLOAT64 = "values", "float64"
"""Names of evidence: the bytes of every tensor of the same run, and the same program with every floating type made
float64.
"""

_UNREADABLE = "unreadable"
_NUMBERS = {"int": "int64", "bool": "bool", "float": "float64", "complex": "complex128"}


@dataclass(frozen=True)
class _Sides:
    """One place as numbers of one dtype and shape."""

    dtype: str
    eager: Array
    target: Array
    exact: bool


def differing(question: Question, kinds: Mapping[Place, tuple[Kind, Kind]]) -> Iterator[Discrepancy]:
    """What differs in number in the places of ``kinds``, which name its kind for tensors and for Python values."""
    for pair in pairs(question.case, question.outcome.reference, question.outcome.target):
        if pair.place not in kinds:
            continue
        of_tensors, of_values = kinds[pair.place]
        found = None
        match pair.reference, pair.target:
            case TensorRecord() as eager, TensorRecord() as target:
                tensors = Pair(pair.call, pair.place, pair.path, eager, target, pair.exact)
                found = differing_tensors(question, tensors, of_tensors) if comparable(tensors) else None
            case ValueRecord() as eager, ValueRecord() as target if eager.type == target.type:
                numbers = Pair(pair.call, pair.place, pair.path, eager, target, pair.exact)
                found = differing_numbers(question, numbers, of_values)
        if found is not None:
            yield found


def differing_tensors(question: Question, pair: Pair[TensorRecord], kind: Kind) -> Discrepancy | None:
    """What is wrong with the numbers of a pair of one dtype and shape; None if nothing is.

    An exact pair is compared bit by bit but for signed zeros and NaN payloads; any other by tolerance, and beyond it
    by the float64 run, which is asked for.
    """
    reference, target = pair.reference, pair.target
    if reference.digest == target.digest:
        return None
    dtype = plain_name(reference.dtype)
    signature = f"{kind}|{dtype}|{pair.place}"
    for side, record in (("eager's", reference), ("the target's", target)):
        if record.digest.startswith(_UNREADABLE):
            verdict = Verdict.Mismatch if record is target else Verdict.Inconclusive
            detail = f"{side} tensor is {record.digest}"
            return Discrepancy(kind, pair.where, detail, f"{signature}|{_UNREADABLE}", verdict)
    eager_data = bytes_of(question, "reference", pair.call, pair.path, reference)
    target_data = bytes_of(question, "target", pair.call, pair.path, target)
    if eager_data is None or target_data is None:
        detail, wanted = "the bytes differ and were not sent", () if VALUES in question.evidence else (VALUES,)
        return Discrepancy(kind, pair.where, detail, signature, Verdict.Inconclusive, wanted)
    eager, compiled = (decode(dtype, reference.shape, data) for data in (eager_data, target_data))
    if eager is None or compiled is None:
        detail = f"the bytes differ, and cannot be read as {dtype}"
        return Discrepancy(kind, pair.where, detail, signature, Verdict.Inconclusive)
    return _differing(question, pair, kind, _Sides(dtype, eager, compiled, pair.exact), signature)


def differing_numbers(question: Question, pair: Pair[ValueRecord], kind: Kind) -> Discrepancy | None:
    """What is wrong with a pair of Python values of one type; None if nothing is.

    Numbers come out of tensors of any precision, so a float is judged as a float32 is, and an integer as something
    that rounding may have tipped.
    """
    if pair.reference.repr == pair.target.repr:
        return None
    signature = f"{kind}|{pair.reference.type}|{pair.place}"
    eager, target = _number(pair.reference), _number(pair.target)
    if eager is None or target is None:
        detail = f"eager {_short(pair.reference.repr)}, target {_short(pair.target.repr)}"
        return Discrepancy(kind, pair.where, detail, signature)
    dtype = {"float64": "float32", "complex128": "complex64"}.get(str(eager.dtype), str(eager.dtype))
    return _differing(question, pair, kind, _Sides(dtype, eager, target, exact=False), signature)


def _differing(
    question: Question, pair: Pair[TensorRecord] | Pair[ValueRecord], kind: Kind, sides: _Sides, signature: str
) -> Discrepancy | None:
    outside = unequal(sides.eager, sides.target) if sides.exact else beyond(sides.eager, sides.target, sides.dtype)
    if not outside.any():
        return None
    signature += _special(sides, outside)
    if sides.exact:
        return Discrepancy(
            kind, pair.where, describe(sides.eager, sides.target, outside, sides.dtype, "exact arithmetic"), signature
        )
    shown = describe(sides.eager, sides.target, outside, sides.dtype, "beyond the tolerance")
    witness_run = question.evidence.get(FLOAT64)
    if witness_run is None:
        return Discrepancy(kind, pair.where, shown, signature, Verdict.Inconclusive, (FLOAT64,))
    dtypes = [sides.dtype, *_argument_dtypes(question.outcome)]
    resolution = resolve(
        sides.eager,
        sides.target,
        outside,
        _witness(witness_run, pair),
        dtype=sides.dtype,
        roundoff=coarsest_roundoff(question.case.text, dtypes),
        jumps=_tippable(question, pair.place),
    )
    if resolution.ruling is Ruling.rounding:
        return None
    verdict = Verdict.Mismatch if resolution.ruling is Ruling.wrong else Verdict.Inconclusive
    if resolution.elements.shape == outside.shape:
        shown = describe(sides.eager, sides.target, resolution.elements, sides.dtype, "beyond the tolerance")
    return Discrepancy(kind, pair.where, f"{shown}; {resolution.why}", signature, verdict)


def describe(eager: Array, target: Array, wrong: Mask, dtype: str, how: str) -> str:
    """Which elements differ by how much, in one line, with the worst of them as the example."""
    apart = np.where(wrong, distance(eager, target), -1.0)
    worst = np.unravel_index(int(np.argmax(apart)), apart.shape)
    shown, other = eager[worst], target[worst]
    at = f" at {[int(step) for step in worst]}" if eager.ndim else ""
    shape = f"{dtype}{list(eager.shape)}"
    count = f"{int(np.count_nonzero(wrong))} of {eager.size} elements differ ({shape}, {how})"
    return f"{count}; largest difference {_digits(apart[worst])}{at}: eager {_digits(shown)}, target {_digits(other)}"


def _digits(number: np.generic) -> str:
    value = number.item()
    return f"{value:.9g}" if isinstance(value, float | complex) else str(value)


def _special(sides: _Sides, outside: Mask) -> str:
    """Infinities and NaNs out of nothing are another cause than a wrong number, and are told apart in the signature."""
    if sides.eager.dtype.kind not in "fc":
        return ""
    strange = outside & np.isfinite(sides.eager) & ~np.isfinite(sides.target)
    return "|nonfinite" if strange.any() else ""


def _witness(run: Outcome, pair: Pair[TensorRecord] | Pair[ValueRecord]) -> Witness:
    eager, target = find(run.reference, pair.call, pair.path), find(run.target, pair.call, pair.path)
    if run.target is None and isinstance(eager, ValueRecord):
        return Witness(_number(eager), None)
    if run.target is None and isinstance(eager, TensorRecord):
        return Witness(_array(eager, eager.data), None)
    if isinstance(eager, ValueRecord) and isinstance(target, ValueRecord):
        return Witness(_number(eager), _number(target))
    if not isinstance(eager, TensorRecord) or not isinstance(target, TensorRecord):
        return Witness(None, None)
    same = eager.digest == target.digest
    eager_data = eager.data if eager.data is not None or not same else target.data
    target_data = target.data if target.data is not None or not same else eager.data
    return Witness(_array(eager, eager_data), _array(target, target_data))


def _array(record: TensorRecord, data: bytes | None) -> Array | None:
    """The numbers of a tensor of the float64 run; None if not sent, or if still of a narrower type."""
    numbers = None if data is None else decode(record.dtype, record.shape, data)
    if numbers is None or (numbers.dtype.kind in "fc" and numbers.dtype.name not in ("float64", "complex128")):
        return None
    return numbers


def bytes_of(question: Question, side: str, call: int, path: str, record: TensorRecord) -> bytes | None:
    """The bytes of a record of the side ``reference`` or ``target``, if need be as the evidence "values" has them;
    None if it has not.
    """
    run = question.evidence.get(VALUES)
    if record.data is not None or run is None:
        return record.data
    found = find(run.reference if side == "reference" else run.target, call, path)
    return found.data if isinstance(found, TensorRecord) and found.digest == record.digest else None


def _tippable(question: Question, place: Place) -> bool:
    """Whether a rounding error may come out as a difference of any size.

    The generator of graphs lets nothing inexact into an operation that jumps, but does into one whose derivative jumps.
    """
    operators = question.case.operators
    jumps = question.case.source != VALID_BY_CONSTRUCTION and may_jump(operators, JUMPS)
    return jumps or (place is Place.gradient and may_jump(operators, KINKS))


def _argument_dtypes(outcome: Outcome) -> list[str]:
    calls = outcome.reference.calls if outcome.reference is not None else ()
    return [tree.dtype for call in calls for tree in call.arguments if isinstance(tree, TensorRecord)]


def _number(record: ValueRecord) -> Array | None:
    """A Python number as an array without dimensions; None if it is none, or an integer that no array holds."""
    if record.type not in _NUMBERS:
        return None
    if record.repr in ("nan", "inf", "-inf"):
        return np.array(float(record.repr))
    try:
        value = complex(record.repr) if record.type == "complex" else ast.literal_eval(record.repr)
        return np.array(value, _NUMBERS[record.type])
    except (ValueError, SyntaxError, OverflowError):
        return None


def _short(text: str) -> str:
    return text if len(text) <= 60 else text[:57] + "..."
