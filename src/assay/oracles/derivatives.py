"""The oracle of derivatives: all ways to compute one give the same number, and the one that the function itself has.

    values of the ways + values on a line --> agree? --> else with the evidence: wrong ways, per direction --> finding

What agrees in the cheap run passes. Else the case is differentiated once more, in a fresh process, along further
directions, at many steps, and with inputs a few units in the last place away: those say how much of a difference is
rounding. Which side is wrong is told by the numerical slope; at a kink anything between the slopes of the two sides is
right. Where the slope cannot be told the case is inconclusive.
"""

from __future__ import annotations

import math
import re
import statistics
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from assay.apis.seeds import family
from assay.autodiff.conventions import convention_of
from assay.ir.case import DERIVATIVES
from assay.oracles.numerics.slopes import CONCLUSIVE, Slope, slope
from assay.oracles.outcome import ExceptionRecord
from assay.oracles.registry import Question, oracle
from assay.oracles.signature import exception_signature, normalise_message
from assay.oracles.verdict import FINDINGS, Discrepancy, Kind, Verdict

UNITS = {
    "float64": 2.0**-53,
    "complex128": 2.0**-53,
    "float32": 2.0**-24,
    "complex64": 2.0**-24,
    "float16": 2.0**-11,
    "complex32": 2.0**-11,
    "bfloat16": 2.0**-8,
}
COARSEST = 2.0**-2
"""The same for any other dtype."""

AGREE = 2.0**10
"""How many units in the last place of the size of its terms the ways to compute a derivative may differ without a
question being asked."""

NARROW, NARROW_SPREAD = 2.0**4, 8.0
"""The same for dtypes of fewer than 64 bits against float64: intermediate results are rounded as coarsely as inputs."""

SPREAD = 16.0
"""How many times the change by a few units in the last place of the inputs is put down to rounding."""

STEEP = 2.0**20
"""By how much all ways may be above what steps show before it is the steps that are doubted."""

OFF = 1e-7
"""How far the ways may be from a numerical slope beyond its error, as a share of the size of the terms."""

LEAST_DIRECTIONS = 2
"""Along how many of the directions of the evidence a way has to be wrong."""

WITNESSES = frozenset({"without_rules"})
"""Ways that nobody differentiates in: they say what is wrong with others, and nothing is wrong with a library where
they alone go wrong, since a rule may be there for what its formula's own derivative gets wrong."""

ORDER = ("value", "sum", "first", "second", "curve", "third")
NUMERICAL = frozenset({"first", "second", "third"})
_WIDE = frozenset({"float64", "complex128"})
_GAP = re.compile(
    r"not (?:currently |yet )?(?:be )?(?:implemented|supported|differentiable)|does not (?:currently |yet )?support"
    r"|do not (?:currently |yet )?support|[Uu]nsupported|isn't supported|only supports|NYI|must be implemented"
    r"|not possible (?:to|because)|is not available|could not find|There was no|derivative .* is not"
    r"|does not work (?:for|with)|[Cc]annot access data pointer of Tensor that|custom \(non-ATen\) operator|sparse"
    r"|to use channels_last format"
    r"|ill-defined|[Bb]atching rule|vmap: (?:It looks like|Unable|Cannot|inplace)|in-?place arithmetic|data-dependent"
    r"|gradient registry has no entry for|No gradient defined for|No pfor vectorization defined"
    r"|Gradient explicitly disabled|XLA compilation requires a fixed"
    r"|doesn't have .* rule|setup_context|Output .* of .* is a view"
    r"|a leaf Variable that requires grad|is not in the list of allowed values|Attr '\w+' of '\w+' Op passed"
)
_GAPS = frozenset(
    {
        "NotImplementedError",
        "Unsupported",
        "UserError",
        # What JAX says of a program that needs to know a number in order to be traced (jax.errors).
        "ConcretizationTypeError",
        "NonConcreteBooleanIndexError",
        "TracerArrayConversionError",
        "TracerBoolConversionError",
        "TracerIntegerConversionError",
        # The same of TensorFlow (tf.errors).
        "OperatorNotAllowedInGraphError",
        "UnimplementedError",
    }
)
_SAVED = re.compile(r"modified by an inplace operation: \[.*\], which is output \d+ of (\w+)", re.DOTALL)
_ARITHMETIC = re.compile(r"(?:Mean|Mul|Add|Sum|Sub|Div|Neg|View|Squeeze|Unsqueeze|Clone|Where|Expand)Backward\d*")
_ASSERTION = re.compile(r"INTERNAL ASSERT|internal assert|Please report|please report|file a bug|This is a bug")


