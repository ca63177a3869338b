"""Run a witness eagerly and compiled, and name what differs.

An aspect is a string such as "value: call 0, output 1". Only gross differences of values count (1e-2 relative to the
tensor's scale, 5e-2 for 16-bit types): whether rounding is excused is no question for a witness.
"""

from __future__ import annotations

import copy
import os
import warnings
from collections.abc import Callable
from typing import Any

from benchmarks.mutants.witnesses import Witness

BACKENDS = {"aot_eager_decomp": "aot_eager_decomp_partition"}
DECLARED = {
    "Unsupported",
    "UserError",
    "NotImplementedError",
    "UncapturedHigherOrderOpError",
}  # gaps that the compiler declares


def prepare_environment(cache: str) -> None:
    """Set what torch must see at import: one thread, no cache that outlives a fault, `cache` for built kernels."""
    os.environ.update(
        OMP_NUM_THREADS="1",
        TORCHINDUCTOR_COMPILE_THREADS="1",
        TORCHINDUCTOR_FX_GRAPH_CACHE="0",
        TORCHINDUCTOR_AUTOGRAD_CACHE="0",
        TORCHINDUCTOR_CACHE_DIR=cache,
    )


def tensors(tree: Any) -> list[Any]:
    """The tensors of nested containers, depth first."""
    import torch

    if isinstance(tree, torch.Tensor):
        return [tree]
    if isinstance(tree, dict):
        return [leaf for value in tree.values() for leaf in tensors(value)]
    if isinstance(tree, list | tuple):
        return [leaf for value in tree for leaf in tensors(value)]
    return []


def skeleton(tree: Any) -> Any:
    """The structure with tensors taken out and scalars kept."""
    import torch

    if isinstance(tree, torch.Tensor):
        return "tensor"
    if isinstance(tree, dict):
        return (type(tree).__name__, [(repr(key), skeleton(value)) for key, value in tree.items()])
    if isinstance(tree, list | tuple):
        return (type(tree).__name__, [skeleton(value) for value in tree])
    if isinstance(tree, float):
        return ("float", round(tree, 4))
    return (type(tree).__name__, repr(tree))


def record(tensor: Any) -> dict[str, Any]:
    sparse = tensor.layout != __import__("torch").strided
    value = tensor.detach().to_dense() if sparse else tensor.detach()
    stride = (
        ()
        if sparse
        else tuple(s for s, n in zip(tensor.stride(), tensor.shape, strict=True) if n > 1 and tensor.numel())
    )
    return {
        "dtype": str(tensor.dtype),
        "shape": tuple(tensor.shape),
        "stride": stride,
        "grad": tensor.requires_grad,
        "value": value.clone(),
    }


def aliases(groups: dict[str, list[Any]]) -> list[list[str]]:
    """Which tensors share a storage, as sorted lists of names."""
    shared: dict[int, list[str]] = {}
    for name, leaves in groups.items():
        for i, leaf in enumerate(leaves):
            if leaf.numel() and leaf.layout == __import__("torch").strided:
                shared.setdefault(leaf.untyped_storage().data_ptr(), []).append(f"{name} {i}")
    return sorted(names for names in shared.values() if len(names) > 1)


