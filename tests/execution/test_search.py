"""The search for inputs: what it finds is finite in a plain run, and what cannot be found is not claimed."""

from __future__ import annotations

from typing import Any

import pytest

from assay.emit.torch import render
from assay.execution import Worker
from assay.generate.graph import make_program
from assay.generate.settings import Settings
from assay.ir.program import FOUND, operations
from assay.ops.catalogue import load
from assay.ops.domains import search_rules

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch

TEXT = """
import torch
CALLS = 2
TRAINING = {training}
def program(x0, x1):
    {body}
def inputs(call):
    x0 = {first}
    return x0, fill((3, 4), torch.float32, -2.0, 0.5, 8, 3, call)
"""


REAL = "fill((3, 4), torch.float32, -4.0, 1.0, 9, 2, call)"
IMAGINARY = "fill((3, 4), torch.float32, -4.0, 1.0, 9, 2, call + 2)"


def searched(body: str, *, training: bool = False, seed: str = "0", first: str = REAL) -> dict[str, Any]:
    """What the search says of a program of two matrices."""
    from assay.execution.worker.torch_search import search

    twice = ["x0"] if "complex" in first else []
    request = {
        "inputs": {"state": [], "calls": [[*twice, "x0", "x1"]] * 2, "complex": twice},
        "calls": 2,
        "training": training,
        "rules": search_rules(),
        "seed": seed,
    }
    return search(TEXT.format(body="\n    ".join(body.split("; ")), training=training, first=first), request)


def is_finite(body: str, found: dict[str, list[float]]) -> bool:
    """Whether a plain run with what was found gives nothing that is not finite."""
    kept: list[Any] = []

    class Recorded(torch.overrides.TorchFunctionMode):  # type: ignore[misc]
        def __torch_function__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            result = function(*args, **(kwargs or {}))
            kept.append(result)
            return result

    for call in range(2):
        given = [
            low + step * ((torch.arange(12) * multiplier + call) % count).double()
            for low, step, count, multiplier in found.values()
        ]
        names = {"torch": torch, **dict(zip(("x0", "x1"), (g.float().reshape(3, 4) for g in given), strict=True))}
        with Recorded():
            exec(body.replace("return ", "out = "), names)
    return all(bool(torch.isfinite(each).all()) for each in kept if each.is_floating_point())


@pytest.mark.parametrize(
    "body",
    [
        "return torch.log(x0)",
        "return torch.acos(x0), torch.atanh(x1)",
        "return torch.rsqrt(torch.sub(x0, x1))",
        "return torch.pow(x0, x1)",
        "return torch.exp(torch.exp(x0))",
        "return torch.div(x1, torch.relu(x0))",
        "return torch.log(torch.nn.functional.hardtanh(x0))",
        "return torch.log(torch.floor(x0))",
        "return torch.rsqrt(torch.gt(x0, x1).float())",
        "return torch.log(x0.int().float())",
        "return torch.log(torch.logical_and(x0 > 1, x1 > 1).double())",
        "x0.sub_(20); return torch.sqrt(x0)",
        "torch.abs(x0, out=x0); torch.sub(x0, x1, out=x0); return torch.log(x0)",
        "return torch.logit(torch.matmul(x0, x1.mT))",
        "return torch.special.ndtri(x0), torch.special.zeta(x1, x0)",
        "return torch.polygamma(2, x0), torch.mvlgamma(x1, 3)",
        "return torch.sqrt(torch.special.bessel_y1(x0))",
        "return torch.log(torch.special.gammainc(x0, x1))",
        "return torch.rsqrt(torch.fft.fft(x0).real.sum())",
        "return torch.log(torch.complex(x0, x1).conj().imag)",
    ],
)
def test_inputs_are_found_for_restricted_domains_and_overflow_through_flat_and_integer_parts(body: str) -> None:
    told = searched(body)
    assert told["inputs"] is not None, told
    assert is_finite(body, told["inputs"])


@pytest.mark.parametrize(
    "body",
    [
        "return torch.log(torch.sub(x0, x0))",
        "return torch.rsqrt(torch.neg(torch.exp(x0)))",
        "return torch.acos(torch.add(torch.abs(x0), 2))",
    ],
)
def test_nothing_is_claimed_where_no_inputs_exist(body: str) -> None:
    assert searched(body)["inputs"] is None


def test_a_constant_gets_more_values_where_it_has_to_vary() -> None:
    body = "return torch.rsqrt(x0.std(0))"
    told = searched(body, first="fill((3, 4), torch.float32, 2.0, 1.0, 1, 1, call)")
    assert told["inputs"]["x0"][2] > 1
    assert is_finite(body, told["inputs"])


def test_both_parts_of_complex_inputs_are_searched() -> None:
    first = f"torch.complex({REAL}, {IMAGINARY})"
    told = searched("return torch.logit(x0.real), torch.logit(x0.imag)", first=first)
    low, step, count, _ = told["inputs"]["x0"]
    assert 0 < low < low + step * (count - 1) < 1
    assert searched("return torch.log(x0.conj().imag - x0.mH.imag.mT)", first=first)["inputs"] is None


def test_the_derivative_has_its_domain_too() -> None:
    told = searched("return torch.sqrt(torch.relu(x0))", training=True)
    low, step, *_ = told["inputs"]["x0"]
    assert min(low, low + 8 * step) > 0, "the derivative of a root is infinite at zero"


def test_decisions_on_rounded_values_are_led_away_from_their_jumps() -> None:
    before, after = searched("return torch.floor(torch.mul(x0, 0.5))")["fragile"]
    assert before > 0
    assert after < before


def test_the_search_follows_from_its_seed() -> None:
    body = "return torch.acos(torch.log(x0)), torch.logit(torch.sub(x0, x1))"
    assert searched(body, seed="a") == searched(body, seed="a")


def test_a_worker_writes_what_it_found_into_the_program(worker: Worker) -> None:
    settings = Settings(1, tuple(load()), 6, ("eager",))
    programs = [make_program(settings, index, {"values": FOUND})[0] for index in range(8)]
    found = [(program, worker.find_inputs(program, "0")) for program in programs]
    again = [(program, each.program) for program, each in found if each.program is not None]
    assert len(again) > len(programs) // 2
    for program, other in again:
        assert [o.operator for o in operations(program)] == [o.operator for o in operations(other)]
        assert render(program).count("\n") == render(other).count("\n")