@oracle("derivatives", order=20)
def derivatives(question: Question) -> Iterator[Discrepancy]:
    """What is wrong with the derivatives of a case, the lowest order first; what is known to be meant as it is counts
    as unsupported."""
    for found in _wrong(question):
        known = convention_of(question.case, found.signature) if found.verdict in FINDINGS else None
        if known is None:
            yield found
        else:
            told = f"convention {known.name}: {known.reason}"
            yield Discrepancy(found.kind, found.where, told, f"convention|{known.name}", Verdict.Unsupported)


def _wrong(question: Question) -> Iterator[Discrepancy]:
    found = question.outcome.derivatives
    if found is None:
        return
    if "refused" in found:
        yield _refused(found)
        return
    for text in found.get("wrong", ()):
        yield _stated(text)
    if not found.get("quantities"):
        why = found.get("nothing", "nothing came of it")
        yield Discrepancy(Kind.gradient, "program", why, f"derivative|none|{why}", Verdict.Unsupported)
        return
    yield from _raised(found, question.case.operators)
    suspects = [each["name"] for each in found["quantities"] if _is_suspect(each, found)]
    asked = [outcome for name, outcome in question.evidence.items() if name.startswith(f"{DERIVATIVES}:")]
    if not asked:
        if suspects:
            # In few bits one direction in three may show nothing.
            directions = LEAST_DIRECTIONS if _is_wide(found) else LEAST_DIRECTIONS + 1
            yield _unsettled(suspects[0], evidence_name(max(map(order_of, suspects)), directions))
        return
    full = asked[0].derivatives
    if full is None or not full.get("quantities"):
        yield _unsettled(suspects[0] if suspects else "first")
        return
    yield from _settled(full, question.case.operators)


def evidence_name(order: int, directions: int) -> str:
    """What a worker is asked for: everything that tells a fault from rounding, up to an order, along directions."""
    return f"{DERIVATIVES}:{order}:{directions}"


def order_of(quantity: str) -> int:
    """Of which order a quantity is, at least the first."""
    return {"value": 1, "first": 1, "third": 3}.get(quantity, 2)


def _unsettled(name: str, *wanted: str) -> Discrepancy:
    return Discrepancy(Kind.gradient, name, "ways differ", f"derivative|{name}", Verdict.Inconclusive, wanted)


# --- what is no number


def _refused(found: Mapping[str, Any]) -> Discrepancy:
    record = found["refused"]
    first = record["message"].splitlines()[0] if record["message"] else record["type"]
    if _ASSERTION.search(record["message"]):
        told = exception_signature(_exception(record))
        return Discrepancy(Kind.exception, "direct", first, f"exception|direct|{told}", Verdict.Exception)
    return Discrepancy(Kind.exception, "direct", f"refused: {first}"[:300], "derivative|refused", Verdict.Unsupported)


def _stated(text: str) -> Discrepancy:
    if text.startswith("an input"):
        return Discrepancy(Kind.mutation, "input", text, "mutation|derivative|input changed")
    kind = Kind.dtype if text.startswith("output") else Kind.shape
    form = re.sub(r"\d+", "N", text.split(",")[0])
    return Discrepancy(kind, text.split(",")[0].split(" is ")[0], text, f"{kind}|derivative|{form}")


def _raised(found: Mapping[str, Any], operators: Sequence[str]) -> Iterator[Discrepancy]:
    """Ways that raise what is no gap of the library that it tells of."""
    seen: set[str] = set()
    rules = _rules(found, operators)
    for quantity in found["quantities"]:
        for way, value in quantity["values"].items():
            if not isinstance(value, Mapping):
                continue
            record = value["raised"]
            if is_gap(record):
                continue
            # The frames are those of the way that was gone; what is at fault is the rule of what was called,
            # unless it is an assertion, which has a place of its own.
            told = f"{record['type']}|{normalise_message(record['message'])}"
            if saved := _SAVED.search(record["message"]):
                told = f"{record['type']}|what {saved[1]} saved is modified by an inplace operation"
            elif record["type"] == "AttributeError" and record["frames"]:
                # A defect of the library's own Python has one place, whatever was called.
                told += f"|{record['frames'][-1]}"
            elif not _ASSERTION.search(record["message"]):
                told += f"|{rules}"
            if told not in seen:
                seen.add(told)
                first = record["message"].splitlines()[0] if record["message"] else ""
                yield Discrepancy(
                    Kind.exception,
                    f"{quantity['name']} {way}, direction 0",
                    f"{way} raises {record['type']}: {first}"[:400],
                    f"exception|derivative|{told}",
                    Verdict.Exception,
                )


