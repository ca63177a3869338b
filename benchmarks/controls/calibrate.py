"""Calibration of the error bounds: eager torch lies inside the bound of its own shadow run, on single operators.

    python -m benchmarks.controls.calibrate --samples 100000 --jobs 2 --out runs/calibration.json

A sample is one element of one floating result, or of one gradient, of one instance of an operator whose operands are
exact; where the bound is zero, eager must have the value itself. An element of which nothing is known is no sample.
Widths are bounds over max(|h|, rms h) in roundoffs of the narrowest dtype of the instance, of those that are not zero:
they tell whether a bound is timid. The run fails where an element lies outside, or where an operation has no rule or
no higher precision.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import multiprocessing
import random
import sys
import warnings
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import torch

from assay.execution.worker import torch_bounds, torch_shadow
from assay.ir.sizes import Shape, product
from assay.ir.types import ScalarType, TensorType
from assay.ops.catalogue import load, select
from assay.ops.facts import Facts, Unsatisfied, require
from assay.ops.framework import error_rules
from assay.ops.protocol import Operand, Operator, bind
from assay.ops.sampling import Instance, Sizes, sample_instance
from assay.ops.text import expression

WIDE = 64.0
"""A median width beyond which a bound is listed as suspicious."""

FEWEST, MOST = 256, 8192
"""Elements of a first operand: the start, and how far they grow where an instance gives few samples."""

PATIENCE = 400
"""Instances in a row of one operator that may give no sample before it counts as one that has none."""

REACHES = (8.0, 8.0, 1.0, 64.0)


@dataclass
class Calibration:
    """What was seen of one operator. ``worst`` tells of the element that came closest to its bound, or passed it."""

    operator: str
    samples: int = 0
    outside: int = 0
    unbounded: int = 0
    ratio: float = 0.0
    worst: dict[str, Any] = field(default_factory=dict)
    widths: dict[str, list[torch.Tensor]] = field(default_factory=dict)
    met: set[str] = field(default_factory=set)
    unstated: set[str] = field(default_factory=set)
    failed: set[str] = field(default_factory=set)

    @property
    def passed(self) -> bool:
        """Whether every sample lies inside, and every operation was bounded by a rule."""
        return not (self.outside or self.unstated or self.failed)

    def to_json(self) -> dict[str, Any]:
        """The figures; widths as median and 90th percentile by dtype."""
        widths = {dtype: torch.cat(parts) for dtype, parts in sorted(self.widths.items())}
        return {
            "samples": self.samples,
            "outside": self.outside,
            "unbounded": self.unbounded,
            "ratio": round(self.ratio, 4),
            "worst": self.worst,
            "widths": {
                dtype: [round(float(part.quantile(share)), 2) for share in (0.5, 0.9)] for dtype, part in widths.items()
            },
            "operations": sorted(self.met),
            "unstated": sorted(self.unstated),
            "failed": sorted(self.failed),
        }


class Blocks(Sizes):
    """Sizes of a first operand of about as many elements as asked for, and elements with full mantissas mostly."""

    def __init__(self, rng: random.Random, elements: int) -> None:
        reach = rng.choice(REACHES)
        super().__init__(rng, symbolic=0.0, exact=0.25 if reach == REACHES[0] else 0.0, reach=reach)
        self.elements = elements

    def size(self) -> int:
        """One of a few small sizes."""
        return self.random.choice((1, 2, 3, 4, 5, 6, 8, 12))

    def shape(self, rank: int) -> Shape:
        """Edges that differ, whose product comes near to the number of elements; seldom one of them is 1."""
        sizes = []
        left = float(self.elements)
        for position in range(rank):
            edge = left ** (1 / (rank - position)) * self.random.uniform(0.5, 2.0 if position < rank - 1 else 1.0)
            sizes.append(1 if self.random.random() < 0.05 else max(1, round(edge)))
            left = max(1.0, left / sizes[-1])
        self.random.shuffle(sizes)
        return tuple(sizes)


def calibrate(
    operator: Operator,
    samples: int,
    seed: int = 0,
    rules: Mapping[str, torch_bounds.Rule] | None = None,
    elements: int = FEWEST,
    instances: int = 4,
) -> Calibration:
    """Draw instances of an operator, of every dtype in turn, until there are as many samples, and so many instances of
    every dtype.

    ``rules`` are those of torch's operations by name; by default what the specifications state.
    """
    found = Calibration(operator.name)
    rng = random.Random(f"{seed} {operator.name}")
    mode = torch_shadow.ShadowMode(dict(rules) if rules is not None else torch_shadow.rules_from(error_rules()))
    dtypes = list(operator.operands[0].dtypes)
    vain = dict.fromkeys(dtypes, 0)
    turns = 0
    while (found.samples < samples or turns < instances * len(dtypes)) and dtypes:
        dtype = dtypes[turns % len(dtypes)]
        turns += 1
        before = found.samples
        with contextlib.suppress(Unsatisfied):
            instance = sample_instance(operator, rng, dtype, sizes=partial(Blocks, elements=elements))
            _run(instance, rng, mode, found)
        gained = found.samples - before
        vain[dtype] = 0 if gained else vain[dtype] + 1
        if (vain[dtype] > PATIENCE // 20 and turns > PATIENCE // 2) or vain[dtype] > PATIENCE:
            dtypes.remove(dtype)
        if turns % 16 == 0 and found.samples / turns < FEWEST / 2:
            elements = min(2 * elements, MOST)
    found.met |= {plan.name.rstrip("_") or plan.name for plan in mode._plans.values() if not plan.is_view}
    found.unstated, found.failed = set(mode.unstated), set(mode.failed)
    return found


def _run(instance: Instance, rng: random.Random, mode: torch_shadow.ShadowMode, found: Calibration) -> None:
    """One instance under the shadow mode, forward and where it can backward, and what its elements say."""
    operator = instance.operator
    form = "inplace" if operator.inplace_only else "function"
    generator = torch.Generator().manual_seed(rng.getrandbits(40))
    backward = _trains(instance) and rng.random() < 0.6
    names: dict[str, Any] = {"torch": torch}
    texts = []
    for position, operand in enumerate(operator.operands):
        names[f"p{position}"] = _build(instance, position, operand, generator, rng, backward)
        texts.append("None" if names[f"p{position}"] is None else f"p{position}")
        if isinstance(instance.types[position], ScalarType):
            texts[-1] = repr(names[f"p{position}"])
    text = expression(operator, texts, instance.attributes, form)
    code = compile(text, "<instance>", "eval")
    mode.shadows = torch_shadow.Shadows()
    mode.scalars = {}
    with mode:
        result = eval(code, names)
    results = list(result) if isinstance(result, tuple | list) else [result]
    outputs = [each for each in results if each.requires_grad]
    cotangents = [_cotangent(each, generator) for each in outputs]
    with mode:
        if outputs:
            torch.autograd.backward(outputs, cotangents)
    measured = [(each, f"result {number}") for number, each in enumerate(results)]
    measured += [(names[f"p{operator.index[name]}"], f"written {name}") for name in operator.writes]
    tensors = [(each, name) for name, operand in names.items() for each in _leaves(operand)]
    measured += [(each.grad, f"gradient of {name}") for each, name in tensors if each.grad is not None]
    # A gradient that passes a narrow type on its way has that type's roundoff.
    among = [each.dtype for each, _ in [*tensors, *measured] if each.is_floating_point()]
    unit = max(map(torch_bounds.roundoff, among), default=0.0)
    for each, where in measured:
        _measure(mode, each, unit, where, partial(_described, text, names), found)


def _leaves(operand: Any) -> list[torch.Tensor]:
    return [each for each in (operand if isinstance(operand, list) else [operand]) if isinstance(each, torch.Tensor)]


def _trains(instance: Instance) -> bool:
    operator = instance.operator
    if not operator.differentiable or operator.writes or operator.inplace_only:
        return False
    binding = bind(operator, instance.types, instance.attributes)
    wanted = frozenset(each.name for each in operator.operands if not each.no_gradient)
    return (operator.trains is None or operator.trains(binding)) and (
        operator.gradients is None or operator.gradients(binding, wanted)
    )


def _build(
    instance: Instance, position: int, operand: Operand, generator: torch.Generator, rng: random.Random, backward: bool
) -> Any:
    """The tensor, the tensors, the number or None that an instance has for an operand."""
    type_, fact = instance.types[position], instance.facts[position]
    if type_ is None:
        return None
    if isinstance(type_, ScalarType):
        return instance.scalars[operand.name]
    plain = rng.random() < 0.7 or (operand.dense_to_train and backward)
    grad = backward and not operand.no_gradient
    if isinstance(type_, tuple):
        return [_tensor(operand, item, each, generator, plain, grad) for item, each in zip(type_, fact, strict=True)]
    return _tensor(operand, type_, fact, generator, plain, grad)


def _tensor(
    operand: Operand, type_: TensorType, fact: Facts, generator: torch.Generator, plain: bool, grad: bool
) -> torch.Tensor:
    """Elements within the facts, complex ones in both parts, as many bits as the dtype has where they need not be
    exact; not contiguous unless ``plain``."""
    shape = [int(size) for size in type_.shape]
    dtype = getattr(torch, type_.dtype)
    if operand.distinct:
        span = torch.randperm(int(fact.high) - int(fact.low) + 1, generator=generator) + int(fact.low)
        count = int(product(type_.shape))
        require(len(span) >= count, "too few distinct indices")
        values = span[:count].reshape(shape).double()
    elif fact.scale is not None:
        unit = 2**fact.scale
        low, high = int(fact.low * unit), int(fact.high * unit)
        values = torch.randint(low, high + 1, shape, generator=generator).double() / unit
    else:
        values = torch.rand(shape, generator=generator, dtype=torch.float64) * (fact.high - fact.low) + fact.low
    tensor = values.to(dtype.to_real())
    if fact.scale is None:
        tensor = tensor.clamp(fact.low, fact.high)
    if dtype.is_complex:
        tensor = torch.complex(tensor, tensor.flatten().roll(1).reshape(shape))
    if not plain and tensor.dim():
        tensor = _spread(tensor, int(torch.randint(0, 3, (), generator=generator)))
    return tensor.requires_grad_() if grad and dtype.is_floating_point else tensor


def _spread(tensor: torch.Tensor, way: int) -> torch.Tensor:
    """The same elements in another layout: backwards, with gaps, channels last."""
    if way == 0:
        return tensor.permute(*reversed(range(tensor.dim()))).contiguous().permute(*reversed(range(tensor.dim())))
    if way == 1 or tensor.dim() != 4:
        wide = torch.zeros((*tensor.shape[:-1], 2 * tensor.shape[-1]), dtype=tensor.dtype)
        wide[..., ::2] = tensor
        return wide[..., ::2]
    return tensor.contiguous(memory_format=torch.channels_last)


def _cotangent(result: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Multiples of a half of few bits."""
    return (torch.randint(-4, 5, result.shape, generator=generator).double() / 2).to(result.dtype)


