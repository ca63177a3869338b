"""Scripts of findings: what they compare for each kind, and that they are Python that stands alone."""

from __future__ import annotations

import ast
import logging
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from assay.ir.case import Case
from assay.ir.program import Block, Operation, Program, Region, Value
from assay.ir.types import TensorType
from assay.oracles.signature import NONE_IN_PLACE, normalise_message
from assay.oracles.verdict import Judgement, Kind, Verdict
from assay.triage.places import accused, output_leaves
from assay.triage.replay import replay
from assay.triage.scripts import Unscriptable, _needle, render_script, summary
from assay.triage.subject import subject_of
from triage.build import Builder, case_of, random_program

EXACT = "1 of 1 elements differ (float32[3, 4], exact arithmetic); largest difference 1 at [0, 0]: eager 1, target 2"
ROUNDED = EXACT.replace("exact arithmetic", "beyond the tolerance")


def script(judgement: Judgement, training: bool = False, calls: int = 1, target: str = "inductor") -> str:
    """The script of a finding on a small program."""
    builder = Builder(training)
    x, w = builder.input("x", requires_grad=training), builder.input("w", role="parameter", requires_grad=training)
    builder.op("a", "binary.mul", x, w)
    program = builder.made(builder.op("b", "unary.neg", "a"), "a", calls=calls)
    return of_case(case_of(program, target), judgement)


def of_case(case: Case, judgement: Judgement) -> str:
    """The script of a finding on a case, parsed to see that it is Python."""
    subject = subject_of(case)
    assert subject is not None
    text = render_script(case, subject.program, judgement, "torch 2.13.0")
    modules = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            modules |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            modules.add(str(node.module).partition(".")[0])
    assert modules <= {"torch", *sys.stdlib_module_names}
    assert all(text.count(f"def {name}(") == 1 for name in ("main", "observe", "program", "compile_program"))
    return text


def mismatch(kind: Kind, where: str, detail: str, signature: str) -> Judgement:
    return Judgement(Verdict.Mismatch, kind, where, detail, signature)


def test_exact_numbers_are_compared_without_tolerance() -> None:
    text = script(mismatch(Kind.value, "call 0, output 1", EXACT, "value|float32|output"))
    assert "rtol=0, atol=0, equal_nan=True" in text
    assert "return result[1]" in text
    assert "float64" not in text.replace("torch.float64", "")


def test_rounded_numbers_are_compared_with_the_tolerance_and_with_float64() -> None:
    text = script(mismatch(Kind.value, "call 0, output 0", ROUNDED, "value|float32|output"))
    assert "rtol=1.3e-06, atol=1e-05" in text
    assert "observe(program, wide)" in text


@pytest.mark.parametrize(
    ("kind", "where", "signature", "expected"),
    [
        (Kind.dtype, "call 0, output 0", "dtype|float32->float64|output", "leaf.dtype"),
        (Kind.shape, "call 0, output 0", "shape|sizes|output", "tuple(leaf.shape)"),
        (Kind.stride, "call 0, output 0", "stride|output", "leaf.stride()"),
        (Kind.type, "call 0, output 0", "type|list->tuple|output", "tree_map(type, result)"),
        (Kind.alias, "call 0, output 0", "alias|lost|output-argument", "def storages"),
        (Kind.alias, "call 0, output 0", "alias|object lost|output-argument", "def identities"),
        (Kind.mutation, "call 0, argument 0", "mutation|float32|argument", "return arguments[0]"),
        (Kind.state, "call 0, state 'w'", "state|float32|state", "return model.w.detach()"),
        (Kind.side_effect, "call 0, environment", "side-effect|grad_enabled", "torch.is_grad_enabled()"),
    ],
)
def test_a_script_looks_at_what_the_finding_is_about(kind: Kind, where: str, signature: str, expected: str) -> None:
    assert expected in script(mismatch(kind, where, EXACT, signature))


