"""Calls changed: their tensors in rank, sizes, dtype, layout, aliasing and elements, their attributes at and beside
boundaries and at extremes. Many a change is refused by the library; what it takes is differentiated.

The points at which derivatives go wrong are made on purpose: zeros, ones, ties, equal rows, thresholds, singular
matrices of several ranks, repeated eigenvalues, empty and single-element dimensions.
"""

from __future__ import annotations

import copy
import math
import random
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from assay.apis.seeds import Call

MOST_ELEMENTS = 1024
FLOATS = ("float64", "float32", "float16", "bfloat16")
COMPLEXES = ("complex128", "complex64")
INTEGERS = (-1, 0, 1, 2, 3, 2**31 - 1, 2**31, -(2**31), 2**63 - 1, -(2**63))
REALS = (0.0, 1.0, -1.0, 0.5, 2.0, 1e-300, 1e300)
BESIDE = (2.0**-52, 2.0**-26, 1e-4)
"""How far beside a boundary, relative to its size: the last place, the square root of that, and what a numerical
derivative steps over."""

WORDS = (
    ("none", "mean", "sum", "batchmean"),
    ("constant", "reflect", "replicate", "circular"),
    ("nearest", "nearest-exact", "linear", "bilinear", "bicubic", "trilinear", "area"),
    ("zeros", "border", "reflection"),
    ("fro", "nuc"),
    ("reduced", "complete", "r"),
    ("sum", "prod", "mean", "amax", "amin"),
    ("linear", "lower", "higher", "midpoint", "nearest"),
    ("none", "tanh"),
    ("floor", "trunc"),
    ("same", "valid"),
)
"""The words that go with one another where one of them is an attribute."""

Mutation = Callable[[Call, random.Random], bool]


def mutated(call: Call, rng: random.Random) -> Call:
    """A copy of a call with one to three changes, those that came about listed under ``mutations``."""
    made = copy.deepcopy(call)
    done: list[str] = []
    for _ in range(rng.choice((1, 1, 1, 2, 2, 3))):
        for _ in range(4):
            change = rng.choices(MUTATIONS, WEIGHTS)[0]
            if change is layout and call["library"] != "torch":
                # Arrays of other libraries have none that a program can choose.
                continue
            if change(made, rng):
                done.append(change.__name__)
                break
    made["mutations"] = sorted(set(done))
    return made


# --- tensors


def _floats(call: Call) -> list[dict[str, Any]]:
    return [each for each in call["tensors"] if each["dtype"] in FLOATS or each["dtype"] in COMPLEXES]


def _given(call: Call) -> list[dict[str, Any]]:
    """The tensors that are no state of a module."""
    state = set(call.get("state", {}).values())
    return [each for number, each in enumerate(call["tensors"]) if number not in state]


def sizes(call: Call, rng: random.Random) -> bool:
    """Another size in place of one, in all tensors that have it: what belongs together mostly stays together."""
    found = sorted({size for each in call["tensors"] for size in each["shape"]})
    if not found:
        return False
    old = rng.choice(found)
    new = rng.choice([size for size in (0, 1, 1, 2, 3, 4, 5, 7, old + 1) if size != old])
    alone = rng.random() < 0.2
    chosen = [rng.choice(call["tensors"])] if alone else call["tensors"]
    changed = False
    for each in chosen:
        shape = [new if size == old else size for size in each["shape"]]
        if shape != each["shape"] and math.prod(shape) <= MOST_ELEMENTS:
            reshaped(each, shape)
            changed = True
    return changed


def rank(call: Call, rng: random.Random) -> bool:
    """A batch dimension more, in all tensors or in one; or one dimension less."""
    tensors = _given(call)
    if not tensors:
        return False
    if rng.random() < 0.3:
        each = rng.choice(tensors)
        if not each["shape"]:
            return False
        reshaped(each, each["shape"][1:])
        return True
    size = rng.choice((1, 2, 2, 3))
    for each in tensors if rng.random() < 0.6 else [rng.choice(tensors)]:
        if math.prod(each["shape"]) * size <= MOST_ELEMENTS:
            reshaped(each, [size, *each["shape"]])
    return True


