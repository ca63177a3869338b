"""The question that values, gradients and mutation share: are these two tensors the same numbers, and if not, is it
rounding?
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from assay.oracles.numerics.closeness import Mask, beyond, distance, tolerance, unequal, wide
from assay.oracles.numerics.decode import Array, decode, plain_name
from assay.oracles.numerics.rounding import ACCUSED, Resolution, Ruling, Shadow, lasting, rule
from assay.oracles.outcome import ABSENT, Outcome, TensorRecord, Tree, ValueRecord
from assay.oracles.pairs import EVERYTHING, Pair, Place, comparable, find, pairs
from assay.oracles.registry import Question
from assay.oracles.verdict import Discrepancy, Expected, Kind, Verdict

VALUES = "values"
"""Name of evidence: the bytes of every tensor of the same run."""

SHADOW = "shadow"
"""Name of evidence: the case run eagerly, every tensor with its value in higher precision and its error bound."""

FLOAT64, FLOAT64_SHADOW = "float64", "float64_shadow"
"""Names of evidence: the program with every floating type made float64, on the case's target and in a shadow run. A
logic error is there too; rounding is not.
"""

EXACT = "exact"
"""Name of evidence: the program on the case's target, its inputs drawn again so that the arithmetic is exact in the
outputs that `Outcome.engagement` names under "exact".
"""

SLACK = 4.0
"""How many bounds a correct system may be off."""

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
                everything = bool(question.case.exact.get(EVERYTHING))
                numbers = Pair(pair.call, pair.place, pair.path, eager, target, everything)
                found = differing_numbers(question, numbers, of_values)
        if found is not None:
            yield found


def differing_tensors(question: Question, pair: Pair[TensorRecord], kind: Kind) -> Discrepancy | None:
    """What is wrong with the numbers of a pair of one dtype and shape; None if nothing is.

    An exact pair is compared bit by bit but for signed zeros and NaN payloads; any other by tolerance, and beyond it
    by the bounds of the shadow run, which is asked for.
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
    that rounding may have tipped; in a case that is exact throughout, each is what it is.
    """
    if pair.reference.repr == pair.target.repr:
        return None
    signature = f"{kind}|{pair.reference.type}|{pair.place}"
    eager, target = number_of(pair.reference), number_of(pair.target)
    if eager is None or target is None:
        detail = f"eager {_short(pair.reference.repr)}, target {_short(pair.target.repr)}"
        return Discrepancy(kind, pair.where, detail, signature)
    return _differing(question, pair, kind, _Sides(_judged_as(eager), eager, target, pair.exact), signature)


def _differing(
    question: Question, pair: Pair[TensorRecord] | Pair[ValueRecord], kind: Kind, sides: _Sides, signature: str
) -> Discrepancy | None:
    different = unequal(sides.eager, sides.target)
    if not different.any():
        return None
    outside = different if sides.exact else beyond(sides.eager, sides.target, sides.dtype)
    hidden = not outside.any()
    if hidden and not (pair.place is Place.gradient and _all_exact(question)):
        return None
    signature += _special(sides, outside)
    if sides.exact:
        shown = describe(sides.eager, sides.target, outside, sides.dtype, "exact arithmetic")
        return Discrepancy(kind, pair.where, shown, signature, expected=_expected(sides))
    how = "within the tolerance" if hidden else "beyond the tolerance"
    outside = different if hidden else outside
    shown = describe(sides.eager, sides.target, outside, sides.dtype, how)
    if SHADOW not in question.evidence:
        return Discrepancy(kind, pair.where, shown, signature, Verdict.Inconclusive, (SHADOW,))
    shadow = shadow_in(question.evidence[SHADOW], pair, sides.eager, elsewhere=_is_model(question))
    if hidden:
        # Gradients of exact programs are exact as a rule, and then no tolerance is needed; what is not has passed.
        outside = different & (shadow.bound == 0.0) if isinstance(shadow, Shadow) else np.zeros_like(different)
        if not outside.any():
            return None
    if isinstance(shadow, str):
        resolution = Resolution(Ruling.undecided, outside, shadow)
    else:
        resolution = rule(sides.eager, sides.target, outside, shadow, sides.dtype)
    if resolution.ruling is Ruling.undecided:
        wanted = tuple(name for name in (FLOAT64, FLOAT64_SHADOW) if name not in question.evidence)
        if not wanted:
            resolution = _in_float64(question, pair, sides, resolution)
        if resolution.ruling is Ruling.undecided and not wanted and pair.place is Place.output:
            wanted = () if EXACT in question.evidence else (EXACT,)
            if not wanted:
                resolution = _drawn_again(question, pair, resolution)
        if wanted:
            return Discrepancy(kind, pair.where, shown, signature, Verdict.Inconclusive, wanted)
    if resolution.ruling is Ruling.rounding:
        return None
    if resolution.ruling is Ruling.inaccurate:
        signature += "|eager inaccurate"
    if resolution.elements.shape == sides.eager.shape:
        shown = describe(sides.eager, sides.target, resolution.elements, sides.dtype, how)
    verdict = Verdict.Inconclusive if resolution.ruling is Ruling.undecided else Verdict.Mismatch
    expected = _expected(sides, shadow if isinstance(shadow, Shadow) else None)
    return Discrepancy(kind, pair.where, f"{shown}; {resolution.why}", signature, verdict, expected=expected)


def _expected(sides: _Sides, shadow: Shadow | None = None) -> Expected:
    """What eager has in an accused place. With a shadow an element may be off by the tolerance, and by as many bounds
    as accuse, beyond eager's own distance from the value."""
    array = sides.eager
    stored = Expected(str(array.dtype), array.shape, np.ascontiguousarray(array).tobytes())
    if shadow is None or array.dtype.kind not in "fc":
        return stored
    relative, absolute = tolerance(sides.dtype)
    with np.errstate(invalid="ignore", over="ignore"):
        allowed = np.maximum(
            absolute + relative * np.abs(wide(array)), ACCUSED * shadow.bound + distance(array, shadow.value)
        )
    return replace(stored, allowed=np.ascontiguousarray(allowed, "<f8").tobytes())


