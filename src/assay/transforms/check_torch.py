"""Runs programs and their rewritten twins in torch eagerly, and says where the two differ.

A program of its own: run by path with the interpreter that has torch, it reads one JSON object a line (``original`` and
``rewritten``, the texts; ``rounded``: whether the rewritten one may round otherwise; ``known`` of each output: exact,
rounded, or tipped by a decision on rounded values) and answers one JSON line
with the difference, null where there is none. It imports nothing of this package. `assay.transforms.check` writes the
lines.
"""

import json
import sys
import types
import warnings
from typing import Any

import torch
from torch.utils._pytree import tree_leaves


def executed(text: str, prepare: Any = lambda function: function) -> list[dict[str, list[Any]]]:
    """The outputs, arguments, gradients and state after each call of a program's text, as leaves. Raises whatever it
    raises."""
    # A module that can be found by its name, as dataclasses ask.
    sys.modules["case"] = made = types.ModuleType("case")
    module: dict[str, Any] = made.__dict__
    exec(compile(text, "case.py", "exec"), module)
    first = (module["state"](),) if "state" in module else ()
    function = prepare(module["program"])
    calls = []
    for call in range(module["CALLS"]):
        if "between" in module:
            module["between"](call, *first)
        arguments = module["inputs"](call)
        torch.manual_seed(0)
        with torch.set_grad_enabled(module["TRAINING"]):
            outputs = function(*first, *arguments)
        if module["TRAINING"]:
            roots = [t for t in tree_leaves(outputs) if isinstance(t, torch.Tensor) and t.requires_grad]
            if roots:
                torch.autograd.backward(roots, [torch.ones_like(t) for t in roots])
        state = [t.detach().clone() for t in first[0].state_dict().values()] if first else []
        leaves = [_copied(leaf) for leaf in tree_leaves(outputs)]
        kept = [_copied(leaf) for leaf in tree_leaves(list(arguments))]
        trained = [leaf for leaf in tree_leaves(list(arguments)) if isinstance(leaf, torch.Tensor) and leaf.is_leaf]
        trained += list(first[0].parameters()) if first else []
        gradients = [_copied(leaf.grad) for leaf in trained]
        calls.append({"outputs": leaves, "arguments": kept, "gradients": gradients, "state": state})
    return calls


def _copied(leaf: Any) -> Any:
    return leaf.detach().clone() if isinstance(leaf, torch.Tensor) else leaf


def difference_of(
    first: list[dict[str, list[Any]]], second: list[dict[str, list[Any]]], rounded: bool, known: list[str]
) -> str | None:
    """The first leaf that differs; what ``rounded`` programs round is not compared bit by bit."""
    for call, (one, two) in enumerate(zip(first, second, strict=True)):
        for place, leaves in one.items():
            others = two[place]
            if len(others) < len(leaves):
                return f"call {call}, {place}: {len(others)} in place of {len(leaves)}"
            for number, (a, b) in enumerate(zip(leaves, others, strict=False)):
                told = known[number] if place == "outputs" and len(known) == len(others) else "tipped"
                if place == "gradients":
                    # They are added up in another order; where nothing was decided otherwise, to nearly the same.
                    told = "rounded" if not rounded or "tipped" not in known else "tipped"
                if rounded and told == "exact":
                    told = "exact but for zeros"
                if not _same(a, b, told if rounded or place == "gradients" else "exact"):
                    return f"call {call}, {place} {number}: {a!r} and {b!r}"
    return None


def _same(a: Any, b: Any, known: str) -> bool:
    if not isinstance(a, torch.Tensor) or not isinstance(b, torch.Tensor):
        return type(a) is type(b) and a == b
    if a.dtype != b.dtype or a.shape != b.shape:
        return False
    if known == "tipped":
        # Another layout adds in another order, and a decision on the sum may be another one.
        return True
    if known == "rounded" and (a.is_floating_point() or a.is_complex()):
        wide = 0.1 if a.element_size() == 2 else 0.01
        one, two = (torch.view_as_real(each.resolve_conj()) if each.is_complex() else each for each in (a, b))
        near = torch.allclose(one.double(), two.double(), wide, wide * (1 + float(_largest(one))), equal_nan=True)
        return bool(near)
    if known == "exact but for zeros" and (a.is_floating_point() or a.is_complex()):
        # Eager's own kernels give zeros other signs by the layout, of complex numbers above all.
        return torch.allclose(a, b, 0, 0, equal_nan=True)
    first, second = (torch.empty(each.shape, dtype=each.dtype).copy_(each).reshape(-1) for each in (a, b))
    return torch.equal(first.view(torch.uint8), second.view(torch.uint8))


def _largest(tensor: torch.Tensor) -> torch.Tensor:
    return tensor.double().abs().max() if tensor.numel() else torch.zeros(())


def compare(original: str, rewritten: str, rounded: bool, known: list[str]) -> str | None:
    """What differs between two texts, or what one of them raises; None where nothing does."""
    try:
        first = executed(original)
    except Exception as error:  # generation's to mend, and no proof of a transform
        return f"the original raises {type(error).__name__}: {str(error)[:300]}"
    try:
        second = executed(rewritten)
    except Exception as error:  # whatever a rewritten program raises is the finding
        return f"{type(error).__name__}: {str(error)[:300]}"
    return difference_of(first, second, rounded, known)


def main() -> None:
    """Serve lines until stdin ends."""
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    for line in sys.stdin:
        request = json.loads(line)
        found = compare(request["original"], request["rewritten"], request["rounded"], request["known"])
        print(json.dumps({"difference": found}), flush=True)


if __name__ == "__main__":
    main()
