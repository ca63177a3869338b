"""What the probe of JAX prints: calls that can be rebuilt, run and differentiated, and reasons for the rest."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

import numpy as np
import pytest
from tests.apis.replay import arrays, ask, call

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(find_spec("jax") is None, reason="needs jax"),
]
NAMES = (
    "jax.numpy.sin",
    "jax.numpy.add.reduce",
    "jax.lax.scan",
    "jax.lax.dot_general",
    "jax.lax.reduce_precision",
    "jax.numpy.argmax",
    "jax.lax.psum",
    "jax.lax.sin",
    "jax.numpy.frompyfunc",
)


@pytest.fixture(scope="module")
def answer() -> dict[str, Any]:
    return ask("probe_jax.py", *NAMES)


def test_every_function_has_seeds_or_a_reason(answer: dict[str, Any]) -> None:
    reached = [each["name"] for each in answer["apis"]]
    unreached = {each["name"]: each["reason"] for each in answer["unreached"]}
    assert sorted([*reached, *unreached]) == sorted(NAMES)
    assert unreached["jax.numpy.argmax"] == "no float output"
    assert unreached["jax.lax.psum"] == "needs a named axis of a mesh"
    assert unreached["jax.numpy.frompyfunc"] == "takes functions"
    assert {each["name"]: each["origin"] for each in answer["apis"]} == {
        "jax.numpy.sin": "doctest",
        "jax.numpy.add.reduce": "schema",
        "jax.lax.scan": "schema",
        "jax.lax.dot_general": "schema",
        "jax.lax.reduce_precision": "schema",
        "jax.lax.sin": "schema",
    }


def test_every_seed_is_rebuilt_and_differentiated(answer: dict[str, Any]) -> None:
    import jax

    with jax.enable_x64(True):
        for api in answer["apis"]:
            assert api["seeds"]
            for seed in api["seeds"]:
                tensors = [jax.numpy.asarray(each) for each in arrays(seed)]
                inexact = [k for k, each in enumerate(tensors) if np.issubdtype(each.dtype, np.inexact)]
                assert inexact
                assert {str(tensors[k].dtype) for k in inexact} <= {"float64", "complex128"}

                def run(
                    *given: Any, api: Any = api, seed: Any = seed, tensors: Any = tensors, at: Any = inexact
                ) -> Any:
                    filled = list(tensors)
                    for k, each in zip(at, given, strict=True):
                        filled[k] = each
                    return call(api, seed, filled, {"jax": jax})

                outputs, pull = jax.vjp(run, *(tensors[k] for k in inexact))
                cotangents = pull(jax.tree.map(jax.numpy.ones_like, outputs))
                assert [each.shape for each in cotangents] == [tensors[k].shape for k in inexact]
                assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(outputs))


def test_seeds_are_distinct_and_small_ones_come_first(answer: dict[str, Any]) -> None:
    for api in answer["apis"]:
        sizes = [sum(each.size for each in arrays(seed)) for seed in api["seeds"]]
        assert sizes == sorted(sizes)
        assert len({repr(seed) for seed in api["seeds"]}) == len(api["seeds"])
