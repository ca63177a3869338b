"""Runs instances of operators in torch and says where the framework disagrees with a specification.

A program of its own: run by path with the interpreter that has torch, it reads one JSON instance a line and answers one
JSON list of failures a line. It imports nothing of this package. `assay.ops.check` writes the instances and names the
fields.
"""

import json
import sys
import warnings
from collections.abc import Iterator
from functools import cache
from typing import Any

import torch
from torch._subclasses.fake_tensor import DataDependentOutputException, DynamicOutputShapeException, FakeTensorMode
from torch.fx.experimental.symbolic_shapes import GuardOnDataDependentSymNode, ShapeEnv

# What shape inference raises where data decide and it cannot go on without them.
UNDECIDED = (GuardOnDataDependentSymNode, DataDependentOutputException, DynamicOutputShapeException)


def build(operand: Any, wide: bool = False, grad: bool = False) -> Any:
    """The tensor, list, number or None of an operand; ``wide`` makes floats float64."""
    if operand is None:
        return None
    if isinstance(operand, list):
        return [build(item, wide, grad) for item in operand]
    if "scalar" in operand:
        return operand["scalar"]
    dtype = getattr(torch, operand["dtype"])
    if wide and dtype.is_floating_point:
        dtype = torch.float64
    if dtype.is_complex:
        part = torch.float64 if wide or dtype == torch.complex128 else torch.float32
        real = torch.tensor(operand["values"], dtype=part).reshape(operand["shape"])
        return torch.complex(real, real.reshape(-1).roll(1).reshape(real.shape))
    tensor = torch.tensor(operand["values"], dtype=torch.float64).reshape(operand["shape"]).to(dtype)
    return tensor.requires_grad_() if grad and dtype.is_floating_point and not operand["no_gradient"] else tensor


def environment(instance: dict[str, Any], **how: bool) -> dict[str, Any]:
    """Names that the text uses: operands p0, p1, ..., sizes."""
    names = {f"p{position}": build(operand, **how) for position, operand in enumerate(instance["operands"])}
    return {"torch": torch, **instance["sizes"], **names}


def evaluate(text: str, names: dict[str, Any]) -> list[Any]:
    """The results of an expression as a list."""
    result = eval(text, names)
    return list(result) if isinstance(result, tuple | list) else [result]


def tensors(names: dict[str, Any]) -> Iterator[torch.Tensor]:
    """The tensor operands, those in lists included."""
    for key, value in names.items():
        if key.startswith("p") and key[1:].isdigit():
            yield from value if isinstance(value, list) else [value] if isinstance(value, torch.Tensor) else []


def storage(tensor: torch.Tensor) -> int:
    """What two tensors that share memory have in common."""
    return int(tensor.untyped_storage()._cdata)


def compare_types(results: list[Any], expected: list[dict[str, Any]], where: str) -> Iterator[str]:
    """Dtypes and shapes against the specification."""
    if len(results) != len(expected):
        yield f"{where}: {len(results)} results, the specification gives {len(expected)}"
        return
    for position, (result, wanted) in enumerate(zip(results, expected, strict=True)):
        got = (str(result.dtype)[6:], list(result.shape))
        if got != (wanted["dtype"], wanted["shape"]):
            yield f"{where}: result {position} is {got}, the specification gives {(wanted['dtype'], wanted['shape'])}"


def compare_facts(result: torch.Tensor, wanted: dict[str, Any], where: str) -> Iterator[str]:
    """Elements against bounds and scale."""
    if result.numel() == 0 or wanted["low"] is None:
        return
    values = parts(result.detach())
    if not bool(torch.isfinite(values).all()):
        yield f"{where}: an element is not finite"
        return
    low, high = values.min().item(), values.max().item()
    slack = 1e-3 * max(abs(wanted["low"]), abs(wanted["high"])) * (wanted["scale"] is None)
    if low < wanted["low"] - slack or high > wanted["high"] + slack:
        yield f"{where}: elements lie in [{low}, {high}], the facts say [{wanted['low']}, {wanted['high']}]"
    if wanted["scale"] is not None:
        units = values * 2.0 ** wanted["scale"]
        if not torch.equal(units, units.round()):
            yield f"{where}: elements are no multiples of 2**-{wanted['scale']}"


