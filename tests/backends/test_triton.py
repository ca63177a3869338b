"""Triton: what it runs agrees with eager torch however tiles are cut, wrong kernels are told, scripts do what the
worker does. Skipped where Triton is not installed."""

from __future__ import annotations

import random
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import pytest
from tests.triage.build import Builder

from assay.backends import find_backend, triton
from assay.campaign import assemble
from assay.campaign.bench import Bench
from assay.campaign.examine import settle
from assay.emit.cases import build_case
from assay.execution.client import BackendNotInstalled
from assay.generate.graph import make_case
from assay.generate.settings import Settings
from assay.ir.case import Case
from assay.ir.program import Program
from assay.ops.catalogue import load
from assay.oracles.verdict import Expected, Judgement, Kind, Verdict
from assay.triage.scripts import render_script

SETTINGS = Settings(seed=3, operators=tuple(load()), nodes=8, targets=("triton",))
ON_INTERPRETER = {"on": "interpreter", "block": 16, "rows": 2}
ON_GPU = {"on": "cuda:80", "block": 16, "rows": 2, "warps": 4, "stages": 2, "aligned": True}
PLAN = {"seed": 1, "fuse": 1.0, "native": False}


@pytest.fixture(scope="module")
def bench() -> Iterator[Bench]:
    if find_spec("triton") is None or find_spec("torch") is None:
        pytest.skip("triton is not installed")
    made = assemble.start_bench(["triton"])
    try:
        yield made
    finally:
        made.close()


def program() -> Program:
    builder = Builder(False)
    x = builder.input("x")
    builder.op("a", "unary.relu", x)
    builder.op("b", "binary.mul", "a", x)
    return builder.made(builder.op("c", "reduce.sum", "b", dim=(1,), keepdim=False), "b", "a")


def case_on(options: dict[str, object], **plan: object) -> Case:
    recipe = {"triton": {**PLAN, **plan}}
    return build_case(program(), source="graph", target="triton", options=options, recipe=recipe)


def verdict_on(bench: Bench, case: Case) -> Judgement:
    return settle(case, bench.run, assemble.judge, assemble.witnesses).judgement


@pytest.mark.slow
@pytest.mark.torch
def test_kernels_that_are_cut_and_ordered_otherwise_are_accepted(bench: Bench) -> None:
    for options in ({**ON_INTERPRETER, "block": block, "rows": rows} for block, rows in ((16, 1), (128, 4))):
        for seed in range(4):
            for fuse in (0.0, 1.0):
                judged = verdict_on(bench, case_on(options, seed=seed, fuse=fuse))
                assert judged.verdict is Verdict.Pass, judged


@pytest.mark.slow
@pytest.mark.torch
@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("tl.maximum(", "tl.minimum("),
        ("a * x", "a + x"),
        ("tl.sum(", "tl.max("),
        ("tl.store(b_ptr + ", "tl.store(b_ptr + 0 * "),
    ],
)
def test_a_wrong_kernel_is_rejected(bench: Bench, right: str, wrong: str) -> None:
    case = case_on(ON_INTERPRETER, seed=2)
    assert right in case.text
    judged = verdict_on(bench, replace(case, text=case.text.replace(right, wrong), _id=""))
    assert (judged.verdict, judged.kind) == (Verdict.Mismatch, Kind.value)


@pytest.mark.slow
@pytest.mark.torch
def test_a_kernel_that_does_not_compile_is_an_exception_with_its_cause(bench: Bench) -> None:
    case = case_on(ON_GPU)
    assert verdict_on(bench, case).verdict is Verdict.Pass
    broken = replace(case, text=case.text.replace("tl.maximum(x, ", "tl.maximum(x.nothing, "), _id="")
    judged = verdict_on(bench, broken)
    assert (judged.verdict, judged.kind) == (Verdict.Exception, Kind.exception)
    assert judged.signature.rpartition("|")[2].startswith("AttributeError"), judged.signature
    assert "def kernel" not in judged.signature


@pytest.mark.slow
@pytest.mark.torch
@pytest.mark.parametrize("gpu", triton.GPUS)
def test_kernels_are_compiled_for_gpus_of_two_vendors(bench: Bench, gpu: str) -> None:
    examination = settle(case_on({**ON_GPU, "on": gpu}), bench.run, assemble.judge, assemble.witnesses)
    assert examination.judgement.verdict is Verdict.Pass, examination.judgement
    assert examination.engaged


@pytest.mark.slow
@pytest.mark.torch
def test_what_was_compiled_is_run_where_there_is_a_gpu(bench: Bench) -> None:
    import torch

    outcome = bench.run(case_on(ON_GPU))
    assert outcome.engagement["ran"] == torch.cuda.is_available()
    if not torch.cuda.is_available():
        pytest.skip("there is no GPU here: kernels are compiled, and what they compute is not seen")
    assert verdict_on(bench, case_on(ON_GPU)).verdict is Verdict.Pass


@pytest.mark.slow
@pytest.mark.torch
def test_a_script_does_what_the_worker_does(bench: Bench, tmp_path: Path) -> None:
    expected = Expected("float32", (3, 4), b"")
    judged = Judgement(Verdict.Mismatch, Kind.value, "call 0, output 1", "x", "value|float32|output", expected=expected)
    for options in (ON_INTERPRETER, ON_GPU):
        script = tmp_path / "script.py"
        script.write_text(render_script(case_on(options, seed=2), program(), judged, "here"))
        done = subprocess.run([sys.executable, script], capture_output=True, text=True, check=False)
        assert (done.returncode, done.stdout.splitlines()[-1:]) == (0, ["OK"]), done.stdout + done.stderr
    text = render_script(case_on(ON_INTERPRETER, seed=2), program(), judged, "here")
    script.write_text(text.replace("tl.maximum(", "tl.minimum("))
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stdout + done.stderr


def test_cases_are_kernels_over_the_operators_that_have_a_form() -> None:
    cases = [make_case(SETTINGS, index) for index in range(80)]
    assert all("@triton.jit" in case.text and "def launched(" in case.text for case in cases)
    assert len({name for case in cases for name in case.operators}) > 60
    text = "\n".join(case.text for case in cases)
    for part in ("tl.dot(", "ROWS: tl.constexpr", "BLOCK: tl.constexpr", "while ", "if if_", "tl.sum("):
        assert part in text, part
    kinds = {case.options["on"] for case in cases}
    assert kinds == {"interpreter", *triton.GPUS}


def test_bfloat16_is_left_as_it_is_only_where_it_is_compiled() -> None:
    for seed in range(20):
        options = find_backend("triton").options(random.Random(seed), False)
        plan = find_backend("triton").plan(random.Random(seed), options)
        assert plan["native"] == (options["on"] != "interpreter")


def test_a_gap_is_what_triton_says_that_it_does_not_support() -> None:
    assert isinstance(triton._declared(ValueError("fp8e4nv is not supported on this architecture")), triton.TritonGap)
    assert not isinstance(triton._declared(ValueError("PassManager::run failed")), triton.TritonGap)


@pytest.mark.torch
@pytest.mark.skipif(find_spec("triton") is not None, reason="triton is installed")
def test_where_triton_is_missing_one_line_says_so() -> None:
    with pytest.raises(BackendNotInstalled, match=r"'triton' is not available.*install triton there") as caught:
        assemble.start_worker(["triton"])
    assert "\n" not in str(caught.value)