def broadcast(call: Call, rng: random.Random) -> bool:
    """Batch dimensions of two tensors that broadcast against each other: n by 1 and 1 by m."""
    tensors = [each for each in _given(call) if each in _floats(call)]
    if len(tensors) < 2:
        return False
    one, other = rng.sample(tensors, 2)
    n, m = rng.choice((2, 3)), rng.choice((1, 2))
    if max(math.prod(one["shape"]) * n, math.prod(other["shape"]) * m) > MOST_ELEMENTS:
        return False
    reshaped(one, [n, 1, *one["shape"]])
    reshaped(other, [1, m, *other["shape"]])
    return True


def dtype(call: Call, rng: random.Random) -> bool:
    """Another floating dtype, of all of them or of one."""
    tensors = _floats(call)
    if not tensors:
        return False
    new = rng.choices((*FLOATS, *COMPLEXES), (1, 2, 2, 2, 4, 1))[0]
    changed = False
    for each in tensors if rng.random() < 0.85 else [rng.choice(tensors)]:
        if each["dtype"] != new:
            if each["dtype"] in COMPLEXES and new not in COMPLEXES:
                _real(each)
            elif new in COMPLEXES and each["dtype"] not in COMPLEXES:
                _complex(each, rng)
            each["dtype"] = new
            changed = True
    return changed


def layout(call: Call, rng: random.Random) -> bool:
    """A tensor that is transposed, strided, expanded, or a window of what overlaps itself in memory."""
    tensors = [each for each in _floats(call) if each["shape"]]
    if not tensors:
        return False
    each = rng.choice(tensors)
    kinds = ["strided", "expanded"]
    kinds += ["transposed", "overlapping"] if len(each["shape"]) > 1 else []
    kinds += ["channels_last"] if len(each["shape"]) == 4 else []
    kind = rng.choice(kinds)
    if kind in ("expanded", "overlapping"):
        dims = [-2, -1] if kind == "overlapping" else [rng.randrange(len(each["shape"]))]
        if min(each["shape"][dim] for dim in dims) < 2:
            return False
        reshaped(each, each["shape"])
        each["low"], each["high"] = _range(each)
        each.pop("values", None)
        each["layout"] = {kind: dims}
    else:
        each["layout"] = {kind: True}
    return True


def alias(call: Call, rng: random.Random) -> bool:
    """One tensor in two places."""
    places = [(holder, key) for holder, key in _places(call) if _is(holder[key], "tensor")]
    pairs = [
        (a, b)
        for a in places
        for b in places
        if a[0][a[1]]["tensor"] != b[0][b[1]]["tensor"]
        and _alike(call["tensors"][a[0][a[1]]["tensor"]], call["tensors"][b[0][b[1]]["tensor"]])
    ]
    if not pairs or call["kind"] == "module":
        return False
    (holder, key), (other, name) = rng.choice(pairs)
    dropped = other[name]["tensor"]
    other[name] = {"tensor": holder[key]["tensor"]}
    _drop_tensor(call, dropped)
    return True


def _alike(one: dict[str, Any], other: dict[str, Any]) -> bool:
    return bool(one["shape"] == other["shape"] and one["dtype"] == other["dtype"])


def _drop_tensor(call: Call, number: int) -> None:
    """Remove a tensor that nothing refers to any more."""
    if any(holder[key] == {"tensor": number} for holder, key in _places(call)):
        return
    del call["tensors"][number]
    for holder, key in _places(call):
        if _is(holder[key], "tensor") and holder[key]["tensor"] > number:
            holder[key] = {"tensor": holder[key]["tensor"] - 1}


