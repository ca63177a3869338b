"""Which features and changes of the source ``python`` the installed Dynamo traces, each by itself, and what stops it.

    python -m benchmarks.python_engagement [--only 'class.*'] [--draws 2] [--where module|program] [--dynamic]

A program of one feature (or change) and one operation of a tensor is compiled by torch.compile(backend="eager") and
called as its case would be. It engages where that leaves a graph with an operator in it and no graph break, as a worker
has it (`torch_backends.engagement`), and where Dynamo gave nothing up that it counts as no break: a branch on data. The
first draw has constants in the holes, the others values of the program too; where definitions stand in the program,
Dynamo is told to trace those of classes. What does not engage is compiled again with fullgraph=True, whose exception
says why and at which line. Prints JSON: what disagrees with the flag `breaks` of a feature, first of all.
"""

from __future__ import annotations

import argparse
import json
import linecache
import logging
import random
import re
import sys
import types
import warnings
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from typing import Any

from assay.emit.torch import render
from assay.execution.worker import torch_backends
from assay.generate.python.changes import CHANGES, Change
from assay.generate.python.feature import Feature, features
from assay.generate.python.modelled import from_json
from assay.generate.python.source import COMPUTING, LITERALS, Composer
from assay.ir.program import Program

NOTHING = from_json({"version": "", "modelled": [], "calls": {}, "unreturnable": [], "breaking": []})
MODULE = "assay_case"
FILE = "<the program>"
PLACES = ("module", "program")
BUILT = {"dynamo.enable_trace_load_build_class": True}
ATTEMPTS = 200
"""One of eight definitions stands in the program; so many seeds are tried until one does."""


def alone(what: Feature | Change, draw: int = 0, where: str = "module") -> Program:
    """The program of one feature or change and an operation of a tensor. ``where`` says where its definitions, if it
    has any, stand; those that say ``global`` stand in the module always. A ``draw`` other than 0 has arguments of every
    type, which may stand in the holes."""
    for attempt in range(ATTEMPTS):
        composer = Composer(random.Random(f"{what.name}/{draw}/{attempt}"), NOTHING)
        composer.argument("t", "torch.arange(4.) - 1")
        for kind in LITERALS if draw else ():
            composer.argument(kind, composer.value(kind))
        if isinstance(what, Change):
            composer.change(what)
        else:
            composer.feature(what)
        # One that accepts what any feature gives.
        composer.tensor_statement(COMPUTING[:1])
        if isinstance(what, Change) or not what.definition or bool(composer.definitions) == (where == "module"):
            return composer.finished(training=False)
    return composer.finished(training=False)


def engagement(program: Program, options: dict[str, Any]) -> dict[str, Any]:
    """What a worker would say of the calls of a program under options of its backend, with ``engaged``, ``reason`` and
    ``line``; the latter two are empty where Dynamo traces it whole."""
    text = render(program)
    error = _called(text, len(program.calls), options)
    found = torch_backends.engagement()
    found["engaged"] = found["engaged"] and not found["break_reasons"]
    reason, line = "", ""
    if error is not None:
        found["engaged"] = False
        reason, line = _why(error)
    elif not found["engaged"]:
        stopped = _called(text, len(program.calls), {**options, "fullgraph": True})
        reason, line = _why(stopped) if stopped is not None else (next(iter(found["break_reasons"]), "no operator"), "")
    return {**found, "reason": reason.split("\n")[0], "line": line, "raised": error is not None}


def _called(text: str, calls: int, options: dict[str, Any]) -> Exception | None:
    """The exception with which the compiled program ends, if any. Counters are those of these calls afterwards."""
    torch_backends.reset()
    module = types.ModuleType(MODULE)
    sys.modules[MODULE] = module
    linecache.cache[FILE] = (len(text), None, text.splitlines(keepends=True), FILE)
    exec(compile(text, FILE, "exec"), module.__dict__)
    try:
        function = torch_backends.compiled(module.program, "eager", options)
        for number in range(calls):
            if hasattr(module, "between"):
                module.between(number)
            arguments = module.inputs(number)
            if hasattr(module, "around"):
                with module.around(number):
                    function(*arguments)
            else:
                function(*arguments)
    except Exception as error:  # a limitation, a bug of Dynamo's, or what the program is about
        return error
    finally:
        del sys.modules[MODULE]
        _put_back()
    return None


def _put_back() -> None:
    """The modes that changes switch, where a call raised before they were switched back."""
    import torch

    torch.set_default_dtype(torch.float32)
    torch.set_grad_enabled(True)
    torch.use_deterministic_algorithms(False)
    torch.set_autocast_enabled("cpu", False)


def _why(error: Exception) -> tuple[str, str]:
    """The first line of an exception, and the innermost line of the program that it names."""
    said = str(error)
    lines = re.findall(rf'File "{re.escape(FILE)}", line \d+, in .*\n\s+(.+)', said)
    first = said.strip().splitlines()[0] if said.strip() else ""
    explained = re.search(r"Explanation: (.+)", said)
    reason = f"{type(error).__name__}: {first}" + (f" ({explained[1]})" if explained else "")
    return reason[:300], lines[-1].strip() if lines else ""


def chosen(pattern: str) -> Iterator[Feature | Change]:
    """The features and changes whose names match."""
    for each in (*features(), *CHANGES):
        if fnmatchcase(each.name, pattern):
            yield each


def measured(what: Feature | Change, draws: int, places: Sequence[str], dynamic: bool) -> Iterator[dict[str, Any]]:
    """The figures of one feature or change: a row for each place that its definitions can stand at."""
    for where in places if isinstance(what, Feature) and what.definition else PLACES[:1]:
        options = {"dynamic": True if dynamic else None, "config": BUILT if where == "program" else {}}
        found = [engagement(alone(what, draw, where), options) for draw in range(draws)]
        stopped = next((each for each in found if not each["engaged"]), None)
        row = {"name": what.name, "where": where, "engaged": sum(each["engaged"] for each in found), "draws": draws}
        if isinstance(what, Feature):
            row["breaks"] = what.breaks
        if stopped is not None:
            row.update({key: stopped[key] for key in ("graphs", "operators", "graph_breaks", "reason", "line")})
        yield row


def main() -> int:
    """Measure and print; exit code 1 where a flag says otherwise than Dynamo does."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="*")
    parser.add_argument("--draws", type=int, default=2, help="programs of each, with other values in the holes")
    parser.add_argument("--where", choices=PLACES, action="append", help="where definitions stand; both by default")
    parser.add_argument("--dynamic", action="store_true", help="compile with dynamic=True")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    logging.disable(logging.CRITICAL)
    places = arguments.where or PLACES
    rows = [
        row for each in chosen(arguments.only) for row in measured(each, arguments.draws, places, arguments.dynamic)
    ]
    # Where the definitions stand in the program, Dynamo builds the classes too, which is a matter of its own.
    unlike = [
        row for row in rows
        if row["where"] == "module" and (row["engaged"] > 0 if row.get("breaks") else row["engaged"] < row["draws"])
    ]  # fmt: skip
    found = {
        "programs": sum(row["draws"] for row in rows),
        "engaged": sum(row["engaged"] for row in rows),
        "unlike their flag": unlike,
        "not engaged": [row for row in rows if row["engaged"] < row["draws"] and row not in unlike],
    }
    print(json.dumps(found, indent=1))
    return 1 if unlike else 0


if __name__ == "__main__":
    sys.exit(main())
