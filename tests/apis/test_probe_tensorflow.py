"""What the probe of TensorFlow prints: calls that can be rebuilt, run and have a gradient, and reasons for the rest."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

import pytest
from tests.apis.replay import arrays, ask, call

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(find_spec("tensorflow") is None, reason="needs tensorflow"),
]
NAMES = (
    "tf.concat",
    "tf.argsort",
    "tf.raw_ops.Relu",
    "tf.raw_ops.AddN",
    "tf.raw_ops.Conv2DBackpropInput",
    "tf.raw_ops.Shape",
    "tf.raw_ops.TensorListSetItem",
)


@pytest.fixture(scope="module")
def answer() -> dict[str, Any]:
    return ask("probe_tensorflow.py", *NAMES)


def test_every_name_has_seeds_or_a_reason(answer: dict[str, Any]) -> None:
    reached = {each["name"]: each["origin"] for each in answer["apis"]}
    unreached = {each["name"]: each["reason"] for each in answer["unreached"]}
    assert sorted([*reached, *unreached]) == sorted(NAMES)
    assert unreached["tf.raw_ops.Shape"] == "the registry says that it has no gradient"
    assert unreached["tf.raw_ops.TensorListSetItem"] == "takes a variant"
    assert unreached["tf.argsort"] == "no float output"
    assert reached == {
        "tf.concat": "doctest",
        "tf.raw_ops.Relu": "op registry",
        "tf.raw_ops.AddN": "op registry",
        "tf.raw_ops.Conv2DBackpropInput": "op registry",
    }


def test_every_seed_is_rebuilt_and_has_a_gradient(answer: dict[str, Any]) -> None:
    import tensorflow as tf

    for api in answer["apis"]:
        assert api["seeds"]
        for seed in api["seeds"]:
            tensors = [tf.constant(each) for each in arrays(seed)]
            inexact = [each for each in tensors if each.dtype.is_floating or each.dtype.is_complex]
            with tf.GradientTape() as tape:
                tape.watch(inexact)
                outputs = tf.nest.flatten(call(api, seed, tensors, {"tf": tf}))
            gradients = tape.gradient(outputs, inexact)
            assert any(each is not None for each in gradients)
