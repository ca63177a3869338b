"""Mutation operators: from the source of a module to the single faults that it can be given.

A fault is a range of the source's bytes and its replacement, which keeps the number of lines, so that every function
that it does not touch keeps its first line. Only code inside function bodies is mutated: what runs at import alone
(decorators, defaults, annotations) and what only reports (raise, assert, logging) is left alone.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

COMPARISONS = {
    ast.Lt: ("<", "<="),
    ast.LtE: ("<=", "<"),
    ast.Gt: (">", ">="),
    ast.GtE: (">=", ">"),
    ast.Eq: ("==", "!="),
    ast.NotEq: ("!=", "=="),
    ast.Is: ("is", "is not"),
    ast.IsNot: (r"is\s+not", "is"),
    ast.In: ("in", "not in"),
    ast.NotIn: (r"not\s+in", "in"),
}
ARITHMETIC = {
    ast.Add: (r"\+", "-"),
    ast.Sub: ("-", "+"),
    ast.Mult: (r"\*", "+"),
    ast.Div: ("/", "*"),
    ast.FloorDiv: ("//", "*"),
    ast.Mod: ("%", "//"),
    ast.Pow: (r"\*\*", "*"),
    ast.BitAnd: ("&", "|"),
    ast.BitOr: (r"\|", "&"),
    ast.LShift: ("<<", ">>"),
    ast.RShift: (">>", "<<"),
}
NAMES = {"min": "max", "max": "min", "any": "all", "all": "any"}
REPORTING = re.compile(
    r"^(\w*log(ger)?\w*|warnings|counters|metrics|torch\._logging|traceback)\b|trace_structured|CompileEventLogger|dynamo_timed|record_|warn|print_|_log\b"
)
REPORTERS = re.compile(r"^(__repr__|__str__|.*debug.*|.*log.*|.*format.*|dump.*|.*_str|.*warn.*|print.*)$")


@dataclass(frozen=True, slots=True)
class Site:
    """One possible fault. Lines count from 1, columns are byte offsets, both as in `ast`."""

    kind: str
    line: int
    column: int
    end_line: int
    end_column: int
    original: str
    replacement: str
    statement: tuple[int, int]
    function: str
    top: tuple[int, int]  # first and last line of the top-level statement around it


class Source:
    """Bytes of a module with its tree; finds the text between two positions."""

    def __init__(self, data: bytes) -> None:
        self.lines = data.splitlines(keepends=True)
        self.tree = ast.parse(data)

    def between(self, start: tuple[int, int], end: tuple[int, int]) -> str:
        (first, left), (last, right) = start, end
        if first == last:
            return self.lines[first - 1][left:right].decode()
        middle = b"".join(self.lines[first : last - 1])
        return (self.lines[first - 1][left:] + middle + self.lines[last - 1][:right]).decode()

    def text(self, node: ast.expr | ast.stmt) -> str:
        return self.between(begin(node), finish(node))


def begin(node: ast.expr | ast.stmt) -> tuple[int, int]:
    return node.lineno, node.col_offset


def finish(node: ast.expr | ast.stmt) -> tuple[int, int]:
    assert node.end_lineno is not None
    assert node.end_col_offset is not None
    return node.end_lineno, node.end_col_offset


def padded(text: str, original: str) -> str:
    """An expression spread over as many lines as the one it replaces."""
    missing = original.count("\n") - text.count("\n")
    return f"({text}{chr(10) * missing})" if missing else text


def sites(data: bytes) -> list[Site]:
    """Every fault that the operators can put into a module, in order of position."""
    source = Source(data)
    found: list[Site] = []
    for top in source.tree.body:
        if isinstance(top, ast.FunctionDef | ast.ClassDef):
            first = min([top.lineno, *(each.lineno for each in top.decorator_list)])
            found.extend(_in_definition(source, top, "", (first, finish(top)[0])))
    return sorted(found, key=lambda site: (site.line, site.column, site.kind, site.replacement))


def _in_definition(
    source: Source, node: ast.FunctionDef | ast.ClassDef, prefix: str, top: tuple[int, int]
) -> Iterator[Site]:
    name = f"{prefix}{node.name}"
    if isinstance(node, ast.ClassDef):
        for each in node.body:
            if isinstance(each, ast.FunctionDef | ast.ClassDef):
                yield from _in_definition(source, each, f"{name}.", top)
    elif not REPORTERS.match(node.name):
        yield from _in_block(
            source,
            node.body,
            name,
            top,
            frozenset(each.arg for each in ast.walk(node.args) if isinstance(each, ast.arg)),
        )


def _in_block(
    source: Source,
    block: list[ast.stmt],
    function: str,
    top: tuple[int, int],
    known: frozenset[str],
    *,
    nested: bool = False,
) -> Iterator[Site]:
    for statement in block:
        if isinstance(statement, ast.FunctionDef | ast.ClassDef):
            yield from _in_definition(source, statement, f"{function}.<locals>.", top)
            continue
        if _reports(source, statement):
            continue

        def site(kind: str, start: tuple[int, int], end: tuple[int, int], text: str, at: ast.stmt = statement) -> Site:
            return Site(kind, *start, *end, source.between(start, end), text, begin(at), function, top)

        if _droppable(statement, known, nested=nested):
            lines = source.text(statement).count("\n")
            yield site("statement", begin(statement), finish(statement), "pass" + "\n" * lines)
        for expression in _expressions(statement):
            for kind, start, end, text in _in_expression(source, expression):
                yield site(kind, start, end, text)
        if isinstance(statement, ast.If):
            yield from (
                site("condition", begin(statement.test), finish(statement.test), text)
                for text in _conditions(source, statement.test)
            )
        known |= {
            each.id for each in ast.walk(statement) if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Store)
        }
        for field in ("body", "orelse", "finalbody"):
            yield from _in_block(source, getattr(statement, field, []), function, top, known, nested=True)


def _reports(source: Source, statement: ast.stmt) -> bool:
    if isinstance(
        statement, ast.Raise | ast.Assert | ast.Import | ast.ImportFrom | ast.Global | ast.Nonlocal | ast.Pass
    ):
        return True
    if isinstance(statement, ast.Expr):
        return isinstance(statement.value, ast.Constant) or bool(REPORTING.search(source.text(statement)))
    return isinstance(statement, ast.AugAssign | ast.Assign) and bool(
        REPORTING.search(source.text(statement).split("=")[0])
    )


def _droppable(statement: ast.stmt, known: frozenset[str], *, nested: bool) -> bool:
    match statement:
        case ast.Expr(value=ast.Call()) | ast.AugAssign() | ast.Continue() | ast.Break():
            return True
        case ast.Assign(targets=[ast.Attribute() | ast.Subscript()]):
            return True
        case ast.Assign(targets=[ast.Name(id=name)]):
            return name in known  # else the fault is only a NameError
        case ast.Return():
            return nested  # an early return out of a branch
        case _:
            return False


def _expressions(statement: ast.stmt) -> Iterator[ast.expr]:
    """The expressions of a statement itself, without those of its blocks and without annotations."""
    for name, value in ast.iter_fields(statement):
        if name == "annotation":
            continue
        for each in value if isinstance(value, list) else [value]:
            if isinstance(each, ast.expr):
                yield each
            elif isinstance(each, ast.withitem):
                yield each.context_expr


Range = tuple[str, tuple[int, int], tuple[int, int], str]


def _in_expression(source: Source, node: ast.AST) -> Iterator[Range]:
    if isinstance(node, ast.JoinedStr):  # positions inside are wrong before Python 3.12
        return
    match node:
        case ast.Compare(left=left, ops=[op], comparators=[right]) if type(op) in COMPARISONS:
            yield from _operator(source, "comparison", left, right, *COMPARISONS[type(op)])
        case ast.BinOp(left=left, op=op, right=right) if type(op) in ARITHMETIC and not (
            _textual(left) or _textual(right)
        ):
            yield from _operator(source, "operator", left, right, *ARITHMETIC[type(op)])
        case ast.BoolOp(op=op, values=values):
            old, new = ("and", "or") if isinstance(op, ast.And) else ("or", "and")
            for left, right in pairwise(values):
                yield from _operator(source, "boolean", left, right, old, new)
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            yield "boolean", begin(node), finish(node), padded(f"({source.text(operand)})", source.text(node))
        case ast.IfExp(test=test):
            yield from (("condition", begin(test), finish(test), text) for text in _conditions(source, test))
        case ast.comprehension(ifs=tests):
            for test in tests:
                yield from (("condition", begin(test), finish(test), text) for text in _conditions(source, test))
        case ast.Constant(value=bool() as value):
            yield "constant", begin(node), finish(node), str(not value)
        case ast.Constant(value=int() | float() as value):
            yield "constant", begin(node), finish(node), repr(value + 1)
            yield "constant", begin(node), finish(node), repr(value - 1)
        case ast.Call(func=ast.Name(id=name) as callee) if name in NAMES:
            yield "function", begin(callee), finish(callee), NAMES[name]
        case ast.Call(
            args=[ast.Name() | ast.Attribute() as one, ast.Name() | ast.Attribute() as two, *_], func=callee
        ) if not isinstance(callee, ast.Name) or callee.id not in {
            "isinstance",
            "getattr",
            "hasattr",
            "issubclass",
            "cast",
        }:
            gap = source.between(finish(one), begin(two))
            yield "arguments", begin(one), finish(two), source.text(two) + gap + source.text(one)
    for child in ast.iter_child_nodes(node):
        if not isinstance(child, ast.arguments):
            yield from _in_expression(source, child)


def _operator(source: Source, kind: str, left: ast.expr, right: ast.expr, pattern: str, new: str) -> Iterator[Range]:
    gap = source.between(finish(left), begin(right))
    found = re.search(rf"(?<!\w){pattern}(?!\w)" if pattern[0].isalpha() else pattern, gap)
    if found and "#" not in gap:
        text = gap[: found.start()] + new + "\n" * found.group().count("\n") + gap[found.end() :]
        yield kind, finish(left), begin(right), text


def _conditions(source: Source, test: ast.expr) -> Iterator[str]:
    text = source.text(test)
    if text in {"TYPE_CHECKING", "True", "False"}:
        return
    yield padded("True", text)
    yield padded("False", text)
    if not isinstance(test, ast.Compare | ast.UnaryOp):  # their negation is another operator's
        yield f"(not ({text}))"


def _textual(node: ast.expr) -> bool:
    return isinstance(node, ast.JoinedStr | ast.List | ast.Tuple | ast.ListComp) or (
        isinstance(node, ast.Constant) and isinstance(node.value, str)
    )
