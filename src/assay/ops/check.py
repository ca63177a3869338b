"""`assay ops check`: specifications against the framework's own shape inference and an eager run, over samples.

Instances are drawn here; they run in another process with the interpreter that has torch (`check_torch`, run by path),
so that nothing here imports a framework.
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from assay.ir.sizes import Shape, value_in
from assay.ir.types import ALL, RANKS, ScalarType, TensorType
from assay.ops.catalogue import load
from assay.ops.facts import Facts, Unsatisfied
from assay.ops.interpret import apply_operator
from assay.ops.onnx_forms import Arg, Args, Graph, TypeName, express
from assay.ops.protocol import Operator, bind
from assay.ops.sampling import INSTANTIATIONS, Instance, Sizes, contents, sample_instance
from assay.ops.text import expression, forms

RUNNER = Path(__file__).with_name("check_torch.py")
ONNX_RUNNER = Path(__file__).with_name("check_onnx.py")
PROBES = 3
OPSETS = (17, 18, 19, 20, 21, 21, 21, 22, 23, 24, 25, 26)


@dataclass(frozen=True, slots=True)
class Report:
    """What was found of one operator: how many instances ran, and each failure with the text that showed it.

    ``saves`` is what backward was seen to keep over all instances.
    """

    operator: str
    instances: int
    failures: tuple[str, ...]
    saves: frozenset[str] = field(default_factory=frozenset)

    @property
    def passed(self) -> bool:
        """Whether there were instances and none failed."""
        return self.instances > 0 and not self.failures


def check(names: Sequence[str] = (), samples: int = 20, python: str = sys.executable, seed: int = 0) -> list[Report]:
    """Check the operators of these names (all if empty) on ``samples`` instances each or more, of every dtype and rank;
    and probe whether torch takes more of these than are declared.

    Raises RuntimeError where the other process ends early.
    """
    operators = [operator for name, operator in load().items() if not names or name in names]
    requests: list[dict[str, Any]] = []
    unsatisfied: dict[str, list[str]] = {}
    for operator in operators:
        rng = random.Random(f"{seed} {operator.name}")
        for instance in _instances(operator, samples, rng, unsatisfied.setdefault(operator.name, [])):
            requests.append(request(instance, rng, rng.randrange(INSTANTIATIONS)))
    answers = _run(requests, python)
    timid = probe([operator.name for operator in operators], python, seed)
    reports = []
    for operator in operators:
        pairs = [(r, a) for r, a in zip(requests, answers, strict=True) if r["operator"] == operator.name]
        failures = [f"{failure}\n    in {_title(r)}" for r, a in pairs for failure in a["failures"]]
        failures += [
            f"torch takes {more}, which is neither declared nor left out" for more in timid.get(operator.name, ())
        ]
        saves = frozenset(answer["saves"] for _, answer in pairs)
        reports.append(Report(operator.name, len(pairs), (*unsatisfied[operator.name], *failures), saves))
    return reports


@dataclass(frozen=True, slots=True)
class OnnxReport:
    """What was found of the ONNX form of one operator: how many instances ran, those that the runtime has no kernel
    for, by dtype, and each failure with the text that showed it."""

    operator: str
    instances: int
    gaps: Mapping[str, int]
    failures: tuple[str, ...]

    @property
    def passed(self) -> bool:
        """Whether instances ran and none failed."""
        return self.instances > 0 and not self.failures


def check_onnx(
    names: Sequence[str] = (), samples: int = 20, python: str = sys.executable, seed: int = 0
) -> list[OnnxReport]:
    """Hold the ONNX forms of operators against what torch gives, on ONNX Runtime without optimisations.

    bfloat16 is left out: numpy cannot hand it over. Raises RuntimeError where the other process ends early.
    """
    operators = [operator for name, operator in load().items() if operator.onnx and (not names or name in names)]
    requests: list[dict[str, Any]] = []
    for operator in operators:
        rng = random.Random(f"{seed} {operator.name} onnx")
        for instance in _instances(operator, samples, rng, []):
            which = rng.randrange(INSTANTIATIONS)
            model = _model(instance, rng.choice(OPSETS)) or _model(instance, OPSETS[-1])
            if model is not None and all(dtype != "bfloat16" for _, dtype in model["inputs"] + model["outputs"]):
                unpromised = list(operator.unpromised)
                requests.append(request(instance, rng, which) | {"model": model, "unpromised": unpromised})
    answers = _run(requests, python, ONNX_RUNNER)
    reports = []
    for operator in operators:
        pairs = [(r, a) for r, a in zip(requests, answers, strict=True) if r["operator"] == operator.name]
        failures = [
            f"{failure}\n    in {_title(r)}, opset {r['model']['opset']}" for r, a in pairs for failure in a["failures"]
        ]
        gaps = Counter(_dtypes(r) for r, a in pairs if a["gap"])
        reports.append(OnnxReport(operator.name, sum(not a["gap"] for _, a in pairs), dict(gaps), tuple(failures)))
    return reports


def _dtypes(request: dict[str, Any]) -> str:
    return ", ".join(dtype for name, dtype in request["model"]["inputs"] if name.startswith("p"))


def _model(instance: Instance, opset: int) -> dict[str, Any] | None:
    """The nodes of an instance's ONNX form, as `check_onnx` reads them; None where the opset has none."""
    operator = instance.operator
    graph = Graph(opset, {name: (name, None) for name in instance.symbols})
    arguments: list[Args] = []
    inputs = [[name, "int64"] for name in instance.symbols]
    for position, (specification, type_) in enumerate(zip(operator.operands, instance.types, strict=True)):
        if type_ is None:
            arguments.append(None)
        elif isinstance(type_, ScalarType):
            arguments.append(Arg(None, type_, instance.scalars[specification.name]))
        elif isinstance(type_, tuple):
            arguments.append(tuple(Arg(f"p{position}_{number}", item) for number, item in enumerate(type_)))
        else:
            arguments.append(Arg(f"p{position}", type_))
        for each in arguments[-1] if isinstance(arguments[-1], tuple) else (arguments[-1],):
            if each is not None and each.name is not None:
                graph.dtypes[each.name] = each.dtype
                inputs.append([each.name, each.dtype])
    results = [result.type for result in instance.applied.results if isinstance(result.type, TensorType)]
    binding = bind(operator, instance.types, instance.attributes)
    try:
        names = express(graph, operator, binding, arguments, results)
    except Unsatisfied:
        return None
    # An output needs a node of its own.
    outputs = [f"r{position}" for position in range(len(names))]
    nodes = [
        [each.op, each.inputs, each.outputs, [_attribute(*pair) for pair in each.attributes]] for each in graph.nodes
    ]
    nodes += [["Identity", [name], [output], []] for name, output in zip(names, outputs, strict=True)]
    return {
        "opset": opset,
        "nodes": nodes,
        "constants": [[name, c.dtype, c.shape, c.values] for name, c in graph.constants.items()],
        "inputs": inputs,
        "outputs": [[name, result.dtype] for name, result in zip(outputs, results, strict=True)],
    }