def points(call: Call, rng: random.Random) -> bool:
    """Elements at which derivatives go wrong."""
    tensors = [each for each in _floats(call) if each["dtype"] in FLOATS]
    tensors = [each for each in tensors if 0 < math.prod(each["shape"]) <= 64]
    if not tensors:
        return False
    each = rng.choice(tensors)
    count, shape = math.prod(each["shape"]), each["shape"]
    low, high = _range(each)
    values = _values(each, rng)
    square = len(shape) >= 2 and shape[-1] == shape[-2] > 1
    kind = rng.choice(["zeros", "ones", "signs", "ties", "one zero", "two zeros", "rows", "small", "large", "beside"])
    if square and rng.random() < 0.6:
        kind = rng.choice(["singular", "rank two less", "identity", "repeated", "zeros", "nearly singular"])
    match kind:
        case "zeros":
            values = [0.0] * count
        case "ones":
            values = [1.0 if low >= 0 else rng.choice((1.0, -1.0))] * count
        case "signs":
            values = [float(rng.choice((-1, 0, 1)) if low < 0 else rng.choice((0, 1))) for _ in values]
        case "ties":
            few = [values[k] for k in range(min(2, count))]
            values = [rng.choice(few) for _ in values]
        case "one zero" | "two zeros":
            for place in rng.sample(range(count), min(count, 1 + (kind == "two zeros"))):
                values[place] = 0.0
        case "rows":
            width = shape[-1] if shape else 1
            values = [values[k % width] for k in range(count)]
        case "small":
            values = [value * 2.0**-30 for value in values]
        case "large":
            values = [value * 2.0**10 for value in values]
        case "beside":
            edge = rng.choice((0.0, 1.0, high)) or 0.0
            values = [edge + rng.choice((-1, 1)) * rng.choice(BESIDE) if rng.random() < 0.5 else edge for _ in values]
            if low >= 0:
                values = [abs(value) for value in values]
        case _:
            values = [value for matrix in _matrices(shape, kind, rng) for value in matrix]
    each["values"] = values
    each.pop("low", None), each.pop("high", None)
    return True


def _matrices(shape: Sequence[int], kind: str, rng: random.Random) -> Iterator[list[float]]:
    """Square matrices of some kind, their elements small dyadic numbers."""
    n = shape[-1]
    for _ in range(math.prod(shape[:-2])):
        rows = [[rng.randint(-4, 4) / 2 for _ in range(n)] for _ in range(n)]
        match kind:
            case "identity":
                rows = [[float(i == j) for j in range(n)] for i in range(n)]
            case "repeated":
                # Symmetric, with an eigenvalue of multiplicity n - 1: a multiple of 1 and a matrix of rank one.
                v = [rng.choice((-1.0, 1.0)) for _ in range(n)]
                rows = [[2.0 * (i == j) + v[i] * v[j] for j in range(n)] for i in range(n)]
            case "zeros":
                rows = [[0.0] * n for _ in range(n)]
            case "singular" | "nearly singular":
                rows[-1] = [sum(rows[i][j] for i in range(n - 1)) for j in range(n)]
                if kind == "nearly singular":
                    rows[-1][-1] += rng.choice(BESIDE)
            case _:
                rows[-1] = [2 * value for value in rows[0]]
                rows[n - 2] = [-value for value in rows[0]] if n > 2 else [0.0] * n
        yield [value for row in rows for value in row]


