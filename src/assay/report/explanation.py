"""A numeric finding explained on one screen: the element, the numbers, why it is not rounding, where the two part."""

from __future__ import annotations

import json
import math
import re
import textwrap
from collections.abc import Sequence
from typing import Any

from assay.emit.torch import body_lines, statement_lines
from assay.ir.case import Case
from assay.ir.serialize import program_from_json
from assay.oracles.elements import Element, Number
from assay.oracles.numerics.rounding import Ruling
from assay.oracles.verdict import Judgement, Verdict
from assay.report.finding import SCREEN_LINES, cut, program_text
from assay.triage.explain import Explanation
from assay.triage.parting import OperandSeen, Parting, Way

COLUMNS = 100
FEWEST_LINES = 5
OPERANDS = 4
MARK = "-> "

_DIGITS = {"float64": 17, "complex128": 17, "float32": 9, "complex64": 9}
_SHOWN_IN = {
    "float64": "these are numbers of the program in float64; in its own dtypes it may be rounding",
    "exact": "these are numbers of the program with other inputs, on which nothing is rounded",
}


def explanation_screen(name: str, layer: str, commands: Sequence[str], explanation: Explanation) -> str:
    """At most `SCREEN_LINES` lines of `COLUMNS` columns; commands stay whole."""
    case, judgement, element = explanation.case, explanation.judgement, explanation.element
    if judgement.verdict is Verdict.Pass:
        return f"{name} no longer differs on {case.target}"
    if judgement.verdict is Verdict.Inconclusive:
        told = (judgement.detail.splitlines() or ["nothing is known"])[0]
        return cut(f"{name} is undecided on {case.target}", COLUMNS) + f"\n  open       {cut(told, COLUMNS - 13)}"
    lines = [f"{name}: {judgement.verdict} ({judgement.kind}) on {case.target}"]
    lines += [f"  at         {_place(judgement, element)}"]
    if element is None:
        lines += ["", *judgement.detail.splitlines(), "", "no element can be singled out; `assay show` has the program"]
        kept = lines[: SCREEN_LINES - len(commands) - 1]
        return "\n".join([*(cut(line, COLUMNS) for line in kept), "", *commands])
    lines += [f"  elements   {_counts(element)}"]
    lines += [f"  options    {json.dumps(dict(case.options), sort_keys=True)}"] if case.options else []
    lines += [f"  layer      {layer}"] if layer else []
    lines += [f"  note       {_SHOWN_IN[explanation.shown_in]}"] if explanation.shown_in else []
    lines += ["", *_table(element), "", *_wrapped(f"Why: {condition(element)}")]
    parting = explanation.parting
    if parting is not None:
        lines += ["", *_wrapped(f"Where: {place_of_parting(parting)}"), *_operand_lines(parting)]
    room = SCREEN_LINES - len(lines) - len(commands) - 2
    lines += ["", *_program(case, parting, max(room, FEWEST_LINES)), ""]
    return "\n".join([*(cut(line, COLUMNS) for line in lines), *commands])


def _place(judgement: Judgement, element: Element | None) -> str:
    if element is None or not element.shape:
        return judgement.where
    return f"{judgement.where}, element {list(element.index)}"


def _counts(element: Element) -> str:
    type_ = f"{element.dtype}{list(element.shape)}"
    if element.total == 1:
        return f"the only one of {type_}"
    what = "where eager is inaccurate" if element.ruling is Ruling.inaccurate else "wrong"
    return f"{element.different} of {element.total} differ ({type_}), {element.wrong} are {what}; the worst of these:"


def _table(element: Element) -> list[str]:
    fractions = element.value is not None
    off = "off the value" if fractions else "off eager"
    units = fractions and element.unit is not None
    rows = [["", "", off, *(["in E"] if element.bound else []), *(["in last place"] if units else [])]]
    sides: tuple[tuple[str, Number, float], ...] = (("target", element.target, element.target_off),)
    sides = (("eager", element.eager, element.eager_off), *sides)
    for name, number, distance in sides:
        row = [name, shown(number, element.dtype), shown(distance)]
        row += [_multiple(distance, element.bound)] if element.bound else []
        row += [_units(distance, element.unit)] if units else []
        rows.append(row)
    if fractions:
        rows.append(["value", shown(element.value, "float64", 12), "in higher precision"])
    most = element.multiples
    if element.bound:
        limit = f"{most:g} E is {shown(most * element.bound)}" if fractions else "what rounding may tip it by"
        rows.append(["bound E", shown(element.bound), limit])
    else:
        rows.append(["bound E", "0", "nothing is rounded"])
    widths = [max(len(row[column]) for row in rows if column < len(row)) for column in range(len(rows[0]))]
    lines = []
    for row in rows:
        # The numbers end in one column; what is said beside them begins in one.
        cells = [row[0].ljust(widths[0]), row[1].rjust(widths[1])]
        numbers = len(row) == len(rows[0]) and row[0] not in ("value", "bound E")
        cells += [cell.rjust(width) if numbers else cell for cell, width in zip(row[2:], widths[2:], strict=False)]
        lines.append("  " + "   ".join(cells).rstrip())
    return lines