def _attribute(name: str, value: Any) -> list[Any]:
    return [name, {"dtype": value.dtype} if isinstance(value, TypeName) else value]


class _Filled(Sizes):
    """Sizes of tensors that have elements: of one without, frameworks hardly look at the dtype."""

    def __init__(self, rng: random.Random) -> None:
        super().__init__(rng, symbolic=0)

    def size(self) -> int:
        """Not zero."""
        return self.random.choice((1, 2, 3, 4))


def probe(names: Sequence[str] = (), python: str = sys.executable, seed: int = 0) -> dict[str, tuple[str, ...]]:
    """By operator, dtypes and ranks of the first operand that torch takes, while the specification neither declares
    them nor gives a reason to leave them out."""
    requests: list[dict[str, Any]] = []
    labels: list[tuple[str, str]] = []
    for name, operator in load().items():
        if names and name not in names:
            continue
        rng = random.Random(f"{seed} {name}")
        first = operator.operands[0]
        wide = tuple(replace(each, dtypes=ALL) if each.dtypes == first.dtypes else each for each in operator.operands)
        wider = replace(operator, operands=(replace(wide[0], ranks=RANKS), *wide[1:]))
        undeclared = [(dtype, None) for dtype in ALL if dtype not in first.dtypes]
        for dtype, rank in [*undeclared, *((None, rank) for rank in RANKS if rank not in first.ranks)]:
            label = dtype or f"rank {rank}"
            for _ in range(0 if label in operator.left_out else PROBES):
                try:
                    instance = sample_instance(wider, rng, dtype or rng.choice(first.dtypes), rank, 30, _Filled)
                except (Unsatisfied, IndexError, ValueError, KeyError, TypeError, ZeroDivisionError):
                    # Rules are written for what is declared; where they cannot say anything else, there is nothing to
                    # probe.
                    continue
                requests.append(request(instance, rng, 0) | {"probe": True})
                labels.append((name, label))
    accepted: dict[str, tuple[str, ...]] = {}
    for (name, label), answer in zip(labels, _run(requests, python), strict=True):
        if not answer["failures"]:
            accepted[name] = tuple(dict.fromkeys((*accepted.get(name, ()), label)))
    return accepted


def _instances(operator: Operator, samples: int, rng: random.Random, failures: list[str]) -> list[Instance]:
    """At least ``samples`` instances, every dtype and every rank of the first operand among them."""
    first = operator.operands[0]
    result = []
    wanted: list[tuple[str | None, int | None]] = [(dtype, None) for dtype in first.dtypes]
    if first.make is None:
        wanted += [(None, rank) for rank in first.ranks]
    wanted += [(None, None)] * max(0, samples - len(wanted))
    for dtype, rank in wanted:
        try:
            result.append(sample_instance(operator, rng, dtype, rank))
        except Unsatisfied as reason:
            failures.append(f"dtype {dtype}, rank {rank}: {reason}")
    return result


