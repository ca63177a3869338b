"""What transforms of functions take is what the framework was found to take."""

from __future__ import annotations

import pytest
from benchmarks.eager_runner import run as run_eagerly

from assay.emit.torch import render
from assay.ir.program import Operation, Region, walk
from assay.ops.catalogue import load
from assay.transforms.check import twins
from assay.transforms.functional import PRODUCTS, REFUSED
from assay.transforms.probe import probe
from assay.transforms.registry import transforms

pytest.importorskip("torch")
pytestmark = pytest.mark.torch


def test_what_torch_refuses_under_a_transform_is_listed() -> None:
    found = probe(samples=2, seed=9)
    names = {way: {name for name in each if name.partition(".")[0] not in PRODUCTS} for way, each in found.items()}
    assert {way: sorted(each - REFUSED.get(way, frozenset())) for way, each in names.items() if each} == {
        way: [] for way, each in names.items() if each
    }


def test_what_is_listed_exists_and_is_refused() -> None:
    assert set().union(*REFUSED.values()) <= set(load())
    found = probe(["determined.split", "contract.chain_matmul", "chance.normal", "unary.neg"], samples=3)
    assert set(found["vmap"]) == {"determined.split", "contract.chain_matmul", "chance.normal"}


@pytest.mark.parametrize("name", ["func.vmap", "func.vmap_of_vmap"])
def test_no_site_of_vmap_holds_what_it_does_not_take(name: str) -> None:
    for twin in twins(transforms()[name], 30):
        (region,) = [one for one in walk(twin.rewritten.body) if isinstance(one, Region) and one.kind == "rewrite"]
        inside = [one.operator for one in region.blocks[0].statements if isinstance(one, Operation)]
        assert not set(inside) & REFUSED[name.removeprefix("func.")]


@pytest.mark.parametrize("name", ["func.vmap_rows", "func.jacobian_of_identity", "nested.hessian_of"])
def test_the_check_of_intermediates_looks_below_a_transform_of_functions(name: str) -> None:
    """A branch on elements is refused there; the check must not be the one that branches."""
    for twin in twins(transforms()[name], 5):
        assert run_eagerly(render(twin.rewritten), finite=True) is None
        script: dict[str, object] = {"__name__": "script"}
        exec(compile(render(twin.rewritten, main=True, finite=True), "script.py", "exec"), script)
        script["main"]()  # type: ignore[operator]