def parts(tensor: torch.Tensor) -> torch.Tensor:
    """The elements in float64, those of a complex tensor as pairs."""
    if tensor.is_complex():
        return torch.view_as_real(tensor.to(torch.complex128).resolve_conj())
    return tensor.double()


def same(a: torch.Tensor, b: torch.Tensor) -> bool:
    """Equal in dtype, shape and elements (NaN equals NaN)."""
    return (
        a.dtype == b.dtype
        and a.shape == b.shape
        and torch.equal(torch.nan_to_num(parts(a)), torch.nan_to_num(parts(b)))
    )


def check_function(instance: dict[str, Any]) -> Iterator[str]:
    """The function form: types, facts, views, exactness, fake tensors."""
    names = environment(instance)
    before = [tensor.clone() for tensor in tensors(names)]
    results = evaluate(instance["text"], names)
    yield from compare_types(results, instance["results"], "eager")
    for position, (result, wanted) in enumerate(zip(results, instance["results"], strict=False)):
        yield from compare_facts(result, wanted, f"result {position}")
    operands = [names[f"p{position}"] for position in range(len(instance["operands"]))]
    for position, wanted in instance["writes"]:
        yield from compare_facts(operands[position], wanted, f"written operand {position}")
    written = {position for position, _ in instance["writes"]}
    if not instance["inplace_only"]:
        changed = [k for k, (old, new) in enumerate(zip(before, tensors(names), strict=True)) if not same(old, new)]
        if [k for k in changed if k not in written]:
            yield f"operands {changed} were written"
        yield from check_sharing(instance, names, results)
    if all(wanted["scale"] is not None for wanted in instance["results"]) and not instance["rounded_input"]:
        wide = evaluate(instance["text"], environment(instance, wide=True))
        for position, (result, other) in enumerate(zip(results, wide, strict=False)):
            if not torch.equal(parts(result), parts(other)):
                yield f"result {position} is not exact: float64 gives something else"
    mode = fake_mode()
    fakes = {key: to_fake(value, mode) for key, value in environment(instance).items()}
    with mode:
        try:
            inferred = evaluate(instance["text"], fakes)
        except UNDECIDED:
            return
        yield from compare_types(inferred, instance["results"], "shape inference")


@cache
def fake_mode() -> FakeTensorMode:
    """One mode for all instances: making it costs more than using it. It knows sizes that only data give."""
    return FakeTensorMode(shape_env=ShapeEnv())


def to_fake(value: Any, mode: FakeTensorMode) -> Any:
    """The same without contents."""
    if isinstance(value, torch.Tensor):
        return mode.from_tensor(value, static_shapes=True)
    return [to_fake(item, mode) for item in value] if isinstance(value, list) else value


def check_sharing(instance: dict[str, Any], names: dict[str, Any], results: list[Any]) -> Iterator[str]:
    """Whether results share memory exactly where the specification says so."""
    view, maybe = instance["view"], instance["maybe_view"]
    for position, result in enumerate(results):
        if result.numel() == 0:
            continue
        shared = [
            key for key, value in names.items() if isinstance(value, torch.Tensor) and storage(value) == storage(result)
        ]
        if view is not None and f"p{view}" not in shared:
            yield f"result {position} is no view of operand {view}"
        if shared and view is None and f"p{maybe}" not in shared:
            yield f"result {position} shares memory with {shared}"