def reshaped(each: dict[str, Any], shape: list[int]) -> None:
    """Give a tensor another shape, its elements repeated or cut."""
    if each["dtype"] in FLOATS or each["dtype"] in COMPLEXES or "values" not in each:
        each["low"], each["high"] = _range(each)
    if "values" in each:
        values, count = each["values"], math.prod(shape)
        if not values or (count > 64 and each["dtype"] in FLOATS):
            each["low"], each["high"] = _range(each)
            del each["values"]
        else:
            each["values"] = [values[k % len(values)] for k in range(count)]
            if each["dtype"] in FLOATS and count > len(values):
                # The same numbers again would make equal rows where none were meant.
                each["values"] = [value * (1 + k // len(values) / 8) for k, value in enumerate(each["values"])]
            each.pop("low", None), each.pop("high", None)
    each["shape"] = list(shape)
    each.pop("layout", None)


def _values(each: dict[str, Any], rng: random.Random) -> list[float]:
    count = math.prod(each["shape"])
    values = each.get("values")
    if values is not None and len(values) == count and not any(isinstance(value, str | list) for value in values):
        return [float(value) for value in values]
    low, high = _range(each)
    return [round(rng.uniform(low, high), 3) for _ in range(count)]


def _range(each: dict[str, Any]) -> tuple[float, float]:
    if "low" in each:
        return each["low"], each["high"]
    parts = [part for value in each.get("values") or [] for part in (value if isinstance(value, list) else [value])]
    finite = [float(part) for part in parts if not isinstance(part, str)] or [-1.0, 1.0]
    return min(finite), max(finite)


def _real(each: dict[str, Any]) -> None:
    if "values" in each:
        each["values"] = [value[0] if isinstance(value, list) else value for value in each["values"]]


def _complex(each: dict[str, Any], rng: random.Random) -> None:
    if "values" in each:
        each["values"] = [
            value if isinstance(value, list | str) else [value, round(rng.uniform(-1, 1), 3)]
            for value in each["values"]
        ]


# --- attributes


def attribute(call: Call, rng: random.Random) -> bool:
    """A number, a truth value or a word in place of another."""
    places = [(holder, key) for holder, key in _places(call) if _is_attribute(holder[key])]
    if not places:
        return False
    holder, key = rng.choice(places)
    value = holder[key]
    if isinstance(value, bool):
        holder[key] = not value
    elif isinstance(value, int):
        near = (value - 1, value + 1, value + 2, -value)
        # A module makes its parameters as large as it is told.
        extreme = rng.random() < 0.4 and not any(holder is each for each in call.get("init", {}).values())
        holder[key] = rng.choice(INTEGERS) if extreme else rng.choice(near)
    elif isinstance(value, float):
        beside = [value + sign * far * max(abs(value), 1.0) for far in BESIDE for sign in (-1, 1)]
        holder[key] = rng.choice((*REALS, -value, *beside))
    elif isinstance(value, str):
        words = sorted({word for group in WORDS if value in group for word in group} - {value})
        if not words:
            return False
        holder[key] = rng.choice(words)
    else:
        return False
    return bool(holder[key] != value)


def left_out(call: Call, rng: random.Random) -> bool:
    """A keyword left out, or None in place of an argument."""
    if call["kwargs"] and rng.random() < 0.6:
        name = rng.choice(sorted(call["kwargs"]))
        value = call["kwargs"].pop(name)
    elif len(call["args"]) > 1:
        place = rng.randrange(1, len(call["args"]))
        value = call["args"][place]
        call["args"][place] = None
    else:
        return False
    for number in sorted(_tensors_in(value), reverse=True):
        _drop_tensor(call, number)
    return True


def as_keyword_scalar(call: Call, rng: random.Random) -> bool:
    """A tensor of no dimensions in place of a number."""
    places = [(holder, key) for holder, key in _places(call) if isinstance(holder[key], float)]
    if not places:
        return False
    holder, key = rng.choice(places)
    call["tensors"].append({"dtype": "float64", "shape": [], "values": [holder[key]]})
    holder[key] = {"tensor": len(call["tensors"]) - 1}
    return True


def _places(call: Call) -> Iterator[tuple[Any, Any]]:
    """Where values stand: the container and the key, depth first."""
    holders: list[Any] = [call["args"], call["kwargs"]]
    if call["kind"] == "module":
        holders += [call["init"]["args"], call["init"]["kwargs"]]
    while holders:
        holder = holders.pop()
        keys = list(holder) if isinstance(holder, dict) else range(len(holder))
        for key in keys:
            yield holder, key
            value = holder[key]
            if isinstance(value, list):
                holders.append(value)
            elif _is(value, "tuple"):
                holders.append(value["tuple"])


def _tensors_in(value: Any) -> set[int]:
    if _is(value, "tensor"):
        return {value["tensor"]}
    inner = value if isinstance(value, list) else value.get("tuple", []) if isinstance(value, dict) else []
    return {number for each in inner for number in _tensors_in(each)}


def _is(value: Any, kind: str) -> bool:
    return isinstance(value, dict) and kind in value


def _is_attribute(value: Any) -> bool:
    return isinstance(value, bool | int | float | str)


MUTATIONS: tuple[Mutation, ...] = (
    sizes, rank, broadcast, dtype, layout, alias, points, attribute, left_out, as_keyword_scalar
)  # fmt: skip
WEIGHTS = (18, 10, 5, 8, 10, 5, 24, 16, 4, 2)
