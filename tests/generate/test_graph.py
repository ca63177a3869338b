"""Generated programs: determined by the seed, valid, and exact where they say so."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from assay.emit.cases import build_case
from assay.emit.torch import render
from assay.generate.graph import draw_program, make_case, make_program
from assay.generate.settings import Settings
from assay.ir.case import Case
from assay.ir.program import Operation, PythonOperation, Region, operations, output_names, walk
from assay.ir.serialize import program_from_json, program_to_json
from assay.ir.types import ScalarType, TensorType, Type, is_float
from assay.ir.verify import verify
from assay.ops.catalogue import load, select
from assay.ops.facts import Unsatisfied
from assay.ops.interpret import interpret
from assay.ops.twin import in_float64

SETTINGS = Settings(seed=3, operators=tuple(load()), nodes=10, targets=("aot_eager", "inductor"))


def test_the_case_at_an_index_follows_from_the_settings() -> None:
    first = [make_case(SETTINGS, index).to_json() for index in range(10)]
    assert [make_case(SETTINGS, index).to_json() for index in reversed(range(10))][::-1] == first
    assert len({Case.from_json(data).id for data in first}) == 10


def test_another_seed_gives_other_cases() -> None:
    other = Settings(4, SETTINGS.operators, SETTINGS.nodes, SETTINGS.targets)
    assert make_case(SETTINGS, 0).id != make_case(other, 0).id


@pytest.mark.parametrize("index", range(40))
def test_a_program_is_well_formed_and_its_types_follow_from_its_specifications(index: int) -> None:
    program, _ = make_program(SETTINGS, index)
    verify(program)
    again, _ = interpret(program, load())
    assert again == program
    assert program_from_json(program_to_json(program)) == program
    assert render(program_from_json(program_to_json(program))) == render(program)


def test_a_program_need_not_be_interpreted_again_to_say_what_is_exact() -> None:
    """What the builder knows of values is what interpretation finds."""
    known = 0
    for index in range(60):
        drawn = draw_program(SETTINGS, index, forced={"transforms": 0})
        if drawn.environment is None:
            continue
        known += 1
        given: dict[str, Any] = {"source": "graph", "target": "eager", "options": {}}
        case = build_case(drawn.program, environment=drawn.environment, **given)
        assert case == build_case(drawn.program, **given)
    assert known > 30


def test_only_included_operators_are_drawn() -> None:
    names = tuple(select(["binary.*", "unary.clamp"]))
    for index in range(20):
        program, _ = make_program(Settings(1, names, 8, ("eager",)), index)
        assert {operation.operator for operation in operations(program)} <= set(names)


def test_a_function_that_writes_statistics_is_not_called_through_a_checkpoint() -> None:
    """Backward runs a checkpointed function again; eager updated the statistics twice, and compiled code once."""
    names = tuple(select(["norm.batch_norm_training", "unary.relu", "unary.neg"]))
    through: Counter[str] = Counter()
    for index in range(300):
        program, _ = make_program(Settings(5, names, 8, ("aot_eager",)), index, {"regions": 0.6, "training": True})
        writing = {
            region.results[0].name
            for region in walk(program.body)
            if isinstance(region, Region) and region.kind in ("def", "lambda")
            if any("norm" in str(getattr(each, "operator", "")) for each in walk(region.blocks[0].statements))
        }
        for call in walk(program.body):
            if isinstance(call, PythonOperation) and call.kind == "call" and call.operands[0] in writing:
                through[dict(call.attributes).get("through", "plain")] += 1
    assert set(through) == {"plain"}


def test_features_of_the_representation_all_arise() -> None:
    forms: set[str] = set()
    regions: set[str] = set()
    layouts: set[str] = set()
    roles: set[str] = set()
    calls: set[str] = set()
    writes_to_shared = 0
    symbolic = aliased = nested = 0
    for index in range(600):
        program, _ = make_program(SETTINGS, index)
        for statement in walk(program.body):
            if isinstance(statement, Operation):
                forms.add(statement.form)
            elif isinstance(statement, Region):
                regions.add(statement.kind)
            elif isinstance(statement, PythonOperation) and statement.kind == "call":
                calls.add(dict(statement.attributes).get("through", "plain"))
        shared = {entry.value.storage for entry in program.inputs if entry.base}
        writes_to_shared += any(
            isinstance(statement, Operation) and statement.form == "inplace" and statement.results[0].storage in shared
            for statement in walk(program.body)
        )
        roles |= {entry.role for entry in program.inputs}
        aliased += any(entry.base for entry in program.inputs)
        symbolic += bool(program.sizes)
        nested += any(not isinstance(item, str) for item in program.outputs[1]) if program.outputs[1] else 0
        layouts |= {argument.layout.kind for call in program.calls for _, argument in call.arguments}
    assert forms == {"function", "method", "operator", "inplace", "out"}
    assert regions == {"if", "for", "while", "with", "try", "def", "lambda", "rewrite"}
    assert layouts == {"contiguous", "permuted", "sliced", "expanded", "channels_last", "alias"}
    assert roles == {"argument", "parameter", "buffer"}
    assert calls == {"plain", "checkpoint", "autograd"}
    assert writes_to_shared >= 10
    assert symbolic
    assert aliased
    assert nested


def test_at_least_two_fifths_of_the_cases_are_exact_throughout() -> None:
    exact = 0
    for index in range(200):
        outputs = make_case(SETTINGS, index).exact["outputs"]
        exact += all(outputs)
    assert exact >= 80


def outputs_of(text: str) -> list[list[Any]]:
    """Every tensor that the calls return, inference only."""
    import torch
    from torch.utils._pytree import tree_leaves

    module: dict[str, Any] = {"__name__": "case"}
    exec(compile(text, "case.py", "exec"), module)
    first = (module["state"](),) if "state" in module else ()
    found = []
    for call in range(module["CALLS"]):
        with torch.no_grad():
            leaves = tree_leaves(module["program"](*first, *module["inputs"](call)))
            found.append([leaf.clone() for leaf in leaves if isinstance(leaf, torch.Tensor)])
    return found


@pytest.mark.torch
def test_exact_outputs_are_the_same_in_float64() -> None:
    torch = pytest.importorskip("torch")
    compared = 0
    for index in range(250):
        # Without writes: a cast that does nothing returns its operand, and does something in the twin.
        program, _ = make_program(SETTINGS, index, {"exact": True, "containers": 0.0, "mutation": 0.0, "transforms": 0})
        try:
            twin = in_float64(program)
        except Unsatisfied:
            continue
        exact = build_case(program, source="graph", target="eager", options={}).exact["outputs"]
        types = [interpret(program, load())[1].values[name].type for name in output_names(program.outputs)]
        types = [type_ for type_ in types if isinstance(type_, TensorType)]
        for low, high in zip(outputs_of(render(program)), outputs_of(render(twin)), strict=True):
            for flag, type_, a, b in zip(exact, types, low, high, strict=True):
                if flag and isinstance(type_, TensorType) and is_float(type_.dtype):
                    compared += 1
                    assert torch.equal(a.double(), b.double()), f"program {index} is not exact"
    assert compared > 300


def test_programs_return_python_numbers_that_follow_from_sizes() -> None:
    kinds: Counter[Type] = Counter()
    for index in range(200):
        program, _ = make_program(SETTINGS, index)
        environment = interpret(program, load())[1]
        for name in output_names(program.outputs):
            kinds[environment.values[name].type] += 1
    assert kinds[ScalarType("int")] > 10


def test_what_dynamo_alone_sees_is_not_drawn_for_a_backend_of_somebodys_own() -> None:
    settings = Settings(4, SETTINGS.operators, 6, ("torch:my_package.backend", "torch:eager"))
    cases = [make_case(settings, index) for index in range(60)]
    assert any(case.transforms for case in cases if case.target == "torch:eager")
    for case in cases:
        if case.target != "torch:eager":
            assert not case.transforms
            assert "between" not in case.recipe


def test_arguments_are_seldom_viewed_in_place() -> None:
    """Dynamo breaks the graph there; values that were computed are viewed in place as before."""
    argument = other = 0
    operators = load()
    for index in range(250):
        program, _ = make_program(SETTINGS, index, {"transforms": 0, "mutation": 1.0, "training": False})
        names = {entry.name for entry in program.inputs}
        for each in walk(program.body):
            if isinstance(each, Operation) and each.form == "inplace" and operators[each.operator].view:
                argument += each.operands[0] in names
                other += each.operands[0] not in names
    assert 0 < argument < other
