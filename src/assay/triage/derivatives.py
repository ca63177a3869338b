"""Findings about derivatives: the call reduced, and the script that shows what is wrong with it.

A call is reduced as data: options, keywords, layouts, sizes, elements, order. Every candidate is judged with all the
evidence, and counts if the same quantity is wrong in the same ways.

The script holds the call, and of the ways to differentiate those that the finding names, as the worker runs them
(`assay.execution.worker.torch_modes` and its like); beside them the numerical slopes.
"""

from __future__ import annotations

import ast
import copy
import math
import re
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from assay.apis.mutate import reshaped
from assay.apis.seeds import Call
from assay.apis.source import TRACED, WITH_TRACED, case_of
from assay.apis.text import bounds
from assay.backends import find_backend
from assay.campaign.bench import Abandoned
from assay.campaign.findings import RunCase
from assay.execution.client import PROGRAM
from assay.ir.case import DERIVATIVES, Case
from assay.oracles.verdict import FINDINGS, Judgement, Kind
from assay.triage.observing import Unscriptable
from assay.triage.reduction import Budget, Reduction
from assay.triage.script_text import ENTRY, in_docstring

INDENT = "    "
STEPS = 40
"""Candidates that a reduction tries at most: each is a run with all the evidence."""

SECONDS = 90.0
"""How long it takes at most: programs of JAX and TensorFlow are compiled for every candidate."""

_PLACE = re.compile(r"(\w+) (\w+)(?: against (\w+))?, direction (\d+)")


def is_derivative(case: Case) -> bool:
    """Whether a case is one that is differentiated."""
    return DERIVATIVES in case.options


# --- reduction


def reduce_call(
    case: Case,
    judgement: Judgement,
    run_case: RunCase,
    budget: Budget,
    out_of_time: Callable[[], bool],
    clock: Callable[[], float] = time.monotonic,
) -> Reduction:
    """The simplest call that is still the same finding. A case that holds no call, or that hangs, stays as it is."""
    begun = clock()
    if "call" not in case.recipe or judgement.kind is Kind.hang:
        # What hangs costs all of its time for every candidate.
        return Reduction(case, judgement, (), 0, 0.0, complete=False)
    executions, seen, complete = 0, {case.id}, False
    most, seconds = min(budget.executions, STEPS), min(budget.seconds, SECONDS)
    names: list[str] = []
    try:
        while not complete:
            complete = True
            for name, call, asked in simpler(case.recipe["call"], dict(case.options[DERIVATIVES])):
                if executions >= most or clock() - begun > seconds or out_of_time():
                    return Reduction(case, judgement, tuple(names), executions, clock() - begun, complete=False)
                try:
                    recipe = {key: case.recipe[key] for key in case.recipe if key != "call"}
                    candidate = case_of(call, asked, recipe, case.target)
                except (KeyError, ValueError, TypeError):
                    continue
                if candidate.id in seen:
                    continue
                seen.add(candidate.id)
                executions += 1
                found = run_case(candidate)
                if is_same(judgement, found):
                    case, judgement, complete = candidate, found, False
                    names.append(name)
                    break
    except Abandoned:
        return Reduction(case, judgement, tuple(names), executions, clock() - begun, complete=False)
    return Reduction(case, judgement, tuple(names), executions, clock() - begun, complete=True)


def is_same(wanted: Judgement, found: Judgement) -> bool:
    """Whether the same is wrong: the kind, the quantity and its form, and the ways."""
    if found.verdict not in FINDINGS or (found.verdict, found.kind) != (wanted.verdict, wanted.kind):
        return False
    return found.signature == wanted.signature


def simpler(call: Call, asked: dict[str, Any]) -> Iterator[tuple[str, Call, dict[str, Any]]]:
    """Simpler calls, and less that is asked of them."""
    if asked.get("traced"):
        yield "untraced", call, {**asked, "traced": []}
        if len(asked["traced"]) > 1:
            for way in asked["traced"]:
                yield "untraced", call, {**asked, "traced": [way]}
    if asked.get("order", 1) > 1:
        for order in range(1, asked["order"]):
            yield "order", call, {**asked, "order": order}
    for name, candidate in _simpler_calls(call):
        yield name, candidate, asked


