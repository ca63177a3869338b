"""A case from a program: its text, what is exact in it, and its recipe."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from assay.emit import onnx, torch, triton
from assay.ir.case import Case
from assay.ir.program import Opaque, Operation, Program, Region, opaques, output_names, walk
from assay.ir.serialize import program_to_json
from assay.ir.types import ContainerType, TensorType
from assay.ops.catalogue import load
from assay.ops.interpret import Abstract, Environment, interpret


def build_case(
    program: Program,
    *,
    source: str,
    target: str,
    options: Mapping[str, Any],
    recipe: Mapping[str, Any] | None = None,
    environment: Environment | None = None,
) -> Case:
    """The case of a program on a target: a model where the recipe has an "opset", kernels where it has a plan of
    theirs under "triton".

    Raises Unsatisfied where the program does not meet its specifications.

    ``environment`` is what interpretation of this very program found, where the caller has it already.
    """
    if environment is None:
        program, environment = interpret(program, load())
    transforms = transforms_of(program)
    operations = [statement for statement in walk(program.body) if isinstance(statement, Operation)]
    texts = opaques(program)
    exercised = [operation.operator for operation in operations]
    exercised += [name for each in texts for name in each.label.split("; ") if name]
    return Case(
        source=source,
        target=target,
        options=options,
        text=text_of(program, recipe or {}),
        training=program.training,
        calls=len(program.calls),
        recipe={**(recipe or {}), "program": program_to_json(program), "transforms": list(transforms)},
        exact=_exact(program, environment),
        operators=tuple(dict.fromkeys(exercised)),
        operations=len(operations) + len(texts),
        transforms=transforms,
    )


def transforms_of(program: Program) -> tuple[str, ...]:
    """The names of the transforms whose rewrites the program holds, in textual order, each once."""
    regions = (each for each in walk(program.body) if isinstance(each, Region) and each.kind == "rewrite")
    return tuple(dict.fromkeys(str(dict(region.attributes)["transform"]) for region in regions))


RENDERED_BY = ("opset", "triton")
"""What of a recipe says as what a program is written."""


def text_of(program: Program, recipe: Mapping[str, Any]) -> str:
    """The text that is executed: for torch, unless the recipe says otherwise. Raises Unsatisfied."""
    if "opset" in recipe:
        return onnx.render(program, recipe["opset"])
    return triton.render(program, recipe["triton"]) if "triton" in recipe else torch.render(program)


def _exact(program: Program, environment: Environment) -> dict[str, Any]:
    """Which tensors are judged bit by bit: the leaves of the outputs, the arguments, the state; of a program that is
    text throughout, everything, since its numbers are small integers.
    """
    if program.body and all(isinstance(statement, Opaque) for statement in program.body):
        return {"everything": True}
    outputs: list[bool] = []
    for name in output_names(program.outputs):
        outputs += _leaves(environment.values[name])
    arguments = [
        environment.values[entry.name].exact
        for entry in program.inputs
        if entry.role == "argument" and isinstance(entry.value.type, TensorType)
    ]
    state = {entry.name: environment.values[entry.name].exact for entry in program.inputs if entry.role != "argument"}
    return {"outputs": outputs, "arguments": arguments, "state": state}


def _leaves(abstract: Abstract) -> list[bool]:
    if isinstance(abstract.type, ContainerType):
        return [leaf for item in abstract.items for leaf in _leaves(item)]
    return [abstract.exact] if isinstance(abstract.type, TensorType) else []