def test_gradients_come_from_the_fixed_cotangents() -> None:
    text = script(mismatch(Kind.gradient, "call 0, gradient of w", ROUNDED, "gradient|float32|gradient"), training=True)
    assert "(torch.arange(leaf.numel()) * 7 + 3 * k) % 5 - 2" in text
    assert "model.w.grad" in text
    assert "no_grad" not in text


def test_only_the_calls_up_to_the_accused_one_are_made() -> None:
    finding = mismatch(Kind.value, "call 1, output 0", EXACT, "value|float32|output")
    assert "for call in range(2):" in script(finding, calls=3)


def test_a_crash_happens_in_a_child_of_the_script() -> None:
    finding = Judgement(Verdict.Crash, Kind.crash, "target", "the process died (SIGSEGV)", "crash|target|SIGSEGV||")
    text = script(finding)
    assert 'subprocess.run([sys.executable, __file__, "child"])' in text
    assert "BUG: the process died (SIGSEGV)" in text


def test_a_hang_is_stopped_by_the_script() -> None:
    finding = Judgement(Verdict.Timeout, Kind.hang, "target", "stopped at the time limit", "hang|target")
    assert "except subprocess.TimeoutExpired:" in script(finding)


@pytest.mark.parametrize(
    ("kind", "fault"),
    [
        (Kind.hang, "import time; return lambda *_: time.sleep(300)"),
        (Kind.memory, "return lambda *_: torch.ones(1 << 34)"),
        (Kind.crash, "import os; return lambda *_: os.abort()"),
    ],
)
def test_scripts_of_ends_run_to_their_own(
    kind: Kind, fault: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Run as their reader would, on a target that has the fault and on one that has not."""
    pytest.importorskip("torch")
    monkeypatch.setattr("assay.triage.scripts.HANG_SECONDS", 15)
    text = script(Judgement(Verdict.Timeout, kind, "target", "what happened", f"{kind}|target"), target="eager")
    plain = "def compile_program(program):\n    return program\n"
    assert plain in text
    path = tmp_path / "script.py"
    for body, status, last in ((text, 0, "OK"), (text.replace("    return program\n", f"    {fault}\n"), 1, "BUG:")):
        path.write_text(body)
        done = subprocess.run([sys.executable, str(path)], capture_output=True, text=True)
        assert (done.returncode, done.stdout.splitlines()[-1][: len(last)]) == (status, last)


def test_an_exception_is_known_by_its_type_and_the_longest_part_of_its_message() -> None:
    signature = "exception|torch._inductor.exc.InductorError|torch/_inductor/x.py:f|cannot lower NAME of SHAPE in loops"
    finding = Judgement(Verdict.Exception, Kind.exception, "call 0, forward", "the target raised it", signature)
    text = script(finding)
    assert "'InductorError'" in text
    assert "'cannot lower'" in text


def test_what_is_looked_for_in_a_message_holds_no_number() -> None:
    signature = "exception|AssertionError|torch/x.py:f|sources must not be empty for symbol sN"
    text = script(Judgement(Verdict.Exception, Kind.exception, "call 0, forward", "it raised", signature))
    assert "'sources must not be empty for symbol s' not in" in text


def test_what_is_looked_for_in_a_compile_error_is_what_the_compiler_says() -> None:
    message = "C++ compile error\nCommand:\ng++ -O3 k.cpp\nOutput:\nk.cpp:3:1: error: no match for call to ‘f(int)’"
    signature = f"exception|InductorError|torch/x.py:f|{normalise_message(message)}"
    text = script(Judgement(Verdict.Exception, Kind.exception, "call 0, forward", "it raised", signature))
    looked_for = next(line for line in text.splitlines() if "not in " in line).split("'")[-2]
    assert looked_for == "no match for call to"
    assert looked_for in message


def raising(error: Exception | None) -> Any:
    """A program that raises, or one that gives back what it is given."""

    def program(*arguments: Any) -> Any:
        if error is not None:
            raise error
        return arguments

    return program


@pytest.mark.parametrize(
    ("signature", "shows", "holds"),
    [
        (
            "exception|eager|RuntimeError||INTERNAL ASSERT FAILED",
            (RuntimeError("INTERNAL ASSERT FAILED"), None),
            (None, None),
        ),
        ("exception|not raised|ValueError", (ValueError("shape"), None), (None, None)),
        (
            "exception|ValueError->KeyError||x",
            (ValueError("shape"), KeyError("x")),
            (ValueError("shape"), ValueError("x")),
        ),
        (
            "exception|torch._dynamo.exc.TorchRuntimeError||RuntimeError: Cannot call numel on SHAPE",
            (None, type("TorchRuntimeError", (Exception,), {})("call: got RuntimeError('Cannot call numel on [2]')")),
            (None, None),
        ),
        (
            f"exception|TypeError|torch/_dynamo/eval_frame.py:compile_wrapper|{NONE_IN_PLACE}",
            (None, AttributeError("'NoneType' object has no attribute 'relu'")),
            (None, None),
        ),
        (
            f"exception|TypeError|torch/_dynamo/eval_frame.py:compile_wrapper|{NONE_IN_PLACE}",
            (None, TypeError("relu(): argument 'input' (position 1) must be Tensor, not NoneType")),
            (None, None),
        ),
    ],
)
def test_scripts_of_exceptions_show_the_bug_and_its_absence(
    signature: str,
    shows: tuple[Exception | None, Exception | None],
    holds: tuple[Exception | None, Exception | None],
    capsys: pytest.CaptureFixture[str],
) -> None:
    text = script(Judgement(Verdict.Exception, Kind.exception, "call 0, forward", "what was raised", signature))
    module: dict[str, Any] = {"__name__": "script"}
    exec(compile(text, "script.py", "exec"), module)
    for (eager, target), status, last in ((shows, 1, "BUG: what was raised"), (holds, 0, "OK")):
        module["program"] = raising(eager)
        module["compile_program"] = lambda _, target=target: raising(target)
        try:
            assert module["main"]() == status
        finally:
            logging.disable(logging.NOTSET)
        assert capsys.readouterr().out.splitlines()[-1] == last


def test_a_script_of_an_internal_error_in_place_of_the_programs_own_shows_it_and_its_absence(
    capsys: pytest.CaptureFixture[str],
) -> None:
    internal = type("InternalTorchDynamoError", (RuntimeError,), {})("TypeError: '<' not supported")
    detail = "eager raised TypeError: one argument; the target raised torch._dynamo.exc.InternalTorchDynamoError"
    signature = "exception|torch._dynamo.exc.InternalTorchDynamoError||TypeError: NAME not supported"
    module: dict[str, Any] = {"__name__": "script"}
    text = script(Judgement(Verdict.Exception, Kind.exception, "call 0, forward", detail, signature))
    exec(compile(text, "script.py", "exec"), module)
    module["program"] = raising(TypeError("one argument"))
    for target, status, last in ((internal, 1, f"BUG: {detail}"), (TypeError("one"), 0, "OK")):
        module["compile_program"] = lambda _, target=target: raising(target)
        try:
            assert module["main"]() == status
        finally:
            logging.disable(logging.NOTSET)
        assert capsys.readouterr().out.splitlines()[-1] == last


def test_a_text_that_raises_has_no_script() -> None:
    finding = Judgement(Verdict.Invalid, Kind.exception, "call 0, load", "it raised", "exception|text|ValueError||x")
    with pytest.raises(Unscriptable, match="own text"):
        script(finding)


def test_the_longest_detail_is_one_line() -> None:
    assert summary(mismatch(Kind.gradient, "call 0, gradient of w", "one\ntwo", "")) == "wrong gradient of w: one"


def test_small_inputs_are_literals_and_large_ones_a_formula() -> None:
    builder = Builder()
    x, y = builder.input("x", shape=(8, 8)), builder.input("y", shape=(65,))
    program = builder.made(builder.op("a", "unary.neg", x), builder.op("b", "unary.neg", y))
    text = of_case(case_of(program), mismatch(Kind.value, "call 0, output 0", EXACT, "value|float32|output"))
    assert "x = torch.tensor([[-1.5, -1.0," in text
    assert "y = fill((65,), torch.float32" in text


def nested() -> Program:
    builder = Builder()
    x = builder.input("x")
    builder.op("a", "unary.neg", x)
    builder.python("t", "pack", x, "a", container="dict", keys=("p", "q"))
    return builder.made("t", ("list", ("a", x), ()))


def test_the_place_of_a_finding_is_found_in_nested_outputs() -> None:
    program = nested()
    assert [path for path, _ in output_leaves(program)] == [
        "output 0['p']",
        "output 0['q']",
        "output 1[0]",
        "output 1[1]",
    ]
    place = accused(program, "call 2, output 1[0]")
    assert (place.call, place.place, place.leaf, place.dtype) == (2, "output", 2, "float32")


def test_a_script_that_runs_too_long_is_stopped() -> None:
    seen = replay("import time\nprint('begun', flush=True)\ntime.sleep(60)\n", seconds=1.0)
    assert seen.status is None
    assert not seen.shows_bug


def test_names_that_a_program_uses_are_defined_in_its_script() -> None:
    """A context may read the case's own TRAINING."""
    builder = Builder()
    x, type_ = builder.input("x"), TensorType("float32", (3, 4))
    block = Block((Operation("unary.neg", (x,), (), (Value("a", type_, "a"),)),), ("a",))
    context = (("context", "torch.set_grad_enabled(TRAINING)"),)
    builder.add(Region("with", (), context, (block,), (Value("b", type_, x),)))
    finding = mismatch(Kind.value, "call 0, output", EXACT, "value|float32|output")
    text = of_case(case_of(builder.made("b"), "inductor"), finding)
    assert "torch.set_grad_enabled(TRAINING)" in text
    assert "\nTRAINING = False\n" in text


def test_the_script_of_a_random_program_is_python() -> None:
    for seed in range(8):
        finding = mismatch(Kind.value, "call 0, output 0", EXACT, "value|float32|output")
        of_case(case_of(random_program(seed, training=seed % 2 == 1)), finding)


@pytest.mark.torch
def test_a_script_of_gradients_runs_where_the_output_has_none() -> None:
    """Found as an output that required a gradient on the target alone."""
    builder = Builder(True)
    program = builder.made(builder.op("a", "unary.neg", builder.input("x")))
    text = of_case(
        case_of(program, "torch:eager"),
        mismatch(Kind.gradient, "call 0, gradient of argument 0", EXACT, "gradient|added"),
    )
    assert replay(text).last_line == "OK"


@pytest.mark.torch
def test_in_float64_arguments_share_the_memory_that_they_shared() -> None:
    torch = pytest.importorskip("torch")
    builder = Builder()
    builder.input("x")
    builder.input("y", base="x")
    builder.op("a", "unary.neg", "x", form="inplace")
    program = builder.made("y")
    text = of_case(case_of(program), mismatch(Kind.value, "call 0, output", ROUNDED, "value|float32|output"))
    defined = text[text.index("def wide(") : text.index("def differs(")]
    scope: dict[str, Any] = {"torch": torch, "tree_map": torch.utils._pytree.tree_map}
    exec(defined, scope)
    x = torch.arange(6.0)[1:]
    number, shared, half, apart, grad = scope["wide"](
        [3, x, x[::2], torch.ones(2, dtype=torch.float16), torch.ones(2, requires_grad=True)]
    )
    assert number == 3
    assert {each.dtype for each in (shared, half, apart, grad)} == {torch.float64}
    assert (shared.tolist(), half.tolist(), apart.tolist()) == ([1, 2, 3, 4, 5], [1, 3, 5], [1, 1])
    assert (shared.storage_offset(), half.stride(), grad.requires_grad) == (1, (2,), True)
    shared.neg_()
    assert half.tolist() == [-1, -3, -5]
    assert x.tolist() == [1, 2, 3, 4, 5]


def test_what_a_script_looks_for_is_in_the_message_itself() -> None:
    """A signature says "a wrong number of arguments" where the error has numbers."""
    assert _needle("TypeError: a wrong number of arguments") == ""
    assert _needle("TypeError: fold() got a wrong number of arguments here") == "fold() got"
