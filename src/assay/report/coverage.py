"""What a run exercised, against all that it could have, and why the rest never was.

campaign/coverage.py --> `measures` --> `coverage_screen`, `coverage_to_json`
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from assay.backends import find_backend
from assay.campaign.coverage import RunCoverage
from assay.emit.onnx import DEFAULT_OPSET
from assay.emit.onnx_regions import KINDS
from assay.generate.coverage import PYTHON, TITLES, Key, Tally, declared, flat
from assay.generate.dialect import TORCH, Dialect
from assay.generate.motifs.catalogue import load as load_motifs
from assay.ir.types import TensorType
from assay.ops.catalogue import load
from assay.ops.facts import Unsatisfied
from assay.report.summary import share

EVEN = ("motifs", *PYTHON, "programs")
"""What is drawn evenly, more or less, among its kind."""

BEYOND_GRAPHS: frozenset[Key] = frozenset(
    {
        ("backward", "yes"),
        ("style", "forward"),
        *(("layout", kind) for kind in ("permuted", "sliced", "expanded", "channels_last", "alias")),
    }
)
"""What programs for torch have and graphs have not."""

ENOUGH = 5.0
"""What was expected so often and never came is no accident: that has a chance of 0.7 %."""

OPTION_DRAWS = 4000
SHOWN = 20
ALL = "all"
LONGEST_NAME = 18


class Why(StrEnum):
    """Why something was never engaged."""

    EXCLUDED = "left out by --include or --exclude"
    UNSAYABLE = "not in the dialect of the target"
    OPERATOR = "its operator never came"
    NOT_OFFERED = "no policy that was drawn allows it"
    FEW = "too few cases"
    REFUSED = "expected, yet never seen: refused, or drawn seldom"
    IDLE = "seen only where the target was not engaged"
    UNKNOWN = "not known, since the cases could not be made again"


@dataclass(frozen=True, slots=True)
class Never:
    """Something that was never engaged: how often it was exercised, and how often it was to be expected."""

    what: str
    why: Why
    exercised: int
    expected: float


@dataclass(frozen=True, slots=True)
class Measure:
    """One of the things that are counted: how many kinds of it were exercised and engaged, out of all."""

    name: str
    exercised: int
    engaged: int
    of: int
    never: tuple[Never, ...]


def measures(coverage: RunCoverage, target: str | None = None) -> list[Measure]:
    """What was exercised on a target, or on all of them."""
    targets = tuple(coverage.targets) if target is None else (target,)
    tally = coverage.tally(target)
    reasons = _Reasons(coverage, tally, targets)
    found = []
    for name in TITLES:
        every = reasons.declared(name)
        seen, engaged = set(tally.seen[name]), set(tally.engaged[name])
        never = (reasons.never(name, key) for key in sorted(every - engaged))
        found.append(Measure(name, len(seen), len(engaged), len(every), tuple(never)))
    return found


class _Reasons:
    """Why things were never engaged on some targets."""

    def __init__(self, coverage: RunCoverage, tally: Tally, targets: Sequence[str]) -> None:
        self._tally = tally
        self._unmade = 0 < coverage.cases == coverage.unmade
        self._drawn_from = set(coverage.settings.operators)
        dialects = [_dialect(target) for target in targets]
        self._sayable = {
            name
            for dialect in dialects
            for name in dialect.operators([name for name in load() if name in self._drawn_from])
        }
        self._python = any(dialect.python for dialect in dialects)
        self._opsets = any(dialect.opset is not None for dialect in dialects)
        self._options = _expected_options(coverage, targets)
        self._every = {name: self._declared(name) for name in TITLES}
        self._producers, self._consumers = _ends(tally)
        self._rates = {"dtypes": self._rate("dtypes"), "forms": self._rate("forms")}
        self._groups = Counter((name, _group(name, key)) for name in EVEN for key in self._every[name])
        self._totals: Counter[tuple[str, str]] = Counter()
        for name in EVEN:
            for key, count in tally.seen[name].items():
                self._totals[name, _group(name, key)] += count

    def declared(self, name: str) -> set[Key]:
        """All that could be exercised."""
        return self._every[name]

    def _declared(self, name: str) -> set[Key]:
        known = set(self._options) if name == "options" else declared(name, self._tally, self._opsets)
        return known | set(self._tally.seen[name])

    def _rate(self, name: str) -> dict[str, float]:
        """How often each dtype or form is taken by an operator that could have taken it."""
        taken: Counter[str] = Counter()
        chances: dict[str, float] = {}
        for key in self._every[name]:
            taken[key[1]] += self._tally.seen[name][key]
            chances[key[1]] = chances.get(key[1], 0.0) + self._chances(name, key)
        return {each: taken[each] / count for each, count in chances.items() if count}

    def _chances(self, name: str, key: Key) -> float:
        if name == "forms":
            return float(self._tally.seen["operators"][key[:1]])
        return self._tally.chances[name].get(key, 0.0)

    def never(self, name: str, key: Key) -> Never:
        """What is to be told of something that was never engaged."""
        exercised, expected = self._tally.seen[name][key], self._expected(name, key)
        what = " -> ".join(key) if name == "pairs" else "=".join(key) if name == "options" else " ".join(key)
        return Never(what, Why.IDLE if exercised else self._why(name, key, expected), exercised, expected)

    def _why(self, name: str, key: Key, expected: float) -> Why:
        operators = _operators(name, key)
        if any(operator not in self._drawn_from for operator in operators):
            return Why.EXCLUDED
        if any(operator not in self._sayable for operator in operators):
            return Why.UNSAYABLE
        if not self._python and _beyond_graphs(name, key):
            return Why.UNSAYABLE
        if self._unmade:
            return Why.UNKNOWN
        if name != "operators" and any(not self._tally.seen["operators"][operator,] for operator in operators):
            return Why.OPERATOR
        if name in ("operators", "dtypes") and self._tally.whole_cases and not self._chances(name, key):
            return Why.NOT_OFFERED
        return Why.FEW if expected < ENOUGH else Why.REFUSED

    def _expected(self, name: str, key: Key) -> float:
        """How often something was to be expected."""
        match name:
            case "operators" | "classes":
                return self._chances(name, key)
            case "dtypes" | "forms":
                # As often as other operators take the dtype or form, where they can.
                return self._chances(name, key) * self._rates[name].get(key[1], 0.0)
            case "pairs":
                # Had producers and consumers met regardless of each other.
                total = sum(self._producers.values())
                return self._producers[key[0]] * self._consumers[key[1]] / total if total else 0.0
            case "options":
                return self._options.get(key, 0.0)
            case _:
                # An even share of its group.
                return self._totals[name, _group(name, key)] / max(self._groups[name, _group(name, key)], 1)


def _group(name: str, key: Key) -> str:
    """The things that are drawn beside each other: motifs, expressions, else by the first part of their names."""
    return "" if name == "motifs" or len(key) == 1 else key[0]


def _operators(name: str, key: Key) -> Key:
    """The operators without which something cannot be."""
    match name:
        case "operators" | "pairs":
            return key
        case "dtypes" | "forms" | "classes":
            return key[:1]
        case "motifs" if key[0] in load_motifs():
            return load_motifs()[key[0]].uses
        case _:
            return ()


def _beyond_graphs(name: str, key: Key) -> bool:
    """Whether only programs for torch have something: a form that is not a function, a Python expression, a region or
    condition that ONNX has not; of motifs, those that no transformer of ONNX Runtime seeks."""
    match name:
        case "forms":
            return key[1] != "function"
        case "motifs" if key[0] in load_motifs():
            return not load_motifs()[key[0]].onnxruntime
        case "regions":
            return key[0] not in KINDS
        case "conditions":
            return not _says(key[0])
        case _:
            return name in PYTHON or key in BEYOND_GRAPHS


def _says(condition: str) -> bool:
    try:
        Dialect(DEFAULT_OPSET).check_test(condition, TensorType("float32", (3, 4)))
    except Unsatisfied:
        return False
    return True


def _dialect(target: str) -> Dialect:
    if _onnx(target):
        return Dialect(DEFAULT_OPSET)
    return Dialect(graph_only=True, kernels_only=True) if find_backend(target).kernels_only else TORCH


def _onnx(target: str) -> bool:
    return find_backend(target).framework == "onnx"


def _ends(tally: Tally) -> tuple[Counter[str], Counter[str]]:
    """How often each operator produced what another consumed, and consumed what another produced."""
    producers: Counter[str] = Counter()
    consumers: Counter[str] = Counter()
    for (producer, consumer), count in tally.seen["pairs"].items():
        producers[producer] += count
        consumers[consumer] += count
    return producers, consumers


def _expected_options(coverage: RunCoverage, targets: Sequence[str]) -> dict[Key, float]:
    """How often each value of each option was to be expected: what backends draw, over the cases of each target."""
    expected: dict[Key, float] = {}
    for target in targets:
        tally = coverage.targets[target]
        trained = tally.seen["programs"]["backward", "yes"] / max(tally.whole_cases, 1)
        draw = random.Random(0)
        backend = find_backend(target)
        for number in range(OPTION_DRAWS):
            for option in flat(backend.options(draw, number < trained * OPTION_DRAWS)):
                expected[option] = expected.get(option, 0.0) + tally.whole_cases / OPTION_DRAWS
    return expected


def coverage_to_json(coverage: RunCoverage, full: bool) -> dict[str, Any]:
    """The coverage of a run as JSON-compatible data. Lists of what never was are cut short unless ``full``."""
    told: dict[str, Any] = {
        "cases": coverage.ran,
        "cases_counted": coverage.cases,
        "cases_not_made_again": coverage.unmade,
        "targets": {},
    }
    targets = tuple(coverage.targets)
    for target in (None, *targets) if len(targets) > 1 else targets:
        tally = coverage.tally(target)
        told["targets"][target or ALL] = {
            "cases": tally.cases,
            "engaged": tally.engaged_cases,
            "measures": {each.name: _measure_to_json(each, full) for each in measures(coverage, target)},
        }
    return told


def _measure_to_json(measure: Measure, full: bool) -> dict[str, Any]:
    never = []
    for why, items in by_reason(measure):
        shown = items if full else items[:SHOWN]
        listed = [
            {"what": each.what, "exercised": each.exercised, "expected": round(each.expected, 3)} for each in shown
        ]
        never.append({"why": why.value, "count": len(items), "items": listed})
    return {"exercised": measure.exercised, "engaged": measure.engaged, "of": measure.of, "never": never}


def by_reason(measure: Measure) -> list[tuple[Why, list[Never]]]:
    """What was never engaged, by its reason, in the order of the reasons; most expected first."""
    found: dict[Why, list[Never]] = {}
    for each in measure.never:
        found.setdefault(each.why, []).append(each)
    return [(why, sorted(found[why], key=lambda each: -each.expected)) for why in Why if why in found]


def coverage_screen(folder: object, coverage: RunCoverage, full: bool, width: int) -> str:
    """The coverage of a run for people: a table, and what never was, cut to lines of ``width`` unless ``full``."""
    rows = [row for row in measures(coverage) if row.of]
    lines = [*_head(folder, coverage), "", *_table(coverage, rows, width), ""]
    lines.append("Never engaged, and why" + ("" if full else " (--full lists all)"))
    for row in rows:
        if row.never:
            lines.append(f"{TITLES[row.name]}: {len(row.never)} of {row.of}")
        for why, items in by_reason(row):
            lines += _listed(why, items) if full else [_cut(why, items, width)]
    return "\n".join(lines)


def _head(folder: object, coverage: RunCoverage) -> list[str]:
    tally = coverage.tally()
    on = f"{len(coverage.targets)} targets" if len(coverage.targets) > 1 else next(iter(coverage.targets))
    of = "" if coverage.cases == coverage.ran else f" of {coverage.ran}"
    lines = [f"{folder}: {tally.cases}{of} cases on {on}, {share(tally.engaged_cases, tally.cases)} engaged"]
    if coverage.unmade:
        lines.append(f"{coverage.unmade} cases could not be made again, and counted by their operators alone:")
        lines.append("another Assay made them, or made them for another release of a runtime")
    return lines


def _table(coverage: RunCoverage, rows: Sequence[Measure], width: int) -> list[str]:
    """A line a measure: all targets, then the engaged share of each of several, for as many as there is room."""
    columns = [["", *(TITLES[row.name] for row in rows)]]
    columns.append(["of", *(str(row.of) for row in rows)])
    columns.append(["exercised", *(share(row.exercised, row.of) for row in rows)])
    columns.append(["engaged", *(share(row.engaged, row.of) for row in rows)])
    left = []
    for target in coverage.targets if len(coverage.targets) > 1 else ():
        own = {row.name: _share(row) for row in measures(coverage, target)}
        column = [
            target if len(target) <= LONGEST_NAME else f"{target[: LONGEST_NAME - 1]}…",
            *(own[row.name] for row in rows),
        ]
        if sum(_width(each) + 2 for each in (*columns, column)) <= width:
            columns.append(column)
        else:
            left.append(target)
    lines = [
        "  ".join(cell.ljust(size) if not number else cell.rjust(size) for number, (cell, size) in enumerate(cells))
        for cells in zip(*([(cell, _width(column)) for cell in column] for column in columns), strict=True)
    ]
    return [*lines, *(f"  no room for {target}: --target {target}" for target in left)]


def _share(row: Measure) -> str:
    """The engaged share; a dot where there is nothing that the target could."""
    nothing = row.never and not row.engaged and all(each.why is Why.UNSAYABLE for each in row.never)
    return "·" if nothing else share(row.engaged, row.of)


def _width(column: Sequence[str]) -> int:
    return max(len(cell) for cell in column)


def _cut(why: Why, items: Sequence[Never], width: int) -> str:
    """A reason with as many of its things as fit into one line."""
    line = f"  {len(items):6}  {why}"
    for number, each in enumerate(items):
        longer = f"{line}{', ' if number else ': '}{_told(each)}"
        if len(longer) + 5 > width:
            return f"{line}, ..." if number else line
        line = longer
    return line


def _listed(why: Why, items: Sequence[Never]) -> list[str]:
    return [f"  {len(items):6}  {why}", *(f"          {_told(each)}" for each in items)]


def _told(never: Never) -> str:
    if never.why is Why.IDLE:
        return f"{never.what} ({never.exercised} seen)"
    told = f"{never.expected:.1f}" if never.expected < ENOUGH else f"{never.expected:.0f}"
    return f"{never.what} ({told} expected)" if never.why in (Why.FEW, Why.REFUSED) else never.what