def _described(text: str, names: Mapping[str, Any]) -> str:
    def told(operand: Any) -> str:
        if isinstance(operand, list):
            return f"[{', '.join(map(told, operand))}]"
        if isinstance(operand, torch.Tensor):
            return f"{str(operand.dtype)[6:]}{list(operand.shape)}/{list(operand.stride())}"
        return str(operand)

    return f"{text} with {'; '.join(told(value) for name, value in names.items() if name[0] == 'p')}"


def _measure(
    mode: torch_shadow.ShadowMode,
    tensor: torch.Tensor,
    unit: float,
    where: str,
    described: Callable[[], str],
    found: Calibration,
) -> None:
    """Count a tensor's elements, and compare each with its bound; ``unit`` is what widths are told in."""
    if not tensor.is_floating_point() or not tensor.numel():
        return
    h, bound = mode.shadows.read(tensor)
    real = tensor.detach().double()
    e = torch.zeros(h.shape, dtype=torch.float64) if bound is None else bound
    known = torch.isfinite(e)
    off = torch.where((real == h) | (torch.isnan(real) & torch.isnan(h)), 0.0, (real - h).abs())
    off = off.nan_to_num(torch.inf, torch.inf)
    bad = known & ~(off <= e)
    found.samples += int(known.sum())
    found.unbounded += int((~known).sum())
    found.outside += int(bad.sum())
    ratio = torch.where(known & (off > 0), off / e.clamp(min=1e-300), 0.0).flatten()
    most = int(ratio.argmax())
    if float(ratio[most]) > found.ratio:
        found.ratio = float(ratio[most])
        found.worst = {
            "in": f"{where} of {described()}",
            "eager": float(real.flatten()[most]),
            "h": float(h.flatten()[most]),
            "bound": float(e.flatten()[most]),
        }
    size = torch.maximum(h.abs(), h.square().mean().sqrt())
    rounded = known & (e > 0) & (size >= torch.finfo(tensor.dtype).tiny)
    if bool(rounded.any()):
        widths = e[rounded] / size[rounded] / unit
        found.widths.setdefault(str(tensor.dtype)[6:], []).append(widths)