def _rules(found: Mapping[str, Any], operators: Sequence[str]) -> str:
    """What is taken to be at fault: the rules that the outputs come from; of a composition that ends in arithmetic, its
    own name, however it is spelled."""
    rules = [str(each) for each in found.get("rules", ())]
    if rules and all(_ARITHMETIC.fullmatch(each) for each in rules):
        return ",".join(sorted(map(family, operators)))
    return ",".join(rules or sorted(map(family, operators)))


def is_gap(record: Mapping[str, Any]) -> bool:
    """Whether an exception tells of something that the library does not have."""
    if record["type"].rpartition(".")[2] in _GAPS:
        return True
    message = record["message"]
    # What vmap says of data-dependent code ends in an invitation to report what is not the caller's.
    return bool(_GAP.search(message)) and (message.startswith("vmap: ") or not _ASSERTION.search(message))


def _exception(record: Mapping[str, Any]) -> ExceptionRecord:
    return ExceptionRecord(
        record["type"], tuple(record["bases"]), record["message"], tuple(record["frames"]), tuple(record["chain"])
    )


# --- numbers


def _is_suspect(quantity: Mapping[str, Any], found: Mapping[str, Any]) -> bool:
    """Whether the cheap run leaves a question about a quantity."""
    values = _numbers(quantity["values"])
    if not values:
        return False
    if any(not math.isfinite(value) for value in values.values()):
        return quantity["name"] in NUMERICAL
    size = _size(quantity, values)
    middle = statistics.median(values.values())
    if any(abs(value - middle) > AGREE * _unit(found) * size for value in values.values()):
        return True
    if quantity["name"] not in NUMERICAL:
        return False
    if not _is_wide(found):
        return bool(_narrowly_wrong(quantity, values, size, found))
    seen = slope(quantity["line"], size)
    if seen is None:
        return _is_far_off(quantity["line"], middle, size)
    return seen.distance(middle) > 4 * seen.error + OFF * size


def _narrowly_wrong(
    quantity: Mapping[str, Any], values: Mapping[str, float], size: float, found: Mapping[str, Any]
) -> frozenset[str]:
    """The ways in few bits that are farther from the same in float64 than rounding explains: what a unit in the last
    place of the inputs changes there, and what the terms may lose."""
    wide = quantity.get("wide")
    if wide is None or not all(isinstance(each, float | int) for each in (wide["value"], *wide["beside"])):
        return frozenset()
    value = wide["value"]
    spread = max(abs(each - value) for each in wide["beside"])
    allowed = NARROW_SPREAD * spread + NARROW * _unit(found) * max(size, abs(value))
    # What is not finite may have overflowed.
    return frozenset(way for way, each in values.items() if math.isfinite(each) and abs(each - value) > allowed)


def _is_far_off(line: Mapping[str, Any], middle: float, size: float) -> bool:
    """Whether the last difference quotient, though it decides nothing, is nowhere near."""
    step, left, right = line["steps"][-1], line["left"][-1], line["right"][-1]
    if not isinstance(left, float | int) or not isinstance(right, float | int):
        return False
    return bool(abs((right - left) / (2 * step) - middle) > 0.05 * max(size, abs(middle)))


def _size(quantity: Mapping[str, Any], values: Mapping[str, float]) -> float:
    weight = quantity.get("weight")
    finite = [abs(value) for value in values.values() if math.isfinite(value)]
    if isinstance(weight, float | int) and math.isfinite(weight):
        finite.append(weight)
    if (line := quantity.get("line")) is not None:
        finite.append(_change(line))
    return max(finite, default=0.0) or 2.0**-60


def _change(line: Mapping[str, Any]) -> float:
    """By how much the function changes over the longest step, per unit: what a derivative of zero is measured by."""
    ends = [line["left"][0], line["centre"], line["right"][0]]
    if not all(isinstance(value, float | int) for value in ends):
        return 0.0
    return float(max(abs(ends[0] - ends[1]), abs(ends[2] - ends[1])) / line["steps"][0])


def _numbers(values: Mapping[str, Any]) -> dict[str, float]:
    """The numbers among what the ways gave."""
    return {way: float(value) for way, value in values.items() if not isinstance(value, Mapping)}


