"""Programs over Python: well formed, the same from the same seed, mostly valid, and back where they were."""

from __future__ import annotations

import json
import random
import re
import sys
import types
from collections.abc import Iterator
from typing import Any

import pytest

from assay.emit.cases import build_case
from assay.emit.torch import render
from assay.generate.python.changes import CHANGES, Change
from assay.generate.python.feature import Feature, feature, features
from assay.generate.python.modelled import Modelled, from_json, modelled
from assay.generate.python.source import COMPUTING, Composer, compose
from assay.ir.program import Opaque, Program
from assay.ir.serialize import program_from_json, program_to_json
from assay.ir.verify import verify

SAMPLES = from_json(
    {
        "version": "",
        "modelled": ["builtins.sorted", "list.pop", "set.__iter__"],
        "unreturnable": ["set_iterator"],
        "breaking": ["list.pop"],
        "calls": {
            "builtins.sorted": {
                "accepted": [[None, [["list", "[3, 1]"]], {"reverse": "True"}, "list"]],
                "refused": [[None, [["int", "3"]], {}, "TypeError"]],
            },
            "list.pop": {"accepted": [[["list", "[3, 1]"], [["int", "-1"]], {}, "int"]], "refused": []},
            "set.__iter__": {"accepted": [[["set", "{1, 2}"], [], {}, "set_iterator"]], "refused": []},
        },
    }
)


def program(number: int, known: Modelled = SAMPLES) -> Program:
    return compose(random.Random(f"source/{number}"), known)


def test_a_program_follows_from_its_seed() -> None:
    assert program(3) == program(3) != program(4)


def test_programs_are_well_formed_and_survive_being_written_down() -> None:
    for number in range(150):
        made = program(number)
        verify(made)
        assert program_from_json(json.loads(json.dumps(program_to_json(made)))) == made
        compile(render(made), "case", "exec")


def test_every_program_ends_with_an_operation_of_a_tensor() -> None:
    """A size or a container of tensors alone would leave nothing to compile."""
    torch = pytest.importorskip("torch")
    counted: list[int] = []

    def counting(graph: Any, inputs: Any) -> Any:
        counted.append(sum(node.op.startswith("call") for node in graph.graph.nodes))
        return graph.forward

    values = {"int": 2, "float": 0.5, "list": [1, 2]}
    for template, _ in COMPUTING:
        text = template.format(t="t", **{key: repr(value) for key, value in values.items()})
        function = eval(f"lambda t: {text}", {"torch": torch})
        torch.compile(function, backend=counting)(torch.arange(4.0))
    torch._dynamo.reset()
    assert len(counted) == len(COMPUTING)
    assert min(counted) > 0
    for number in range(60):
        # What is left of iterators is taken after everything else.
        last = next(
            each
            for each in reversed(program(number).body)
            if not re.search(r"^ {4}v\d+ = list\(v\d+\)$", each.text, re.M)
        )
        assert isinstance(last, Opaque)
        assert last.writes[0].startswith("t")
        assert " if " not in last.text


def test_a_case_says_what_it_exercises() -> None:
    names = {name for number in range(60) for name in _case(program(number)).operators}
    assert {"builtins.sorted", "list.pop", "builtins.sorted(refused)"} <= names
    assert any(name.startswith("change.") for name in names)


def _case(made: Program) -> Any:
    return build_case(made, source="python", target="torch:eager", options={})


def test_a_hole_of_no_type_is_refused() -> None:
    with pytest.raises(ValueError, match="hole for 'thing'"):
        feature("x", "", "@a = $thing")


def test_a_definition_stands_above_the_line_and_decorators_stay() -> None:
    made = feature("x", "a:object", "class @C:\n    @property\n    def v(self):\n        return 1\n---\n@a = @C().v\n")
    assert "@@property" in made.definition
    assert made.text == "@a = @C().v"


# --- with torch: run by CPython


@pytest.fixture
def run() -> Iterator[Any]:
    torch = pytest.importorskip("torch")

    def called(made: Program) -> list[Any]:
        module = types.ModuleType("assay_case")
        sys.modules["assay_case"] = module
        exec(compile(render(made), "case", "exec"), module.__dict__)
        results = []
        for number in range(len(made.calls)):
            if hasattr(module, "between"):
                module.between(number)
            results.append(repr(module.program(*module.inputs(number))))
        return results

    yield called
    torch.set_default_dtype(torch.float32)
    torch.set_grad_enabled(True)
    torch.use_deterministic_algorithms(False)
    torch.set_autocast_enabled("cpu", False)
    sys.modules.pop("assay_case", None)


def composed(what: Feature | Change) -> Program:
    composer = Composer(random.Random(what.name), SAMPLES)
    composer.argument("t", "torch.arange(4.) - 1")
    if isinstance(what, Change):
        composer.change(what)
    else:
        composer.feature(what)
    return composer.finished(training=False)


@pytest.mark.torch
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", [each.name for each in features()])
def test_a_feature_runs_without_an_exception(name: str, run: Any) -> None:
    assert run(composed(next(each for each in features() if each.name == name)))


@pytest.mark.torch
@pytest.mark.filterwarnings("ignore")
def test_no_handler_hides_a_name_that_the_program_lacks(run: Any) -> None:
    """What CPython may refuse is guarded; a name that nothing binds would be refused as well, by both sides alike."""
    for number in range(150):
        made = program(number)
        if any(isinstance(each, Opaque) and "exception.name is gone" in each.label for each in made.body):
            continue
        try:
            results = run(made)
        except Exception as error:  # a few calls that are refused stand bare
            results = [type(error).__name__]
        assert not any("NameError" in each or "UnboundLocalError" in each for each in results), render(made)


# Of equal values, or of the compiler alone.
SILENT = (
    "change.reset in between",
    "change.submodule replaced",
    "change.attribute of a tensor",
    "change.bool and int",
    "change.marked dynamic, then not",
)


@pytest.mark.torch
@pytest.mark.parametrize("name", [each.name for each in CHANGES])
def test_a_change_is_seen_and_undone(name: str, run: Any) -> None:
    made = composed(next(each for each in CHANGES if each.name == name))
    first, *_, changed, last = run(made)
    assert first == last
    if name not in SILENT:
        assert changed != first


@pytest.mark.torch
def test_most_of_what_dynamo_models_can_be_called() -> None:
    pytest.importorskip("torch")
    known = modelled(sys.executable)
    named = {name for each in features() for name in each.exercises}
    exercised = set(known.accepted) | named
    assert len(known.names) > 300
    assert len(exercised & set(known.names)) >= 0.8 * len(known.names)


@pytest.mark.torch
def test_what_holds_an_address_is_no_sample() -> None:
    pytest.importorskip("torch")
    samples = modelled(sys.executable).accepted["builtins.hash"]
    assert samples
    assert not [each for each in samples if "lambda" in str(each)]