def condition(element: Element) -> str:
    """Why an element is judged as it is, in words."""
    if element.ruling is Ruling.inaccurate:
        return (
            f"eager is inaccurate: it is {_multiple(element.eager_off, element.bound)} E from the value, more than "
            f"{element.multiples:g} E, the target {_multiple(element.target_off, element.bound)} E"
        )
    if element.exact:
        return (
            "it is not rounding: nothing is rounded on the way to this element, so that every order of evaluation "
            "gives what eager gives"
        )
    if element.value is None:
        return (
            f"it is not rounding: the target is {shown(element.apart)} from eager, and rounding may tip it by "
            f"{shown(element.bound)} at most"
        )
    tolerance = f"torch's tolerance allows {shown(element.allowed)}"
    if element.against_eager:
        return (
            f"it is not rounding: the target is {_multiple(element.apart, element.bound)} E from eager, more than "
            f"{element.multiples:g} E (a value in float64 is no better than eager's); {tolerance}"
        )
    beside = (
        "and eager is on it"
        if element.eager_off == 0
        else (f"and {_multiple(element.target_off, element.eager_off)} times as far from it as eager")
    )
    return (
        f"it is not rounding: the target is {_multiple(element.target_off, element.bound)} E from the value, more than "
        f"{element.multiples:g} E, {beside}; {tolerance}"
    )


def place_of_parting(parting: Parting) -> str:
    """Where eager and the target part, and how that was seen."""
    name = parting.result or "what it writes"
    at = "" if parting.element is None or not parting.element.shape else f" at {list(parting.element.index)}"
    match parting.way:
        case Way.returned:
            words = f"they part in {name}{at}: with every tensor returned, it is the first that is wrong"
        case Way.cut if parting.element is not None and parting.element.path.startswith("gradient"):
            words = (
                f"of the programs that are cut after a statement, the one that ends with {name} is the first to have "
                f"a wrong {parting.element.path}: it is the backward of that statement, or of what it is compiled with"
            )
        case Way.cut:
            words = (
                f"they part in {name}{at}: with every tensor returned nothing shows, but of the programs that are cut "
                "after a statement and return its results alone, if anything, this is the first that is wrong"
            )
        case Way.together:
            words = (
                "no statement alone is wrong, neither with every tensor returned nor cut after it: they part only when "
                f"compiled together: {', '.join(parting.operators)}"
            )
        case Way.unknown:
            words = f"not known; it is somewhere in: {', '.join(parting.operators)}"
    return f"{words} ({parting.note})" if parting.note else words


def _operand_lines(parting: Parting) -> list[str]:
    told, element = parting.operands[:OPERANDS], parting.element
    lines = []
    if element is not None:
        what = (
            f"{element.path} there:" if element.path.startswith(("gradient", "argument", "state")) else parting.result
        )
        both = f"eager {shown(element.eager, element.dtype)}, target {shown(element.target, element.dtype)}"
        lines.append(f"  {what}{list(element.index) if element.shape else ''}  {both}")
    width = max((len(_named(each)) for each in told), default=0)
    for each in told:
        lines.append(f"    of {_named(each).ljust(width)}  {each.type}  {_values(each)}".rstrip())
    more = len(parting.operands) - len(told)
    return lines + ([f"    and {more} more operands"] if more else [])


def _named(operand: OperandSeen) -> str:
    return operand.name if operand.index is None else f"{operand.name}{list(operand.index)}"


def _values(operand: OperandSeen) -> str:
    dtype = operand.type.partition("[")[0]
    if operand.range is not None:
        low, high = (shown(number, dtype) for number in operand.range)
        return f"all {low}" if low == high else f"between {low} and {high}"
    if not operand.eager:
        return "(not seen as it was then)"
    eager, target = (
        shown(side[0], dtype) if len(side) == 1 else "[" + ", ".join(shown(each, dtype) for each in side) + "]"
        for side in (operand.eager, operand.target)
    )
    return f"both {eager}" if eager == target else f"eager {eager}, target {target}"


