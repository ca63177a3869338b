"""Texts of single transforms where a value or a run is out of the ordinary; sites in generated programs are the rest
(`test_twins`)."""

from __future__ import annotations

from typing import Any

import pytest

from assay.emit.rewriting import Definitions, Writing
from assay.transforms.registry import transforms

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch


def run(name: str, *, body: str = "w1 = v1.add(1)", reads: tuple[str, ...] = (), number: int = 0, **values: Any) -> Any:
    """Values after the lines of a transform; the value of its last line is ``value``."""
    known = transforms()[name]
    taken = Definitions({"v1", "w1", "w2", *values})
    writing = Writing((body,), ("w1",), reads, ("v1",), ("w2",) if known.extras else (), {"number": number}, taken)
    lines = known.write(writing)
    if known.kind == "value":
        lines[-1] = f"value = {lines[-1]}"
    space = {"torch": torch, **values}
    exec("\n".join([*taken.lines, *lines]), space)
    return space


@pytest.mark.parametrize("name", ["func.vjp", "func.jvp", "func.linearize", "func.vmap", "func.grad_with_aux"])
def test_a_function_transform_leaves_what_reads_nothing(name: str) -> None:
    """There is nothing to differentiate by, and nothing to map over."""
    kept = torch.ones(2)
    assert run(name, body="w1 = kept.mul(2)", kept=kept)["w1"].tolist() == [2, 2]


@pytest.mark.parametrize("outer", [None, "another"])
def test_notes_are_those_of_the_exception_that_was_caught(outer: str | None) -> None:
    """The name of the exception is a fresh one, whatever is called so around it."""
    values = {} if outer is None else {"caught": outer}
    assert run("exceptions.notes", v1=torch.zeros(()), **values)["w2"] == "['one']noted"


@pytest.mark.parametrize("number", [0, 1])
def test_booleans_are_written_through_a_mask(number: int) -> None:
    value = torch.tensor([True, False])
    assert torch.equal(run("mutation.masked", number=number, v1=value)["value"], value)


@pytest.mark.parametrize("name", ["storage.borrowed", "storage.borrowed_with_breaks"])
@pytest.mark.parametrize("number", range(40))
def test_memory_of_a_single_number_is_borrowed(name: str, number: int) -> None:
    value = torch.tensor(5.0)
    assert run(name, number=number, v1=value)["value"] is value
    assert value.tolist() == 5


def test_gradients_of_twins_are_compared() -> None:
    """A rule that only the gradient shows is held to as well."""
    from assay.transforms.check_torch import compare

    text = (
        "import torch\nCALLS, TRAINING = 1, True\n"
        "def program(x):\n    return {}\n"
        "def inputs(call=0):\n    return (torch.ones(2, requires_grad=True),)\n"
    )
    assert compare(text.format("x * 2"), text.format("x + x"), False, ["exact"]) is None
    found = compare(text.format("x * 2"), text.format("x * 2.0 + (x - x.detach())"), False, ["exact"])
    assert found is not None
    assert "gradients" in found


@pytest.mark.parametrize("layout", [False, True])
def test_the_sign_of_a_zero_is_compared_where_the_layout_is_the_same(layout: bool) -> None:
    from assay.transforms.check_torch import compare

    text = (
        "import torch\nCALLS, TRAINING = 1, False\ndef program(x):\n    return {}\n"
        "def inputs(call=0):\n    return (torch.zeros(2),)\n"
    )
    assert (compare(text.format("x"), text.format("-x"), layout, ["exact"]) is None) == layout
    assert compare(text.format("x"), text.format("x + 1"), layout, ["exact"]) is not None


@pytest.mark.parametrize("name", ["higher.scan_in_cond", "higher.map_in_cond"])
def test_arms_that_give_rows_and_the_whole_give_the_same_strides(name: str) -> None:
    """Of a value whose memory is permuted, as Dynamo asks of both arms."""
    taken = Definitions({"v1"})
    *lines, last = transforms()[name].write(Writing((), (), (), ("v1",), (), {"number": 0}, taken))
    body = "\n".join(f"    {line}" for line in [*lines, f"return {last}"])
    space: dict[str, Any] = {"torch": torch}
    exec("\n".join([*taken.lines, f"def program(v1):\n{body}"]), space)
    value = torch.arange(6.0).reshape(2, 3).t()
    torch._dynamo.reset()
    assert torch.equal(torch.compile(space["program"], backend="eager", fullgraph=True)(value), value)
