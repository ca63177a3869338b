"""What the judge must accept (a correct but different system) and reject (the same with one fault), by the hundred.

The program is (tanh(sum(x * w) / 8) + c) - c - x0 on rows of up to 256 elements, where a large c cancels badly, or
round(2 * sum(x * w)) / 2 - x0 in exact numbers on rows of up to 48. Systems are in numpy, so that this runs anywhere.
The shadow run of that program is in numpy as well. No report at all is allowed against a correct system; of the
faults 95 % must be reported in float32, and 80 % in bfloat16.
"""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from assay.oracles.judge import judge
from assay.oracles.verdict import Verdict

from .build import absent, case, encode, outcome, shadow_run, shadowed, tensor

CASES = 60
ROWS = 16
Rounding = Callable[[np.ndarray], np.ndarray]


def rounded(values: np.ndarray, dtype: str) -> np.ndarray:
    """``values`` after one rounding to ``dtype``, in float64."""
    if dtype == "bfloat16":
        bits = np.frombuffer(encode(values, "bfloat16"), "<u2").astype("<u4") << 16
        return bits.view("<f4").reshape(values.shape).astype(float)
    return values.astype(dtype).astype(float)


def total(terms: np.ndarray, dtype: str, chunk: int = 1, seed: int | None = None) -> np.ndarray:
    """The sum over rows as a loop would take it, in float32 for the 16-bit types; in chunks, or in another order."""
    accumulator = np.float64 if dtype == "float64" else np.float32
    if seed is not None:
        terms = terms[:, np.random.default_rng(seed).permutation(terms.shape[1])]
    parts = [
        np.add.accumulate(terms[:, at::chunk].astype(accumulator), axis=1)[:, -1]
        for at in range(min(chunk, terms.shape[1]))
    ]
    return functools.reduce(lambda a, b: (a + b).astype(accumulator), parts).astype(float)


def system(x, w, c, dtype, exact, *, fault="", contract=False, fuse=False, **order):
    """The program as one system computes it: where it rounds, in which order it adds, and what it does wrong."""
    each: Rounding = (lambda v: v) if fuse else functools.partial(rounded, dtype=dtype)
    if fault == "off by one":
        x = np.roll(x, 1, axis=0)
    product = x * (-w if fault == "sign" else w)
    product = product if contract else each(product)
    if fault == "dropped element":
        product = product[:, :-1]
    scaled = each(total(product, dtype, **order) / (1 if exact else 8))
    if exact:
        halves = np.floor(scaled * 2 + 0.5) if fault == "wrong halves" else np.round(scaled * 2)
        scaled = halves / 2
    else:
        scaled = each(each(each(np.tanh(scaled)) + c) - c)
    operands = (x[:, 0], scaled) if fault == "swapped operands" else (scaled, x[:, 0])
    return rounded(operands[0] - operands[1], dtype)


UNIT = {"float32": 2.0**-24, "float16": 2.0**-11, "bfloat16": 2.0**-8, "float64": 2.0**-53}


def shadow(x, w, c, dtype) -> tuple[np.ndarray, np.ndarray]:
    """The value of the rounded program in float64 and its bound, operation by operation, by the rules of a shadow run:
    the local error of each, and what it makes of the bounds of its operands."""
    u = UNIT[dtype]
    accumulating = 2.0**-53 if dtype == "float64" else 2.0**-24
    product = x * w
    bound = u * np.abs(product)
    value = product.sum(1)
    terms = (4 + 2 * np.sqrt(x.shape[1])) * accumulating * np.abs(product).sum(1)
    bound = (terms + u * np.abs(value) + bound.sum(1)) / 8
    value = value / 8
    before, value = value, np.tanh(value)
    moved = np.maximum(*(np.abs(np.tanh(before + sign * bound) - value) for sign in (1, -1)))
    bound = moved + 8 * accumulating * np.abs(value) + u * np.abs(value)
    for operand in (c, -c, -x[:, 0]):
        value = value + operand
        bound = bound + u * np.abs(value)
    return value, bound


CORRECT = {
    "reordered": {"seed": 1},
    "chunked": {"chunk": 8},
    "contracted": {"contract": True},
    "fused": {"contract": True, "fuse": True},
    "all of it": {"contract": True, "fuse": True, "chunk": 4, "seed": 2},
}
FAULTS = ["off by one", "sign", "dropped element", "swapped operands"]


def judged(
    seed: int, dtype: str, exact: bool, different: dict, fault: str = "", cancel: bool = False, longest: int = 256
) -> str:
    """The verdict on one case, with all the evidence that it wants, which is then said with it."""
    random = np.random.default_rng(seed)
    size = int(random.integers(2, longest + 1))
    # halves up to 1: the sum of 48 products is at most 192 quarters, which is exact even in the 8 bits of bfloat16
    drawn = random.integers(-2, 3, (2, ROWS, min(size, 48))) / 2 if exact else random.normal(size=(2, ROWS, size))
    x, w = rounded(drawn, dtype)
    c = 4.0 ** random.integers(1, 6) if cancel else 0.0

    def run(dtype: str):
        sides = system(x, w, c, dtype, exact), system(x, w, c, dtype, exact, fault=fault, **different)
        return outcome(*(tensor(side, dtype) for side in sides))

    def witness(name: str):
        match name:
            case "shadow" | "float64_shadow":
                assert not exact, "exact outputs need none"
                kind = dtype if name == "shadow" else "float64"
                value, bound = shadow(x, w, c, kind)
                return shadow_run(shadowed(tensor(system(x, w, c, kind, exact), kind), bound, value))
            case "float64":
                return run("float64")
        return absent()

    about, evidence = replace(case(exact), text=dtype), {}
    own = run(dtype)
    judgement = judge(about, own, evidence)
    while judgement.wanted:
        evidence |= {name: witness(name) for name in judgement.wanted}
        judgement = judge(about, own, evidence)
    return " by ".join([str(judgement.verdict), *list(evidence)[-1:]])


def share_of(verdict: Verdict, counts: Counter[str]) -> float:
    return sum(count for name, count in counts.items() if name.startswith(verdict)) / counts.total()


@pytest.mark.parametrize("cancel", [False, True])
@pytest.mark.parametrize("exact", [True, False])
@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16", "float64"])
def test_a_correct_but_different_system_is_never_reported(dtype, exact, cancel):
    counts = Counter(
        judged(seed, dtype, exact, different, cancel=cancel) for seed in range(CASES) for different in CORRECT.values()
    )
    print(f"accept {dtype} exact={exact} cancel={cancel}: {dict(counts)}")
    assert share_of(Verdict.Mismatch, counts) == 0
    assert share_of(Verdict.Inconclusive, counts) <= 0.05


@pytest.mark.parametrize("exact", [True, False])
@pytest.mark.parametrize(
    ("dtype", "share"), [("float32", 0.95), ("float16", 0.9), ("bfloat16", 0.8), ("float64", 0.95)]
)
def test_a_system_with_one_fault_is_reported(dtype, share, exact):
    # The bound of a sum of rounded terms holds for errors that are all alike, so that it grows with their number: of
    # 256 products in bfloat16, each rounded by up to its 256th part, four bounds hide most single ones.
    longest = 128 if dtype == "bfloat16" and not exact else 256
    for fault in [*FAULTS, *(["wrong halves"] if exact else [])]:
        counts = Counter(
            judged(seed, dtype, exact, CORRECT["all of it"], fault, longest=longest) for seed in range(CASES)
        )
        print(f"reject {dtype} exact={exact}, {fault}: {dict(counts)}")
        assert share_of(Verdict.Mismatch, counts) >= share
