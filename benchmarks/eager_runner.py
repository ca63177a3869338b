"""Runs program texts eagerly in a process of its own: JSON lines {"text", "finite", "normal"} on stdin, JSON lines
{"error"} on stdout.

Part of `benchmarks.generation` and `benchmarks.inputs`; a process of its own, since a crash of eager mode is one of the
things to be counted.
"""

from __future__ import annotations

import json
import sys
import types
import warnings

import torch
from torch.fx.experimental.proxy_tensor import get_proxy_mode
from torch.overrides import TorchFunctionMode
from torch.utils._pytree import tree_leaves


def below(leaf):
    """A tensor as it is below the transforms of torch.func, under which nothing can be asked of its elements; detached,
    since what a checkpointed function saves is counted, and the look at it must not be."""
    while torch._C._functorch.is_functorch_wrapped_tensor(leaf):
        leaf = torch._C._functorch.get_unwrapped(leaf)
    return leaf.detach()


class Finite(TorchFunctionMode):
    """Raises where an intermediate of floating or complex numbers is not finite."""

    def __torch_function__(self, function, types, args=(), kwargs=None):
        result = function(*args, **(kwargs or {}))
        # Where a function is traced there are no numbers to look at.
        if "empty" not in str(function) and get_proxy_mode() is None:
            for leaf in tree_leaves(result):
                numeric = isinstance(leaf, torch.Tensor) and (leaf.is_floating_point() or leaf.is_complex())
                if numeric and not torch.isfinite(below(leaf)).all():
                    raise ArithmeticError(f"{function} gives a value that is not finite")
        return result


def normal(fill):
    """What fills inputs, with standard normal elements in those that are floating."""
    generator = torch.Generator().manual_seed(0)

    def filled(shape, dtype, *formula, **rest):
        if dtype.is_floating_point:
            return torch.randn(shape, generator=generator, dtype=torch.float64).to(dtype)
        return fill(shape, dtype, *formula, **rest)

    return filled


def run(text: str, finite: bool, with_normal: bool = False) -> str | None:
    """One program on all its calls, backward included; the error, or None."""
    # Dataclasses look their module up.
    sys.modules["case"] = types.ModuleType("case")
    module: dict[str, object] = vars(sys.modules["case"])
    try:
        exec(compile(text, "case.py", "exec"), module)
        if with_normal and "fill" in module:
            module["fill"] = normal(module["fill"])
        first = (module["state"](),) if "state" in module else ()
        for call in range(module["CALLS"]):
            if "between" in module:
                module["between"](call, *first)
            arguments = module["inputs"](call)
            with torch.set_grad_enabled(module["TRAINING"]):
                if finite:
                    with Finite():
                        outputs = module["program"](*first, *arguments)
                else:
                    outputs = module["program"](*first, *arguments)
                if module["TRAINING"]:
                    leaves = [t for t in tree_leaves(outputs) if isinstance(t, torch.Tensor) and t.requires_grad]
                    if leaves:
                        torch.autograd.backward(leaves, [torch.ones_like(t) for t in leaves])
    except Exception as error:  # whatever a program raises is the measurement
        return f"{type(error).__name__}: {str(error)[:300]}"
    return None


def main() -> None:
    """Serve lines until stdin ends."""
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    for line in sys.stdin:
        request = json.loads(line)
        print(json.dumps({"error": run(request["text"], request["finite"], request.get("normal", False))}), flush=True)


if __name__ == "__main__":
    main()