def _is_model(question: Question) -> bool:
    """Whether the case is an ONNX model, whose shadow run is of the same program as torch has it."""
    return "opset" in question.case.recipe


def _all_exact(question: Question) -> bool:
    """Whether every output is exact, so that gradients may be expected to be."""
    flags = question.case.exact.get("outputs") or ()
    return bool(flags) and all(flags)


def shadow_in(run: Outcome, pair: Pair[Any], eager: Array, *, elsewhere: bool = False) -> Shadow | str:
    """What a shadow run shows in the place of a pair that reads ``eager``; in words, why it shows nothing.

    ``elsewhere``: the shadow run was of the same program in another system, whose bits are its own.
    """
    found = find(run.reference, pair.call, pair.path)
    leaks = int(run.engagement.get("leaks", 0))
    if run.ended == ABSENT or found is None:
        return "there is no shadow run"
    if isinstance(pair.reference, ValueRecord):
        # A Python number is as exact as the tensors that it was read from.
        return "a rounded number became a Python number" if leaks or found != pair.reference else Shadow.exact(eager)
    if not isinstance(found, TensorRecord) or (found.dtype, found.shape) != (pair.reference.dtype, eager.shape):
        return "the shadow run took another course"
    if leaks:
        return "a rounded number became a Python number"
    shadow = shadow_of(found, eager)
    if found.digest != pair.reference.digest and not (elsewhere and _stands_for(shadow, found, eager)):
        return "the shadow run took another course"
    return shadow


def _stands_for(shadow: Shadow, found: TensorRecord, eager: Array) -> bool:
    """Whether another system's numbers are what a shadow stands for: within its bounds, and the same where nothing is
    rounded."""
    if found.bound is None or found.value is None:
        there = None if found.data is None else decode(found.dtype, found.shape, found.data)
        return there is not None and not unequal(there, eager)[shadow.bound == 0.0].any()
    with np.errstate(invalid="ignore"):
        near = distance(eager, shadow.value) <= SLACK * shadow.bound
    return bool((near | np.isinf(shadow.bound)).all())


