"""Which operators of ONNX a system knows, found by showing it a model of each."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Sequence
from typing import Any

OPSET, IR_VERSION = 21, 10
SECONDS = 10


def operators() -> list[str]:
    """The names of the operators of the default domain."""
    from onnx import defs

    return sorted({schema.name for schema in defs.get_all_schemas() if schema.domain == ""})


def known_operators(attempt: Callable[[Any], bool]) -> list[str]:
    """The operators of which ``attempt`` says, given a model with one node of theirs, that they are known.

    The model may be invalid otherwise. One at which the process dies, or that takes too long, is not known: what is
    tried is tried in a fork.
    """
    return surviving(lambda name: attempt(model_of([name])), operators())


def surviving(attempt: Callable[[str], bool], names: Sequence[str]) -> list[str]:
    """The names for which ``attempt`` is true and the process lives."""
    found: list[str] = []
    rest = list(names)
    while rest:
        answers = _in_fork(attempt, rest)
        found += [name for name, answer in zip(rest, answers) if answer == ord("y")]  # noqa: B905 -- Python 3.9
        # The one after the last answer is what it died of.
        rest = rest[len(answers) + 1 :]
    return found


def _in_fork(attempt: Callable[[str], bool], names: Sequence[str]) -> bytes:
    """An answer, y or n, for each name up to the one that a child dies of."""
    ours, theirs = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            signal.signal(signal.SIGALRM, signal.SIG_DFL)
            silence = os.open(os.devnull, os.O_WRONLY)
            os.dup2(silence, 1)
            os.dup2(silence, 2)
            for name in names:
                signal.alarm(SECONDS)
                os.write(theirs, b"y" if attempt(name) else b"n")
        finally:
            os._exit(0)
    os.close(theirs)
    with open(ours, "rb") as answers:
        found = answers.read()
    os.waitpid(pid, 0)
    return found


def model_of(names: Sequence[str]) -> Any:
    """A model with a node of each operator, which has as many operands as it must have."""
    from onnx import TensorProto, defs, helper

    def count(operator: str) -> int:
        try:
            return max(1, defs.get_schema(operator, OPSET).min_input)
        except defs.SchemaError:
            return 1

    info = [helper.make_tensor_value_info(each, TensorProto.FLOAT, [2, 3]) for each in ("x", f"y_{names[0]}")]
    nodes = [helper.make_node(name, ["x"] * count(name), [f"y_{name}"]) for name in names]
    graph = helper.make_graph(nodes, "probe", info[:1], info[1:])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION)