def _simpler_calls(call: Call) -> Iterator[tuple[str, Call]]:
    for number, each in enumerate(call["tensors"]):
        if each.get("layout"):
            made = copy.deepcopy(call)
            del made["tensors"][number]["layout"]
            yield "contiguous", made
    for name in call["kwargs"]:
        made = copy.deepcopy(call)
        if not _has_tensor(made["kwargs"].pop(name)):
            yield "defaults", made
    sizes = sorted({size for each in call["tensors"] for size in each["shape"] if size > 1}, reverse=True)
    for size in sizes:
        for smaller in dict.fromkeys((1, 2, size // 2)):
            if smaller < size:
                made = copy.deepcopy(call)
                for each in made["tensors"]:
                    if size in each["shape"]:
                        reshaped(each, [smaller if old == size else old for old in each["shape"]])
                yield "sizes", made
    deepest = max((len(each["shape"]) for each in call["tensors"]), default=0)
    made = copy.deepcopy(call)
    for each in made["tensors"]:
        if len(each["shape"]) == deepest > 0 and each["shape"][0] == 1:
            reshaped(each, each["shape"][1:])
    if made != call:
        yield "rank", made
    for number, each in enumerate(call["tensors"]):
        plain = _plain(each)
        if plain is not None:
            made = copy.deepcopy(call)
            made["tensors"][number] = plain
            yield "elements", made


def _plain(tensor: dict[str, Any]) -> dict[str, Any] | None:
    """A tensor with small whole or half numbers in place of its elements."""
    count = math.prod(tensor["shape"])
    if "float" not in tensor["dtype"] or not 0 < count <= 64 or tensor.get("plain"):
        return None
    low, high = bounds(tensor)
    values = tensor.get("values")
    if values is None or len(values) != count:
        span: list[Any] = [round(low + (high - low) * (k * 5 % 7) / 6) for k in range(count)]
    else:
        span = [each if isinstance(each, str) else round(each * 2) / 2 for each in values]
    made = {"dtype": tensor["dtype"], "shape": list(tensor["shape"]), "values": span, "plain": True}
    if "layout" in tensor:
        made["layout"] = tensor["layout"]
    return made


def _has_tensor(value: Any) -> bool:
    if isinstance(value, dict):
        return "tensor" in value or any(_has_tensor(each) for each in value.values())
    return isinstance(value, list) and any(_has_tensor(each) for each in value)


# --- script


def render_derivative_script(case: Case, judgement: Judgement, versions: str = "") -> str:
    """The script of a finding about derivatives. Raises Unscriptable."""
    from assay.triage.scripts import summary

    place = _PLACE.fullmatch(judgement.where)
    if place is None or judgement.kind not in (Kind.gradient, Kind.value, Kind.exception):
        raise Unscriptable(f"no comparison is known for {judgement.where} of a case that is differentiated")
    quantity, wrong, right, direction = place.groups()
    ways = [wrong, *([right] if right else [])]
    order = {"value": 1, "first": 1, "traced": 1, "second": 2, "sum": 1, "curve": 2, "third": 3}.get(quantity)
    if order is None:
        raise Unscriptable(f"no script is known for the quantity {quantity}")
    framework = find_backend(case.target).framework
    modes = Modes.of(framework)
    along = ", ".join(("v", "w", "z")[:order])
    called = {way: f"{way}(phi, x, {along})" for way in ways}
    if modes.bound != "torch":
        called = {way: f"float({text})" for way, text in called.items()}
    if quantity == "curve":
        # Along the curve x + t v + t t w there is a derivative along w.
        called["reverse"] = "reverse(phi, x, w)"
    lower = {"first": "direct(phi, moved(t, v))", "second": "reverse(phi, moved(t, w), v)"}.get(quantity)
    more = ["reverse"] if lower is not None and not right else []
    dear = {*TRACED[framework], *WITH_TRACED.get(framework, ())}
    is_located = bool(right) and quantity == "first" and judgement.kind is not Kind.exception and not dear & {*ways}
    # Of an element of the outputs, which has no parts, some ways cannot be asked.
    is_located = is_located and not any("phi.parts" in modes.definitions((way,)) for way in ways)
    more += ["entries", "output_entries"] if is_located else []
    definitions = modes.definitions((*ways, "real_function", "random_like", "direct", *more))
    plain, library = modes.imports(definitions + case.text)
    name = modes.bound
    body = "\n".join(line for line in case.text.splitlines() if line.strip() not in {*plain, *library, *modes.settings})
    head = [
        f'"""{", ".join(case.operators)}: {in_docstring(summary(judgement))}',
        "",
        f"{'Found with ' + versions + '. ' if versions else ''}The {quantity} derivative, {wrong}.",
        '"""',
        "",
        *plain,
        "",
        "try:",
        *(f"{INDENT}{line}" for line in library),
        "except ImportError as missing:",
        f'{INDENT}print("CANNOT RUN:", missing)',
        f"{INDENT}sys.exit(2)",
        *(["", *modes.settings] if modes.settings else []),
    ]
    main = [
        "def main():",
        f'{INDENT}print("{name}", {name}.__version__)',
        f"{INDENT}phi, x = real_function(program, inputs())",
        f"{INDENT}v, w, z = (random_like(x, DIRECTIONS_SEED + {10 * int(direction)} + k) for k in range(3))",
        f"{INDENT}found = {called[wrong]}",
        f'{INDENT}print("{wrong}:", found)',
    ]
    if judgement.kind is Kind.exception:
        main = _caught(main, wrong, called[wrong])
    else:
        main += _compared(quantity, wrong, right, called, lower)
        if right and is_located:
            main[-3:-3] = _entry(wrong, right)
    parts = ["\n".join(head), body.strip(), "\n".join(main), definitions, "\n".join(ENTRY)]
    return "\n\n\n".join(parts) + "\n"


def _compared(quantity: str, wrong: str, right: str | None, called: Mapping[str, str], lower: str | None) -> list[str]:
    if right:
        return [
            f"{INDENT}expected = {called[right]}",
            f'{INDENT}print("{right}:", expected)',
            f"{INDENT}if abs(found - expected) <= 1e-6 * max(1e-9, abs(found), abs(expected)):",
            f'{INDENT * 2}print("OK")',
            f"{INDENT * 2}return 0",
            f'{INDENT}told = f"{wrong} gives {{found:.6g}}, {right} {{expected:.6g}}"',
            f'{INDENT}print("BUG: wrong {quantity} derivative:", told)',
            f"{INDENT}return 1",
        ]
    if lower is None:
        raise Unscriptable(f"there is nothing to hold the {quantity} derivative against")
    direction = "v" if quantity == "first" else "w"
    return [
        "",
        f"{INDENT}def moved(t, {direction}):",
        f"{INDENT * 2}return [a + t * b for a, b in zip(x, {direction})]",
        "",
        f"{INDENT}def slopes(step):",
        f"{INDENT * 2}left, centre, right = ({lower} for t in (-step, 0.0, step))",
        f"{INDENT * 2}return (centre - left) / step, (right - centre) / step",
        "",
        f"{INDENT}# The slopes from both sides, extrapolated to a step of 0.",
        f"{INDENT}low, high = sorted(2 * fine - coarse for coarse, fine in zip(slopes(2.0**-12), slopes(2.0**-13)))",
        f'{INDENT}print("numerical:", low, high)',
        f"{INDENT}allowed = 1e-3 * max(1e-9, abs(low), abs(high))",
        f"{INDENT}if low - allowed <= found <= high + allowed:",
        f'{INDENT * 2}print("OK")',
        f"{INDENT * 2}return 0",
        f'{INDENT}told = f"{wrong} gives {{found:.6g}}, it is {{low:.6g}} to {{high:.6g}}"',
        f'{INDENT}print("BUG: wrong {quantity} derivative:", told)',
        f"{INDENT}return 1",
    ]


def _entry(wrong: str, right: str) -> list[str]:
    """Lines that tell the entry of the Jacobian in which two ways differ most."""
    return [
        "",
        f"{INDENT}def both(function, along):",
        f"{INDENT * 2}return float({wrong}(function, x, along)), float({right}(function, x, along))",
        "",
        f"{INDENT}def apart(function, along):",
        f"{INDENT * 2}one, other = both(function, along)",
        f'{INDENT * 2}return abs(one - other) if one == one and other == other else float("inf")',
        "",
        f"{INDENT}# Where in the Jacobian they differ most.",
        f"{INDENT}entry, along = max(entries(x), key=lambda each: apart(phi, each[1]))",
        f"{INDENT}place, function = max(output_entries(phi, x), key=lambda each: apart(each[1], along))",
        f"{INDENT}one, other = both(function, along)",
        f'{INDENT}told = f"{wrong} {{one:.6g}}, {right} {{other:.6g}}"',
        f'{INDENT}print(f"element {{place}} of the outputs by element {{entry}}:", told)',
    ]


def _caught(main: list[str], wrong: str, called: str) -> list[str]:
    """The end of a script whose way raises."""
    return [
        *main[:4],
        f'{INDENT}print("the function itself:", direct(phi, x))',
        f"{INDENT}try:",
        f"{INDENT * 2}{called}",
        f"{INDENT}except Exception as error:",
        f'{INDENT * 2}print(f"BUG: {wrong} raises {{type(error).__name__}}:", *str(error).splitlines()[:1])',
        f"{INDENT * 2}return 1",
        f'{INDENT}print("OK")',
        f"{INDENT}return 0",
    ]


@dataclass(frozen=True)
class Modes:
    """The worker's module that differentiates with a library, as scripts take from it."""

    text: str
    module: ast.Module

    @classmethod
    @cache
    def of(cls, framework: str) -> Modes:
        """That of a framework. Raises Unscriptable."""
        path = PROGRAM / f"{framework}_modes.py"
        if not path.exists():
            raise Unscriptable(f"nothing is differentiated with {framework}")
        text = path.read_text(encoding="utf-8")
        return cls(text, ast.parse(text))

    @property
    def bound(self) -> str:
        """The library under the name that the module has it by."""
        names = [_bound(node)[0] for node in self._imported() if not _is_plain(node)]
        return next(name for name in names if name != "numpy")

    @property
    def settings(self) -> list[str]:
        """What the module sets of the library, such as how wide its numbers are."""
        return [
            ast.get_source_segment(self.text, node) or ""
            for node in self.module.body
            if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call)
        ]

    def imports(self, text: str) -> tuple[list[str], list[str]]:
        """The imports that a text needs: those of the standard library, and those of the library."""
        words = set(re.findall(r"\w+", text))
        library = [
            ast.unparse(node)
            for node in self._imported()
            if not _is_plain(node) and (_bound(node)[0] == self.bound or words & set(_bound(node)))
        ]
        plain = [ast.unparse(node) for node in self._imported() if _is_plain(node) and words & set(_bound(node))]
        return sorted({*plain, "import sys", *(["import base64"] if "base64." in text else [])}), library

    def _imported(self) -> list[ast.Import | ast.ImportFrom]:
        found = [node for node in self.module.body if isinstance(node, ast.Import | ast.ImportFrom)]
        return [node for node in found if getattr(node, "module", "") != "__future__"]

    def definitions(self, wanted: tuple[str, ...]) -> str:
        """The functions and constants of the module that some of its functions need, those first."""
        known = {node.name: node for node in self.module.body if isinstance(node, ast.FunctionDef)}
        constants = [node for node in self.module.body if isinstance(node, ast.Assign) and "SEED" in ast.unparse(node)]
        needed: set[str] = set()
        queue = [name for name in wanted if name in known]
        while queue:
            name = queue.pop()
            if name not in needed:
                needed.add(name)
                queue += [each.id for each in ast.walk(known[name]) if isinstance(each, ast.Name) and each.id in known]
        # The ways themselves first: the rest is what they need.
        order = [name for name in wanted if name in needed] + [name for name in known if name in needed]
        pieces = [ast.get_source_segment(self.text, known[name]) or "" for name in dict.fromkeys(order)]
        pieces += [ast.get_source_segment(self.text, node) or "" for node in constants]
        return "\n\n\n".join(re.sub(r"  # noqa.*", "", piece) for piece in pieces)


def _bound(node: ast.Import | ast.ImportFrom) -> list[str]:
    return [each.asname or each.name.partition(".")[0] for each in node.names]


def _is_plain(node: ast.Import | ast.ImportFrom) -> bool:
    name = node.module or "" if isinstance(node, ast.ImportFrom) else node.names[0].name
    return name.partition(".")[0] in sys.stdlib_module_names