def shadow_of(record: TensorRecord, eager: Array) -> Shadow:
    """The shadow that a record of a shadow run holds, of a tensor that reads ``eager``."""
    if record.bound is None:
        return Shadow.exact(eager)
    bound = np.frombuffer(record.bound, "<f8").reshape(record.shape)
    if record.value is None:
        return Shadow(eager, bound, record.choice)
    return Shadow(
        np.frombuffer(record.value, "<c16" if eager.dtype.kind == "c" else "<f8").reshape(record.shape), bound
    )


def _in_float64(
    question: Question, pair: Pair[TensorRecord] | Pair[ValueRecord], sides: _Sides, before: Resolution
) -> Resolution:
    """What the same program in float64 tells of elements that are undecided: a logic error is there as well, and where
    the target agrees with eager, it was rounding."""
    found = _in_run(question.evidence[FLOAT64], pair)
    if found is None:
        return before
    wide_pair, eager, target = found
    shadow = shadow_in(question.evidence[FLOAT64_SHADOW], wide_pair, eager, elsewhere=_is_model(question))
    if isinstance(shadow, str):
        return before
    wrong, open_ = lasting(eager, target, shadow)
    if wrong.any():
        return Resolution(Ruling.wrong, wrong, "and in float64 as well")
    if eager.shape != sides.eager.shape or (open_ & before.elements).any():
        return before
    return Resolution(Ruling.rounding, before.elements, "not in float64")


def _drawn_again(question: Question, pair: Pair[TensorRecord] | Pair[ValueRecord], before: Resolution) -> Resolution:
    """What the same program tells when its inputs are such that nothing is rounded."""
    run = question.evidence[EXACT]
    if pair.path not in run.engagement.get("exact", ()):
        return before
    found = _in_run(run, pair)
    if found is None:
        return before
    _, eager, target = found
    wrong = unequal(eager, target)
    if wrong.any():
        return Resolution(Ruling.wrong, wrong, "and with other inputs, in exact arithmetic, as well")
    return Resolution(Ruling.rounding, before.elements, "not in exact arithmetic")


def _in_run(run: Outcome, pair: Pair[TensorRecord] | Pair[ValueRecord]) -> tuple[Pair[Tree], Array, Array] | None:
    """The same place of another run, with the numbers that both sides have there; None if they cannot be compared."""
    reference, target = find(run.reference, pair.call, pair.path), find(run.target, pair.call, pair.path)
    if reference is None or target is None:
        return None
    read = numbers(reference, target)
    return None if read is None else (Pair(pair.call, pair.place, pair.path, reference, target, False), *read[1:])


def numbers(reference: Tree, target: Tree) -> tuple[str, Array, Array] | None:
    """Two records as arrays, and the dtype that they are judged as; None if they are not of one dtype and shape, or
    bytes were not sent."""
    match reference, target:
        case TensorRecord(), TensorRecord() if (reference.dtype, reference.shape) == (target.dtype, target.shape):
            eager_data, target_data = reference.data, target.data
            if reference.digest == target.digest:
                eager_data = target_data = eager_data if eager_data is not None else target_data
            if eager_data is None or target_data is None:
                return None
            dtype = plain_name(reference.dtype)
            eager, compiled = (decode(dtype, reference.shape, data) for data in (eager_data, target_data))
        case ValueRecord(), ValueRecord() if reference.type == target.type:
            eager, compiled = number_of(reference), number_of(target)
            dtype = "" if eager is None else _judged_as(eager)
        case _:
            return None
    return None if eager is None or compiled is None else (dtype, eager, compiled)


def _judged_as(number: Array) -> str:
    """Python numbers come out of tensors of any precision, and are judged as those of a narrow one."""
    return {"float64": "float32", "complex128": "complex64"}.get(str(number.dtype), str(number.dtype))


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


def bytes_of(question: Question, side: str, call: int, path: str, record: TensorRecord) -> bytes | None:
    """The bytes of a record of the side ``reference`` or ``target``, if need be as the evidence "values" has them;
    None if it has not.
    """
    run = question.evidence.get(VALUES)
    if record.data is not None or run is None:
        return record.data
    found = find(run.reference if side == "reference" else run.target, call, path)
    return found.data if isinstance(found, TensorRecord) and found.digest == record.digest else None


def number_of(record: ValueRecord) -> Array | None:
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