def request(instance: Instance, rng: random.Random, which: int) -> dict[str, Any]:
    """The JSON form of an instance in one instantiation, as `check_torch` reads it."""
    operator = instance.operator
    operands: list[Any] = []
    rounded = False
    for specification, type_, fact in zip(operator.operands, instance.types, instance.facts, strict=True):
        if type_ is None:
            operands.append(None)
        elif isinstance(type_, ScalarType):
            operands.append({"scalar": instance.scalars[specification.name]})
        else:
            items = type_ if isinstance(type_, tuple) else (type_,)
            facts = fact if isinstance(type_, tuple) else (fact,)
            rounded = rounded or any(each.scale is None for each in facts)
            built = [
                _tensor(item, contents(specification, item, each, rng, which), which)
                for item, each in zip(items, facts, strict=True)
            ]
            for each in built:
                each["no_gradient"] = specification.no_gradient
            operands.append(built if isinstance(type_, tuple) else built[0])
    texts = [
        "None" if operand is None else repr(operand["scalar"]) if "scalar" in operand else f"p{position}"
        for position, operand in enumerate(operands)
    ]
    usable = [form for form in forms(operator, instance.attributes) if form != "function"]
    if not _in_place_fits(instance):
        usable = [form for form in usable if form != "inplace"]
    applied = instance.applied
    positions = operator.index
    return {
        "operator": operator.name,
        "text": expression(operator, texts, instance.attributes, "inplace" if operator.inplace_only else "function"),
        "forms": {
            form: expression(operator, texts, instance.attributes, form, "out" if form == "out" else None)
            for form in usable
            if not operator.inplace_only
        },
        "operands": operands,
        "sizes": {name: values[which] for name, values in instance.symbols.items()},
        "results": [_expected(result.type, result.facts, which) for result in applied.results],
        "writes": [[position, _bounds(fact)] for position, fact in applied.written],
        "view": None if operator.view is None else positions[operator.view],
        "maybe_view": None if operator.maybe_view is None else positions[operator.maybe_view],
        "inplace_only": operator.inplace_only,
        "refuses_gradient": _refuses_gradient(instance),
        "differentiable": operator.differentiable,
        "saves": operator.saves,
        "rounded_input": rounded,
        "probe": False,
    }


def _refuses_gradient(instance: Instance) -> bool:
    operator = instance.operator
    if operator.trains is not None and not operator.trains(bind(operator, instance.types, instance.attributes)):
        return True
    return not (operator.differentiable or operator.stops_gradients)


def _in_place_fits(instance: Instance) -> bool:
    if instance.operator.inplace is None or instance.types[0] != instance.applied.results[0].type:
        return False
    try:
        apply_operator(instance.operator, instance.abstracts, instance.attributes, "inplace")
    except Unsatisfied:
        return False
    return True


def _tensor(type_: TensorType, values: list[float], which: int) -> dict[str, Any]:
    return {"dtype": type_.dtype, "shape": _shape(type_.shape, which), "values": values}


def _shape(shape: Shape, which: int) -> list[int]:
    return [value_in(size, which) for size in shape]


def _bounds(fact: Facts | None) -> dict[str, Any]:
    return {"low": None} if fact is None else {"low": fact.low, "high": fact.high, "scale": fact.scale}


def _expected(type_: Any, fact: Facts | None, which: int) -> dict[str, Any]:
    return {"dtype": type_.dtype, "shape": _shape(type_.shape, which), **_bounds(fact)}


def _title(answered: dict[str, Any]) -> str:
    def told(operand: Any) -> str:
        if isinstance(operand, list):
            return f"[{', '.join(map(told, operand))}]"
        if operand is None or "scalar" in operand:
            return str(operand and operand["scalar"])
        values = operand["values"]
        spread = f"{min(values)}..{max(values)}" if values else ""
        return f"{operand['dtype']}{operand['shape']} {spread}"

    return f"{answered['text']} with {'; '.join(map(told, answered['operands']))} {answered['sizes'] or ''}"


def _run(requests: list[dict[str, Any]], python: str, runner: Path = RUNNER) -> list[dict[str, Any]]:
    lines = "".join(json.dumps(each) + "\n" for each in requests)
    done = subprocess.run([python, str(runner)], input=lines, capture_output=True, text=True, check=False)
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    if len(answers) != len(requests):
        where = requests[len(answers)]
        raise RuntimeError(f"the check ended at {where['operator']}: {_title(where)}\n{done.stderr[-2000:]}")
    return answers