def _program(case: Case, parting: Parting | None, room: int) -> list[str]:
    """The program, marked where they part; where it is too long, the lines around that."""
    lines, marked = marked_program(case, None if parting is None else parting.statement)
    lines = [(MARK if number in marked else " " * len(MARK)) + line for number, line in enumerate(lines)]
    if len(lines) <= room:
        return lines
    first = min(marked, default=0)
    # The header, and as much before the statement as after it.
    start = max(1, min(first - (room - 3) // 2, len(lines) - room + 2))
    kept = lines[start : start + room - 3] if start + room - 2 < len(lines) else lines[start:]
    rest = len(lines) - start - len(kept)
    gap = [f"{' ' * len(MARK)}    ... ({start - 1} lines)"] if start > 1 else []
    result = [lines[0], *gap, *kept]
    return [*result, f"{' ' * len(MARK)}    ... ({rest} lines)"] if rest else result


def marked_program(case: Case, statement: int | None) -> tuple[list[str], range]:
    """The lines of the program from its header to its return, and which of them are an outermost statement."""
    recipe = case.recipe.get("program")
    if recipe is None:
        return program_text(case.text), range(0)
    program = program_from_json(recipe)
    body = body_lines(program)
    headers = [line.strip() for line in case.text.splitlines() if re.match(r" *def (forward\(self|program\()", line)]
    # Where a module has the statements, its forward comes before the program that calls it; the text of a model is no
    # function, but its statements are those of one.
    header = headers[0] if headers else f"def program({', '.join(each.name for each in program.inputs)}):"
    lines = [header, *(f"    {line}" for line in body)]
    if statement is None:
        return lines, range(0)
    counts = [len(each) for each in statement_lines(program)]
    first = len(lines) - 1 - sum(counts) + sum(counts[:statement])
    return lines, range(first, first + max(counts[statement], 1))


def shown(number: Any, dtype: str = "", digits: int = 0) -> str:
    """A number with as many digits as its dtype has; distances with four."""
    if isinstance(number, complex):
        return (
            f"{shown(number.real, dtype, digits)}{'' if number.imag < 0 else '+'}{shown(number.imag, dtype, digits)}j"
        )
    if isinstance(number, float):
        if not dtype:
            return f"{number:.4g}"
        short = f"{number:.{digits or _DIGITS.get(dtype, 6)}g}"
        # 0.1 rather than 0.10000000000000001, where that is the same float64.
        return repr(number).removesuffix(".0") if dtype == "float64" and not digits else short
    return str(number)


def _multiple(distance: float, bound: float) -> str:
    return "0" if distance == 0 else "inf" if bound == 0 or math.isinf(distance) else f"{distance / bound:.3g}"


def _units(distance: float, unit: float | None) -> str:
    if unit is None or math.isinf(distance):
        return "-"
    units = distance / unit
    return "0" if units == 0 else f"{units:.2g}" if units < 10 else f"{units:.0f}" if units < 1e7 else f"{units:.2g}"


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(text, COLUMNS, subsequent_indent=" " * (text.index(":") + 2), break_on_hyphens=False)


def explanation_to_json(explanation: Explanation) -> dict[str, Any]:
    """An explanation as JSON-compatible data; complex numbers as pairs, what is not finite as text."""
    case, judgement, element, parting = (
        explanation.case,
        explanation.judgement,
        explanation.element,
        explanation.parting,
    )
    return {
        "case": case.id,
        "target": case.target,
        "verdict": judgement.verdict,
        "kind": judgement.kind,
        "where": judgement.where,
        "detail": judgement.detail,
        "shown_in": explanation.shown_in or "case",
        "element": None if element is None else _element(element),
        "parting": None if parting is None else _parting(case, parting),
    }


def _element(element: Element) -> dict[str, Any]:
    return {
        "call": element.call,
        "path": element.path,
        "index": list(element.index),
        "dtype": element.dtype,
        "shape": list(element.shape),
        "elements": element.total,
        "different": element.different,
        "wrong": element.wrong,
        "eager": plain(element.eager),
        "target": plain(element.target),
        "value": plain(element.value),
        "bound": plain(element.bound),
        "multiples_allowed": element.multiples,
        "eager_off": plain(element.eager_off),
        "target_off": plain(element.target_off),
        "apart": plain(element.apart),
        "unit_in_last_place": plain(element.unit),
        "tolerance": plain(element.allowed),
        "ruling": element.ruling,
        "why": element.why,
    }


def _parting(case: Case, parting: Parting) -> dict[str, Any]:
    lines, marked = marked_program(case, parting.statement)
    return {
        "way": parting.way,
        "statement": parting.statement,
        "text": "\n".join(lines[number].strip() for number in marked),
        "result": parting.result,
        "element": None if parting.element is None else _element(parting.element),
        "operands": [
            {
                "name": each.name,
                "type": each.type,
                "index": None if each.index is None else list(each.index),
                "eager": [plain(number) for number in each.eager],
                "target": [plain(number) for number in each.target],
                "range": None if each.range is None else [plain(number) for number in each.range],
            }
            for each in parting.operands
        ],
        "operators": list(parting.operators),
        "note": parting.note,
    }


def plain(number: Any) -> Any:
    """A number as JSON has it.

    >>> plain(1j), plain(float("inf")), plain(2.5)
    ([0.0, 1.0], 'inf', 2.5)
    """
    if isinstance(number, complex):
        return [plain(number.real), plain(number.imag)]
    return str(number) if isinstance(number, float) and not math.isfinite(number) else number