def _unit(found: Mapping[str, Any]) -> float:
    return max((UNITS.get(each, COARSEST) for each in found.get("dtypes", ())), default=UNITS["float64"])


def _is_wide(found: Mapping[str, Any]) -> bool:
    return set(found.get("dtypes", ())) <= _WIDE


@dataclass(frozen=True, slots=True)
class _Finding:
    """What is wrong along one direction: the ways, one that is right if there is, and how the numbers read."""

    wrong: frozenset[str]
    form: str
    detail: str
    direction: int
    right: str = ""


def _settled(full: Mapping[str, Any], operators: Sequence[str]) -> Iterator[Discrepancy]:
    """What the evidence says, the lowest order first; nothing is said of an order above one that is not smooth."""
    for name in ORDER:
        seen = [each for each in full["quantities"] if each["name"] == name]
        told = [_along(each, full) for each in seen]
        found = [each for each in told if isinstance(each, _Finding) and not each.wrong <= WITNESSES]
        needed = min(LEAST_DIRECTIONS, len(seen))
        if len(found) >= needed and found:
            wrong = frozenset.intersection(*(each.wrong for each in found)) or found[0].wrong
            yield _discrepancy(name, wrong, found[0], full, operators)
            return
        undecided = sum(each is None for each in told)
        if undecided > len(told) // 2 or found:
            yield Discrepancy(
                Kind.gradient, name, "what is right cannot be told", f"derivative|{name}", Verdict.Inconclusive
            )
            return


def _discrepancy(
    name: str, wrong: frozenset[str], found: _Finding, full: Mapping[str, Any], operators: Sequence[str]
) -> Discrepancy:
    ways = ",".join(_families(wrong, full, name))
    kind = Kind.value if name == "value" else Kind.gradient
    signature = f"{kind}|{name}|{found.form}|{ways}|{_rules(full, operators)}"
    against = f" against {found.right}" if found.right else ""
    where = f"{name} {_first(wrong)}{against}, direction {found.direction}"
    return Discrepancy(kind, where, found.detail, signature)


def _first(ways: Iterable[str]) -> str:
    """The plainest of some ways."""
    plain = ("reverse", "forward", "reverse_reverse", "forward_reverse", "reverse_forward", "forward_forward", "direct")
    return next((way for way in plain if way in ways), min(ways))


PLAIN = {
    "first": {"reverse", "forward", "transposed"},
    "second": {"reverse_reverse", "forward_reverse", "reverse_forward", "forward_forward", "transposed_reverse"},
}
"""The ways that every case is differentiated in, of whichever library: others are asked by chance."""


def _families(wrong: frozenset[str], full: Mapping[str, Any], name: str) -> list[str]:
    """The wrong ways, short: "all ways" where no plain one is right, the plain one where its like are wrong with it."""
    asked = {way for each in full["quantities"] if each["name"] == name for way in _numbers(each["values"])}
    if wrong >= (asked & PLAIN.get(name, asked) or asked):
        return ["all ways"]
    # Which of those that differ only in who keeps the levels were asked is by chance.
    wrong = frozenset(
        way for way in wrong if way.removeprefix("func_") == way or way.removeprefix("func_") not in wrong
    )
    if len(wrong) > 2 and "reverse" in wrong and "forward" not in wrong:
        return ["reverse"]
    if len(wrong) > 2 and "forward" in wrong and "reverse" not in wrong:
        return ["forward"]
    return sorted(wrong)