def run(witness: Witness, function: Callable[..., Any]) -> list[dict[str, Any]]:
    """One record a call: exception, or structure, tensors of outputs, arguments, state, gradients, and the aliasing."""
    import torch

    torch.manual_seed(0)
    state = witness.state() if witness.state else None
    calls: list[dict[str, Any]] = []
    for number, arguments in enumerate(witness.calls):
        torch.manual_seed(number)
        args = arguments()
        leaves = tensors(args)
        if witness.training:
            for leaf in leaves:
                if leaf.is_leaf and (leaf.is_floating_point() or leaf.is_complex()):
                    leaf.requires_grad_()
        owned = list(state.state_dict(keep_vars=True).values()) if state is not None else []
        torch.manual_seed(number)
        call: dict[str, Any] = {"exception": None}
        calls.append(call)
        try:
            out = function(state, *args) if state is not None else function(*args)
            outputs = tensors(out)
            call["structure"] = (skeleton(out), len(tensors(args)))
            call["aliases"] = aliases({"output": outputs, "argument": tensors(args), "state": owned})
            call["output"] = [record(leaf) for leaf in outputs]
            call["argument"] = [record(leaf) for leaf in tensors(args)]
            call["state"] = [record(leaf) for leaf in owned]
            if witness.training:
                _backward(outputs)
                grads = [leaf.grad for leaf in [*leaves, *owned] if leaf.requires_grad and leaf.is_leaf]
                call["gradient present"] = [grad is not None for grad in grads]
                call["gradient"] = [record(grad) for grad in grads if grad is not None]
                for leaf in [*leaves, *owned]:
                    leaf.grad = None
        except Exception as error:
            call.clear()
            call["exception"] = type(error).__name__
            call["message"] = str(error)[:400]
            break
    return calls


def _backward(outputs: list[Any]) -> None:
    import torch

    chosen, weights = [], []
    for k, leaf in enumerate(outputs):
        if leaf.requires_grad and (leaf.is_floating_point() or leaf.is_complex()):
            chosen.append(leaf)
            weights.append(((torch.arange(leaf.numel()) * 7 + 3 * k) % 5 - 2).reshape(leaf.shape).to(leaf.dtype))
    if chosen:
        torch.autograd.backward(chosen, weights)


def compare(reference: list[dict[str, Any]], got: list[dict[str, Any]]) -> set[str]:
    """The aspects in which a run differs from another."""
    for number, (left, right) in enumerate(zip(reference, got, strict=False)):
        if left["exception"] != right["exception"]:
            return {f"exception: call {number}, {right['exception'] or 'none'}"}
        if left["exception"]:
            return set()
        found = {
            f"{name}: call {number}"
            for name in ("structure", "aliases", "gradient present")
            if left.get(name) != right.get(name)
        }
        for group in ("output", "argument", "state", "gradient"):
            pairs = zip(left.get(group, ()), right.get(group, ()), strict=False)
            for i, (one, other) in enumerate(pairs):
                found |= {f"{what}: call {number}, {group} {i}" for what in _differences(one, other)}
        if found:
            return found
    return set()


def _differences(one: dict[str, Any], other: dict[str, Any]) -> list[str]:
    found = [what for what in ("dtype", "shape", "stride", "grad") if one[what] != other[what]]
    if one["shape"] == other["shape"] and not _close(one["value"], other["value"]):
        found.append("value")
    return found


def _close(one: Any, other: Any) -> bool:
    import torch

    if one.dtype != other.dtype or not (one.is_floating_point() or one.is_complex()):
        return one.dtype != other.dtype or torch.equal(one, other)
    tolerance = 5e-2 if one.dtype.itemsize <= 2 else 1e-2
    wide = torch.complex128 if one.is_complex() else torch.float64
    one, other = one.to(wide), other.to(wide)
    finite = one.abs()[one.isfinite()]
    scale = float(finite.max()) if finite.numel() else 1.0
    return torch.allclose(one, other, rtol=tolerance, atol=tolerance * max(scale, 1e-3) * 0.1, equal_nan=True)


def compiled(witness: Witness, target: str) -> Callable[..., Any]:
    """The program under torch.compile, after a reset."""
    import torch

    torch._dynamo.reset()
    return torch.compile(witness.program, backend=BACKENDS.get(target, target), dynamic=witness.dynamic)


def differences(witness: Witness, target: str) -> set[str]:
    """What differs between the eager and the compiled run of a witness on a target."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return compare(run(witness, copy.copy(witness.program)), run(witness, compiled(witness, target)))


def declared(aspects: set[str]) -> bool:
    """Whether all that differs is an exception by which the compiler declares a gap."""
    return bool(aspects) and all(
        each.startswith("exception") and each.rsplit(" ", 1)[1] in DECLARED for each in aspects
    )
