"""Programs keep away from what a specification says of memory and gradients of its operands."""

from __future__ import annotations

from collections import Counter

import pytest

from assay.emit.torch import render
from assay.generate.graph import make_program
from assay.generate.settings import Settings
from assay.ir.program import Operation, Program, Region, walk
from assay.ops.catalogue import load


def settings(*names: str, seed: int = 1) -> Settings:
    return Settings(seed, names, 8, ("eager",))


def made(program: Program) -> list[Operation]:
    """The operations of a program without regions, in order."""
    assert not any(isinstance(statement, Region) for statement in walk(program.body))
    return [statement for statement in program.body if isinstance(statement, Operation)]


def test_a_median_takes_nothing_that_was_expanded_nor_a_view_of_it() -> None:
    names = ("reduce.median", "reduce.amax", "view.expand", "view.t", "view.permute", "unary.neg")
    taken: Counter[tuple[str, bool]] = Counter()
    for index in range(150):
        program, _ = make_program(
            settings(*names),
            index,
            {"regions": 0.0, "transforms": 0, "containers": 0.0, "layouts": 0.7, "aliases": 0.3},
        )
        overlaps = {
            name for call in program.calls for name, argument in call.arguments if argument.layout.kind == "expanded"
        }
        overlaps |= {entry.name for entry in program.inputs if entry.base in overlaps}
        for operation in made(program):
            head = operation.operands[0]
            if operation.operator.startswith("reduce"):
                taken[operation.operator, head in overlaps] += 1
            if operation.operator == "view.expand" or (operation.operator.startswith("view") and head in overlaps):
                overlaps.add(operation.results[0].name)
    assert taken["reduce.median", True] == 0
    assert taken["reduce.median", False] > 20
    assert taken["reduce.amax", True] > 20


@pytest.mark.torch
def test_a_median_reduces_no_stride_of_0_when_it_runs() -> None:
    torch = pytest.importorskip("torch")
    names = ("reduce.median", "view.expand", "view.t", "view.transpose", "unary.neg")
    seen = 0
    original = torch.median

    def median(x: object, dim: int, **rest: object) -> object:
        nonlocal seen
        seen += 1
        assert not x.dim() or not x.numel() or x.size(dim) < 2 or x.stride(dim)  # type: ignore[attr-defined]
        return original(x, dim, **rest)

    for index in range(60):
        program, _ = make_program(
            settings(*names), index, {"layouts": 0.7, "forms": 0.0, "training": False, "transforms": 0}
        )
        module: dict[str, object] = {"__name__": "case"}
        exec(compile(render(program), "case.py", "exec"), module)
        first = (module["state"](),) if "state" in module else ()  # type: ignore[operator]
        torch.median = median
        try:
            module["program"](*first, *module["inputs"](0))  # type: ignore[operator]
        finally:
            torch.median = original
    assert seen > 20


def test_parameters_of_group_norm_train_in_4_and_5_dimensions_only_with_what_is_normalised() -> None:
    names = ("norm.group_norm", "unary.neg", "compare.gt", "cast.to")
    names = tuple(name for name in names if name in load())
    trained: Counter[tuple[bool, bool, bool]] = Counter()
    for index in range(300):
        program, _ = make_program(
            settings(*names, seed=2), index, {"regions": 0.0, "transforms": 0, "containers": 0.0, "training": True}
        )
        if not program.training:
            continue
        requires = {name for name, argument in program.calls[0].arguments if argument.requires_grad}
        ranks = {entry.name: len(getattr(entry.value.type, "shape", ())) for entry in program.inputs}
        for operation in made(program):
            x, *parameters = (name for name in operation.operands if isinstance(name, str))
            if operation.operator == "norm.group_norm":
                spatial = ranks[x] > 3
                trained[spatial, x in requires, any(name in requires for name in parameters)] += 1
            if load()[operation.operator].differentiable and requires & {x, *parameters}:
                requires |= {result.name for result in operation.results}
            ranks |= {result.name: len(getattr(result.type, "shape", ())) for result in operation.results}
    assert trained[True, False, True] == 0
    assert trained[True, True, True] > 10
    assert trained[True, True, False] > 10
    assert trained[False, False, True] > 3
