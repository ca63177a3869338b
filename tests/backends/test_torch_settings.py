"""Settings that are drawn exist in the release at hand, and inductor compiles, trains and reports under them."""

from __future__ import annotations

import importlib
from collections.abc import Callable

import pytest

from assay.backends import _torch_options, find_backend

pytestmark = pytest.mark.torch


def test_every_setting_exists_and_none_is_the_default() -> None:
    for key, values in _torch_options.INDUCTOR.items():
        family, _, rest = key.partition(".")
        owner = importlib.import_module(f"torch._{family}.config")
        for part in rest.split("."):
            owner = getattr(owner, part)
        assert len(values) > 1 or values[0] != owner, f"{key} = {owner!r} is the default"


@pytest.mark.parametrize("key", sorted(_torch_options.DYNAMO))
def test_no_setting_makes_what_a_function_captures_a_constant(key: str) -> None:
    """Closures of one code object each compute with their own tensor, however Dynamo traces them."""
    import torch

    def adding(y: torch.Tensor) -> Callable[[torch.Tensor], torch.Tensor]:
        return lambda x: x + y

    family, _, rest = key.partition(".")
    for value in _torch_options.DYNAMO[key]:
        torch._dynamo.reset()
        with importlib.import_module(f"torch._{family}.config").patch({rest: value}):
            for number in (1.0, 2.0, 3.0):
                compiled = torch.compile(adding(torch.tensor(number)), backend="eager")
                assert compiled(torch.tensor(0.5)).item() == number + 0.5
    torch._dynamo.reset()


@pytest.mark.parametrize("target", ["torch:eager", "aot_eager", "aot_eager_decomp", "inductor"])
def test_a_whole_graph_that_reaches_the_limit_of_compilations_is_a_declared_gap(target: str) -> None:
    import torch

    torch._dynamo.reset()
    compiled = torch.compile(lambda x: x + 1, backend="eager", fullgraph=True)
    with torch._dynamo.config.patch(recompile_limit=1):
        compiled(torch.zeros(2))
        with pytest.raises(Exception, match="fullgraph=True") as raised:
            compiled(torch.zeros(3, 4))
    torch._dynamo.reset()
    kind = type(raised.value)
    assert f"{kind.__module__}.{kind.__name__}" in find_backend(target).unsupported
