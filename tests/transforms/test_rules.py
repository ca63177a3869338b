"""Functions with rules for vmap and jvp: the rules are those of the product, whatever is mapped over."""

from __future__ import annotations

from typing import Any

import pytest
from benchmarks.eager_runner import run as run_eagerly

from assay.emit.rewriting import Definitions, Writing
from assay.emit.torch import render
from assay.transforms.check import twins
from assay.transforms.families.higher import of_arguments
from assay.transforms.families.rules import FORWARD, FUNCTIONS, LAYERS, _drawn, _product
from assay.transforms.registry import transforms

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch


def writing(*, number: int = 0, body: tuple[str, ...] = ()) -> Writing:
    return Writing(body, ("w1",), ("v1",), ("v1",), (), {"number": number}, Definitions({"v1", "w1"}))


def product(name: str, tangents: bool = True) -> Any:
    w = writing()
    f = _product(w, name, tangents)
    space = {"torch": torch}
    exec("\n".join(w.definitions.lines), space)
    return space[f]


def numbers(*shape: int, seed: int = 0) -> Any:
    drawn = torch.randint(1, 5, shape, generator=torch.Generator().manual_seed(seed)).double()
    return torch.where(torch.arange(drawn.numel()).reshape(shape) % 2 == 0, 2**drawn, -(2**drawn))


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("tangents", [False, True])
def test_a_function_with_rules_is_the_product_and_has_its_gradients(name: str, tangents: bool) -> None:
    s, v = numbers(2, 3).requires_grad_(), numbers(2, 3, seed=1).requires_grad_()
    out = product(name, tangents)(s, v)
    out.backward(torch.full_like(out, 2))
    assert torch.equal(out, s * v)
    assert torch.equal(s.grad, 2 * v)
    assert torch.equal(v.grad, 2 * s)


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("dims", [(0, 0), (None, 0), (0, None), (None, 2), (1, None), (2, 0), (-1, 1), (None, -2)])
def test_a_rule_for_vmap_holds_for_any_place_of_what_is_mapped_over(name: str, dims: tuple[Any, Any]) -> None:
    """The other operand, which is not mapped over, has a dimension less."""
    s, v = (numbers(*((2, 3) if d is None else _with_four_at(d)), seed=i) for i, d in enumerate(dims))
    f = product(name)
    assert torch.equal(torch.func.vmap(f, dims)(s, v), torch.func.vmap(lambda a, b: a * b, dims)(s, v))
    gradient = torch.func.grad(lambda a, b: f(a, b).sum(), 1)
    expected = torch.func.grad(lambda a, b: (a * b).sum(), 1)
    assert torch.equal(torch.func.vmap(gradient, dims)(s, v), torch.func.vmap(expected, dims)(s, v))


def _with_four_at(dim: int) -> list[int]:
    shape = [2, 3]
    shape.insert(dim % 3, 4)
    return shape


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_rule_for_tangents_is_that_of_the_product(name: str) -> None:
    s, v, a, b = (numbers(2, 3, seed=seed) for seed in range(4))
    value, tangent = torch.func.jvp(product(name), (s, v), (a, b))
    assert torch.equal(value, s * v)
    assert torch.equal(tangent, a * v + s * b)


@pytest.mark.parametrize("outer", LAYERS)
def test_layers_of_forward_mode_have_functions_with_tangents_and_are_not_in_each_other(outer: str) -> None:
    for number in range(400):
        w = writing(number=number)
        _, inner = _drawn(w, outer)
        assert not (outer in FORWARD and inner in FORWARD)
        if outer in FORWARD or inner in FORWARD:
            assert any("def jvp" in line for line in w.definitions.lines)


def test_what_statements_read_of_a_module_is_handed_to_them() -> None:
    inner, given = of_arguments(writing(body=("w1 = self.p0.mul(v1) + self.b12 * self.p0",)))
    assert given == "v1, self.p0, self.b12"
    assert inner.reads == ("v1", "p0", "b12")
    assert inner.body == ("w1 = p0.mul(v1) + b12 * p0",)


def test_statements_that_call_a_module_are_left_as_they_are() -> None:
    assert of_arguments(writing(body=("w1 = self.layer(v1)",)))[1] == ""


@pytest.mark.parametrize("name", [name for name in transforms() if name.startswith("rules.")])
def test_the_check_of_intermediates_looks_below_a_function_with_rules(name: str) -> None:
    for twin in twins(transforms()[name], 2):
        assert run_eagerly(render(twin.rewritten), finite=True) is None
