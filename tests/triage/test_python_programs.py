"""Programs of text are reduced like any other: statements, arguments, definitions, changes between calls."""

from __future__ import annotations

from dataclasses import replace

from assay.emit.cases import build_case
from assay.emit.torch import render
from assay.ir.case import Case
from assay.ir.program import Argument, Call, Input, Opaque, Program, Value
from assay.ir.types import ScalarType
from assay.ir.verify import verify
from assay.oracles.verdict import Judgement, Kind, Verdict
from assay.triage.reduction import reduce_case
from assay.triage.scripts import render_script

OBJECT = ScalarType("object")


def statement(text: str, *reads: str, gives: str = "", label: str = "") -> Opaque:
    results = (Value(gives, OBJECT),) if gives else ()
    return Opaque(text, reads, (gives,) if gives else (), results, label)


def program() -> Program:
    def call(value: str, *before: Opaque, around: str = "") -> Call:
        return Call(0, (("x", Argument(text="torch.ones(2)")), ("p", Argument(text=value))), before, around)

    body = (
        statement("a = x + 1", "x", gives="a"),
        statement("b = K * p", "K", "p", gives="b", label="wrong"),
        statement("c = sorted([b, 1])", "b", gives="c", label="builtins.sorted"),
        statement("d = OTHER", "OTHER", gives="d"),
    )
    grow = Opaque("K = 3", (), ("K",))
    return Program(
        (),
        1,
        (Input(Value("x", OBJECT)), Input(Value("p", OBJECT))),
        body,
        ("tuple", ("a", "b", "c", "d"), ()),
        (call("2"), call("3", grow, Opaque("OTHER = [2]", (), ("OTHER",)), around="torch.no_grad()"), call("2")),
        definitions=(Opaque("K = 2", (), ("K",)), Opaque("OTHER = [1]", (), ("OTHER",))),
        watched=("OTHER",),
    )


def case() -> Case:
    return build_case(program(), source="python", target="torch:eager", options={})


WRONG = Judgement(Verdict.Mismatch, Kind.value, "call 1, output 1", "eager 9, target 6", "value|int|output")


def wrong_where_the_global_changed(candidate: Case) -> Judgement:
    kept = all(part in candidate.text for part in ("b = K * p", "K = 3", "return", "b"))
    return WRONG if kept and candidate.calls > 1 else Judgement(Verdict.Pass)


def test_what_a_program_says_can_be_rendered_and_verified() -> None:
    verify(program())
    text = render(program())
    assert "def between(call):\n    global K, OTHER\n    if call == 1:\n        K = 3\n" in text
    assert "def around(call):" in text
    assert "WATCHED = ('OTHER',)" in text
    assert case().operators == ("wrong", "builtins.sorted")
    assert case().exact == {"everything": True}


def test_a_program_of_text_is_reduced_to_what_shows_the_fault() -> None:
    reduced = reduce_case(case(), WRONG, wrong_where_the_global_changed).case
    assert reduced.operators == ("wrong",)
    assert reduced.calls == 2
    for gone in ("OTHER", "sorted", "around", "WATCHED", "x + 1", "ones"):
        assert gone not in reduced.text, gone


def test_a_statement_that_only_gives_something_to_compile_is_a_plain_one() -> None:
    body = (
        statement("b = K * p", "K", "p", gives="b", label="wrong"),
        Opaque("s = x.shape\nt = x + 1", ("x",), ("s", "t"), (Value("s", OBJECT), Value("t", OBJECT)), "change.size"),
    )
    given = replace(program(), body=body, outputs=("tuple", ("b", "t"), ()), watched=())

    def wrong_where_something_is_compiled(candidate: Case) -> Judgement:
        inside = candidate.text.partition("def program")[2].partition("return")[0]
        compiled = "x + 1" in inside or "torch." in inside
        return WRONG if compiled and "b = K * p" in inside else Judgement(Verdict.Pass)

    start = build_case(given, source="python", target="torch:eager", options={})
    reduced = reduce_case(start, WRONG, wrong_where_something_is_compiled).case
    assert start.operators == ("wrong", "change.size")
    assert reduced.operators == ("wrong",)


def test_a_script_defines_anew_what_calls_change() -> None:
    text = render_script(case(), program(), WRONG)
    assert "def fresh():" in text
    assert "    fresh()\n    for call in range(2):\n        between(call)\n" in text
    assert "with torch.no_grad(), around(call):" in text
    compile(text, "script", "exec")