def _along(quantity: Mapping[str, Any], full: Mapping[str, Any]) -> _Finding | bool | None:
    """What is wrong with a quantity along one direction; False for nothing, None where that cannot be told."""
    values = _numbers(quantity["values"])
    if not values:
        return False
    size = _size(quantity, values)
    # Where terms as large as the value cancel, what is left of them is rounding.
    rounding = AGREE * _unit(full) * max(size, _value_of(full))
    allowed = dict.fromkeys(values, rounding)
    for beside in quantity.get("beside", ()):
        for way, value in _numbers(beside).items():
            if way in values and math.isfinite(value) and math.isfinite(values[way]):
                allowed[way] = max(allowed[way], SPREAD * abs(value - values[way]))
    if "line" not in quantity and not all(math.isfinite(value) for value in values.values()):
        return False
    seen = slope(quantity["line"], size) if "line" in quantity and _is_wide(full) else None
    if seen is not None:
        if seen.kink or _is_wider(quantity.get("box"), size):
            if quantity.get("box") is None:
                # What subgradients of several elements add up to is not between the slopes of their sum.
                return False
            low, high = quantity["box"]
            seen = Slope(min(low, seen.low), max(high, seen.high), max(seen.error, OFF * size))
            # A step beside it may be to its other side, which is no rounding.
            allowed = dict.fromkeys(values, rounding)
        return _against(seen, quantity["direction"], values, allowed, size)
    narrowly = _narrowly_wrong(quantity, values, size, full) if not _is_wide(full) else frozenset()
    if narrowly:
        told = f"{_told(values, None)}; in float64: {quantity['wide']['value']:.9g}"
        right = _first(values.keys() - narrowly) if values.keys() - narrowly else ""
        return _Finding(narrowly, "narrow", told, quantity["direction"], right)
    finite = {way: value for way, value in values.items() if math.isfinite(value)}
    if len(finite) == len(values):
        middle = statistics.median(values.values())
        apart = {
            way for way, value in values.items() if abs(value - middle) > 4 * (allowed[way] + max(allowed.values()))
        }
        if not apart:
            # They agree, and there is nothing to hold them against.
            return False
        if "line" not in quantity and len(values) > 1:
            most = _most(values, allowed)
            wrong = frozenset(values.keys() - most)
            return _Finding(wrong, "value", _told(values, None), quantity["direction"], _first(most)) if wrong else None
    elif len({str(value) for value in values.values()}) == 1:
        return False
    return None


def _most(values: Mapping[str, float], allowed: Mapping[str, float]) -> frozenset[str]:
    """The largest group of ways that agree; of several as large, the one with the plainest way."""
    groups = {
        frozenset(other for other in values if abs(values[way] - values[other]) <= 4 * (allowed[way] + allowed[other]))
        for way in values
    }
    largest = [group for group in groups if len(group) == max(map(len, groups))]
    plainest = _first(frozenset().union(*largest))
    return next(group for group in largest if plainest in group)


def _value_of(full: Mapping[str, Any]) -> float:
    """How large the function itself is; 0 where that is not known."""
    values = [value for each in full["quantities"] if each["name"] == "value" for value in each["values"].values()]
    return max((abs(value) for value in values if isinstance(value, float | int)), default=0.0)


def _is_wider(box: Sequence[float] | None, size: float) -> bool:
    """Whether elements are at kinks that the function as a whole does not show."""
    return box is not None and box[1] - box[0] > CONCLUSIVE * size


def _against(
    seen: Slope, direction: int, values: Mapping[str, float], allowed: Mapping[str, float], size: float
) -> _Finding | bool | None:
    """The ways that the numerical slope says are wrong; None where it says too little."""
    finite = {way: value for way, value in values.items() if math.isfinite(value)}
    wrong = {way for way, value in finite.items() if seen.distance(value) > 9 * seen.error + allowed[way] + OFF * size}
    form = "value"
    lost = values.keys() - finite.keys()
    if lost and (not seen.kink or finite):
        # Of what is not finite at a kink nothing can be said, unless another way is.
        wrong |= lost
        form = "NaN"
    if not wrong:
        return False
    rest = values.keys() - wrong
    if not rest and min(map(abs, finite.values()), default=0.0) > STEEP * max(abs(seen.low), abs(seen.high)):
        # They agree on what is far steeper than what the steps show: a pole nearer than the smallest of them.
        return None
    right = _first(rest) if rest and not seen.kink else ""
    return _Finding(frozenset(wrong), form, _told(values, seen), direction, right)


def _told(values: Mapping[str, float], seen: Slope | None) -> str:
    """The numbers, ways that give the same together."""
    groups: dict[str, list[str]] = {}
    for way, value in values.items():
        groups.setdefault(f"{value:.9g}", []).append(way)
    told = [f"{', '.join(ways)}: {text}" for text, ways in groups.items()]
    if seen is not None:
        numerical = f"{seen.low:.9g}" if not seen.kink else f"between {seen.low:.9g} and {seen.high:.9g}"
        told.append(f"numerical: {numerical} (error {seen.error:.1g})")
    return "; ".join(told)


def quantities_of(found: Mapping[str, Any]) -> Sequence[str]:
    """The names of distinct compositions that gave a number: what a check is counted by."""
    return [
        f"{each['name']} {way}"
        for each in found.get("quantities", ())
        if each["direction"] == 0
        for way in _numbers(each["values"])
    ]