def check_forms(instance: dict[str, Any]) -> Iterator[str]:
    """Every other form gives what the function gives; an in-place one gives its operand back."""
    wanted = evaluate(instance["text"], environment(instance))
    for form, text in instance["forms"].items():
        names = environment(instance)
        if form == "out":
            names["out"] = torch.empty_like(wanted[0])
            if len(wanted) > 1:
                names["out"] = tuple(torch.empty_like(each) for each in wanted)
        try:
            results = evaluate(text, names)
        except Exception as error:
            yield f"{form} {text!r}: {type(error).__name__}: {str(error)[:200]}"
            continue
        if form == "inplace":
            if results[0] is not names["p0"]:
                yield f"{form} {text!r}: gives another object than its operand"
            wanted_here = [wanted[0].to(names["p0"].dtype)]
        else:
            wanted_here = wanted
        for position, (result, other) in enumerate(zip(results, wanted_here, strict=True)):
            if not same(result, other):
                yield f"{form} {text!r}: result {position} differs from the function's"
        if form == "out" and len(wanted) == 1 and results[0] is not names["out"]:
            yield f"{form} {text!r}: does not give out back"


def check_backward(instance: dict[str, Any]) -> Iterator[str]:
    """Gradients exist where promised, are finite, and backward keeps no more than the specification says."""
    kept = []

    def pack(tensor: torch.Tensor) -> torch.Tensor:
        kept.append(storage(tensor))
        return tensor

    names = environment(instance, grad=True)
    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        results = evaluate(instance["text"], names)
    leaves = [tensor for tensor in tensors(names) if tensor.requires_grad]
    outputs = [result for result in results if result.requires_grad]
    floats = [result for result in results if result.dtype.is_floating_point]
    if instance["differentiable"] and leaves and leaves[0] is names["p0"] and floats and not outputs:
        yield "no result requires grad although operands do"
    if not instance["differentiable"] and outputs:
        yield "a result requires grad, the operator is declared not differentiable"
    shared = {storage(tensor) for tensor in tensors(names)}
    if not any(storage(result) in shared for result in results):
        inputs = any(key in shared for key in kept)
        output = any(key in {storage(result) for result in results} for key in kept)
        measured = {(False, False): "none", (True, False): "inputs", (False, True): "output", (True, True): "both"}[
            inputs, output
        ]
        if measured != "none" and instance["saves"] not in (measured, "both"):
            yield f"backward keeps {measured}, the specification says {instance['saves']}"
        instance["measured"] = measured
    if outputs:
        # Once more, since under hooks nobody looks whether what was saved has been written since.
        names = environment(instance, grad=True)
        leaves = [tensor for tensor in tensors(names) if tensor.requires_grad]
        outputs = [result for result in evaluate(instance["text"], names) if result.requires_grad]
        torch.autograd.backward(outputs, [torch.ones_like(output) for output in outputs])
        for position, leaf in enumerate(leaves):
            if leaf.grad is not None and not bool(torch.isfinite(leaf.grad).all()):
                yield f"gradient {position} is not finite"


def check(instance: dict[str, Any]) -> dict[str, Any]:
    """All failures of an instance; of one that only probes, the first reason to refuse it."""
    failures: list[str] = []
    if instance["probe"]:
        try:
            evaluate(instance["text"], environment(instance))
        except Exception as error:
            failures.append(type(error).__name__)
        return {"failures": failures, "saves": "none"}
    for part in (check_function, check_forms, check_backward):
        if part is not check_function and instance["inplace_only"]:
            continue
        if part is check_backward and (instance["writes"] or instance["refuses_gradient"]):
            continue
        try:
            failures += list(part(instance))
        except Exception as error:
            failures.append(f"{part.__name__[6:]}: {type(error).__name__}: {str(error)[:300]}")
    return {"failures": failures, "saves": instance.get("measured", "none")}


def main() -> None:
    """Answer every line of stdin."""
    warnings.filterwarnings("ignore")
    torch.set_num_threads(1)
    for line in sys.stdin:
        print(json.dumps(check(json.loads(line))), flush=True)


if __name__ == "__main__":
    main()