def _one(name: str, samples: int, seed: int) -> tuple[str, dict[str, Any]]:
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    return name, calibrate(load()[name], samples, seed).to_json()


def _all(names: list[str], samples: int, seed: int, jobs: int) -> Iterator[tuple[str, dict[str, Any]]]:
    one = partial(_one, samples=samples, seed=seed)
    if jobs == 1:
        yield from map(one, names)
        return
    with ProcessPoolExecutor(jobs, mp_context=multiprocessing.get_context("spawn")) as pool:
        yield from pool.map(one, names)


def main(argv: list[str] | None = None) -> int:
    """Calibrate the operators that globs name, print the figures as JSON, and return 1 where a bound does not hold."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.controls.calibrate")
    parser.add_argument("--samples", type=int, default=100_000, help="of each operator")
    parser.add_argument("--operators", default="", help="names and globs, separated by commas (default: all)")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, help="where the figures go instead of stdout")
    options = parser.parse_args(argv)
    names = select([each for each in options.operators.split(",") if each])
    figures: dict[str, Any] = {}
    for name, figure in _all(names, options.samples, options.seed, options.jobs):
        figures[name] = figure
        wrong = [f"{key}: {figure[key]}" for key in ("outside", "unstated", "failed") if figure[key]]
        if wrong:
            print(f"{name}: {'; '.join(wrong)}; {figure['worst']}", file=sys.stderr, flush=True)
    failing = [name for name, each in figures.items() if each["outside"] or each["unstated"] or each["failed"]]
    wide = {
        f"{name} {dtype}": median
        for name, each in figures.items()
        for dtype, (median, _) in each["widths"].items()
        if median > WIDE
    }
    summary = {
        "seed": options.seed,
        "operators": len(figures),
        "samples": sum(each["samples"] for each in figures.values()),
        "outside": sum(each["outside"] for each in figures.values()),
        "failing": failing,
        "without samples": [name for name, each in figures.items() if not each["samples"]],
        "wide": dict(sorted(wide.items(), key=lambda pair: -pair[1])),
    }
    text = json.dumps({"summary": summary, "operators": figures}, indent=1)
    if options.out is None:
        print(text)
    else:
        options.out.write_text(text + "\n")
        print(json.dumps(summary, indent=1))
    return 1 if failing else 0


if __name__ == "__main__":
    sys.exit(main())
