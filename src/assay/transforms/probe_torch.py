"""Calls instances of operators under the transforms of `torch.func` and says which refuse them, or change a bit.

A program of its own, as `assay.ops.check_torch` is: it reads one JSON instance a line and answers one JSON line, the
names of the transforms under which the operation does not give what it gives plainly. It imports nothing of this
package; `assay.transforms.probe` writes the lines.
"""

import json
import sys
import warnings
from collections.abc import Callable
from typing import Any

import torch
from torch.utils._pytree import tree_leaves, tree_map


def tensor_of(operand: dict[str, Any]) -> torch.Tensor:
    """A tensor operand as dtype, shape and values say it."""
    dtype = getattr(torch, operand["dtype"])
    wide = torch.complex128 if dtype.is_complex else torch.float64
    return torch.tensor(operand["values"], dtype=wide).reshape(operand["shape"]).to(dtype)


def built(operand: Any) -> Any:
    """The tensor, list of tensors, number or None of an operand."""
    if isinstance(operand, list):
        return [built(each) for each in operand]
    return operand if operand is None else operand["scalar"] if "scalar" in operand else tensor_of(operand)


def same(one: Any, other: Any, exact: bool) -> bool:
    """Whether two results are one to the bit, or where arithmetic rounds, in dtype and shape."""
    first, second = tree_leaves(one), tree_leaves(other)
    if len(first) != len(second):
        return False
    for a, b in zip(first, second, strict=True):
        if not isinstance(a, torch.Tensor) or a.dtype != b.dtype or a.shape != b.shape:
            return False
        bits = [torch.empty(each.shape, dtype=each.dtype).copy_(each).reshape(-1).view(torch.uint8) for each in (a, b)]
        if exact and not torch.equal(*bits):
            return False
    return True


def refused(instance: dict[str, Any]) -> list[str]:
    """The transforms of a function of the tensor operands that raise or change what the operation gives."""
    names = {f"p{number}": built(each) for number, each in enumerate(instance["operands"])}
    given = {key: each for key, each in names.items() if isinstance(each, torch.Tensor | list)}
    fixed = {"torch": torch, **instance["sizes"], **{key: each for key, each in names.items() if key not in given}}

    def function(given: dict[str, Any]) -> Any:
        return eval(instance["text"], {**fixed, **given})

    torch.manual_seed(0)
    # What is raised here ends the probe: an instance that eager mode refuses says nothing of a transform.
    plain = function(given)
    floats = all(each.is_floating_point() for each in tree_leaves((given, plain)))

    def two_rows() -> Any:
        rows = tree_map(lambda each: each.unsqueeze(0).unsqueeze(-1), given)
        twice = torch.func.vmap(torch.func.vmap(function), in_dims=-1, out_dims=-1)
        return tree_map(lambda each: each.squeeze(0).squeeze(-1), twice(rows))

    ways: dict[str, Callable[[], object]] = {
        "vmap_of_vmap": two_rows,
        "vmap": lambda: tree_map(
            lambda each: each.squeeze(0), torch.func.vmap(function)(tree_map(lambda each: each.unsqueeze(0), given))
        ),
        "functionalize": lambda: torch.func.functionalize(function)(given),
    }
    if floats and instance["differentiable"]:
        ways["vjp"] = lambda: torch.func.vjp(function, given)[0]
        ways["jvp"] = lambda: torch.func.jvp(function, (given,), (tree_map(torch.zeros_like, given),))[0]
    found = []
    for name, way in ways.items():
        torch.manual_seed(0)
        try:
            held = same(plain, way(), instance["exact"])
        except Exception:  # whatever is raised is a refusal
            held = False
        if not held:
            found.append(name)
    return found


def main() -> None:
    """Serve lines until stdin ends."""
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    for line in sys.stdin:
        print(json.dumps(refused(json.loads(line))), flush=True)


if __name__ == "__main__":
    main()
