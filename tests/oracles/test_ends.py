"""Crash, hang, memory and exceptions: executions that did not come to their end."""

import pytest

from assay.oracles.judge import judge
from assay.oracles.outcome import Outcome
from assay.oracles.verdict import Kind, Verdict

from .build import call, case, outcome, raising, tensor

FINE = call(tensor([1.0]))


def died(ended, stage, **more):
    return judge(case(), Outcome("c0", ended, stage, **more))


@pytest.mark.parametrize(
    ("stage", "side"), [("target", "target"), ("compare", "target"), ("reference", "eager"), ("load", "eager")]
)
def test_a_death_is_a_crash_of_who_was_at_work(stage, side):
    judged = died("died", stage, signal=11)
    assert (judged.verdict, judged.kind) == (Verdict.Crash, Kind.crash)
    assert judged.signature.startswith(f"crash|{side}|SIGSEGV")


def test_a_process_that_leaves_by_itself_has_crashed():
    judged = died("died", "target", status=3)
    assert judged.verdict is Verdict.Crash
    assert "exit status 3" in judged.detail


@pytest.mark.parametrize(
    ("ended", "verdict", "kind"),
    [("timeout", Verdict.Timeout, Kind.hang), ("memory", Verdict.MemoryExceeded, Kind.memory)],
)
def test_limits_that_the_target_exceeds_are_findings_and_those_of_eager_are_not(ended, verdict, kind):
    assert (died(ended, "target").verdict, died(ended, "target").kind) == (verdict, kind)
    assert died(ended, "reference").verdict is died(ended, "load").verdict is Verdict.Invalid
    assert died(ended, "compare").verdict is Verdict.Invalid


def test_many_programs_together_are_a_case_too_large_and_one_is_a_hang():
    assert died("timeout", "target", note="first grad_jitted").verdict is Verdict.Timeout
    for note in ("compiled together", "traced reverse", "numerical"):
        assert died("timeout", "target", note=note).verdict is Verdict.Inconclusive


def test_a_case_that_had_no_core_is_neither_a_hang_nor_right():
    for stage in ("target", "reference"):
        assert died("starved", stage).verdict is Verdict.Inconclusive


def test_a_crash_is_told_from_another_by_where_it_was_and_what_it_said():
    frame = '  File "/opt/venv/site-packages/torch/_inductor/ir.py", line 12 in codegen'
    stack = f"Fatal Python error: Segmentation fault\n{frame}\n"
    judged = died("died", "target", signal=11, stderr=stack)
    assert "torch/_inductor/ir.py:codegen" in judged.signature
    thrown = died("died", "target", signal=6, stderr="terminate called after throwing an instance of 'c10::Error'\n")
    assert thrown.signature == "crash|target|SIGABRT||terminate called after throwing an instance of NAME"


def test_an_exception_of_the_target_alone_is_a_finding():
    judged = judge(case(), outcome(FINE, raising("torch._inductor.exc.InductorError", "KeyError: 'buf3'")))
    assert (judged.verdict, judged.kind, judged.where) == (Verdict.Exception, Kind.exception, "call 0, forward")
    assert judged.signature == "exception|torch._inductor.exc.InductorError||KeyError: NAME"


@pytest.mark.parametrize("name", ["Unsupported", "torch._dynamo.exc.Unsupported", "TorchDynamoException"])
def test_a_declared_class_or_a_subclass_of_it_is_a_gap(name):
    raised = raising("torch._dynamo.exc.Unsupported", "call to foo", bases=("torch._dynamo.exc.TorchDynamoException",))
    assert judge(case(), outcome(FINE, raised), unsupported=(name,)).verdict is Verdict.Unsupported
    assert judge(case(), outcome(FINE, raised), unsupported=("UserError",)).verdict is Verdict.Exception


def test_a_gap_in_the_second_call_does_not_excuse_a_wrong_value_in_the_first():
    wrong = call(tensor([2.0]))
    sides = (FINE, FINE), (wrong, raising("Unsupported"))
    judged = judge(case(True), outcome(*sides), unsupported=("Unsupported",))
    assert (judged.verdict, judged.kind) == (Verdict.Mismatch, Kind.value)


@pytest.mark.parametrize("target", [FINE, raising("ValueError"), raising("KeyError")])
def test_a_generated_graph_that_raises_in_eager_mode_is_invalid(target):
    assert judge(case(), outcome(raising("ValueError"), target)).verdict is Verdict.Invalid


def test_an_internal_assertion_of_eager_is_a_finding():
    judged = judge(case(), outcome(raising("RuntimeError", "x INTERNAL ASSERT FAILED at y"), FINE))
    assert judged.verdict is Verdict.Exception
    assert judged.signature.startswith("exception|eager|")


@pytest.mark.parametrize(
    "target",
    [
        raising("ValueError"),
        raising("my.Error", bases=("ValueError",)),
        raising("torch._dynamo.exc.TorchRuntimeError", chain=("ValueError: no",)),
        raising("torch._dynamo.exc.TorchRuntimeError", "call_function f: got ValueError('no')"),
    ],
)
def test_elsewhere_an_exception_of_the_same_type_is_what_was_asked_for(target):
    assert judge(case(source="python"), outcome(raising("ValueError"), target)).verdict is Verdict.Pass


@pytest.mark.parametrize(
    "target",
    [
        FINE,
        raising("KeyError"),
        raising("torch._dynamo.exc.TorchRuntimeError", "call_function f: got KeyError('no')"),
        raising("torch._dynamo.exc.InternalTorchDynamoError", "got ValueError('no')"),
    ],
)
def test_elsewhere_an_exception_that_is_missing_or_another_is_a_mismatch(target):
    judged = judge(case(source="python"), outcome(raising("ValueError"), target, again=raising("ValueError")))
    assert (judged.verdict, judged.kind) == (Verdict.Mismatch, Kind.exception)


def test_where_a_compiler_fails_what_the_program_would_have_raised_is_nothing_of_the_cause():
    failed = raising("torch._dynamo.exc.InternalTorchDynamoError", "KeyError: 'x'")
    signatures = {
        judge(case(source="python"), outcome(eager, failed)).signature
        for eager in (FINE, raising("ValueError"), raising("TypeError"))
    }
    assert len(signatures) == 1


def test_memory_that_ran_out_as_an_exception_is_memory():
    full = raising("RuntimeError", "[enforce fail] DefaultCPUAllocator: can't allocate memory")
    assert judge(case(), outcome(FINE, full)).verdict is Verdict.MemoryExceeded
    assert judge(case(), outcome(full, FINE)).verdict is Verdict.Invalid


def test_a_text_that_raises_only_the_second_time_is_our_own_defect():
    assert judge(case(), outcome(FINE, raising("ValueError", stage="inputs"))).verdict is Verdict.Invalid
