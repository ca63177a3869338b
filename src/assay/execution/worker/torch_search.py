"""Searches inputs with which every intermediate of a program is finite, by gradient (NNSmith's idea, ASPLOS 2023).

What is searched are the two numbers of each floating input's formula, where its elements begin and how far they lie
apart: so what is found is written in the program as any other input is, and a reducer works on it. A step goes against
the gradient of the losses (`torch_losses`) through the tape of a run (`torch_tape`), so far that they would be gone if
they were linear (Polyak's step). It ends in values that the input's dtype has; every step is judged with these, and
what is found is run once more as the program's text has it. Steps are counted, never seconds.
"""

from __future__ import annotations

import math
import random
import types
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch.overrides import TorchFunctionMode

from .torch_local import fractional
from .torch_losses import Losses
from .torch_tape import Tape, tensors

STEPS = 80
STARTS = 16
PATIENCE = 4
"""Steps without a tenth less of loss, after which the search begins anew."""

VARIED = 6
"""Starts from which on elements of an input may be all the same."""

RICHER = 2, 13, 5
"""Of three starts the one at which an input of few values gets more, how many, and how far apart in memory they lie: of
a constant, no standard deviation is more than zero."""

REACH = ((-2, 0), (-2, 2), (-7, 7))
"""Exponents of the points at which a search begins anew: at the first starts, at the next, and from then on."""

MARGIN_STEPS = 3
LONGEST = 16.0
SIGNIFICAND = {torch.bfloat16: 8, torch.float16: 11, torch.float32: 14, torch.float64: 16}
FINEST = -14


# `torch.manual_seed` seeds every device that there might be, which costs as much as ten operations.
_GENERATOR = torch.default_generator


class Formula:
    """The formula of one input: elements from ``centre - radius`` to ``centre + radius``, in ``count`` equal steps."""

    def __init__(self, low: float, step: float, count: int, multiplier: int, dtype: torch.dtype) -> None:
        self.count, self.multiplier, self.dtype = count, multiplier, dtype
        self.drawn = count, multiplier
        self.low, self.step = low, step
        self.centre = low + step * (count - 1) / 2
        self.radius = step * (count - 1) / 2
        # Whether its elements may all be the same, as a last resort.
        self.flat = False

    def enrich(self, richer: bool) -> None:
        """Let it have more values than were drawn, or as many."""
        self.count, self.multiplier = RICHER[1:] if richer and self.drawn[0] < RICHER[1] else self.drawn

    def settle(self) -> None:
        """Round to the nearest formula whose elements are all of the dtype, and differ, unless they need not."""
        bits = SIGNIFICAND[self.dtype]
        reach = max(abs(self.centre) + abs(self.radius), 2.0**-6)
        if self.dtype == torch.float16:
            reach = min(reach, 2.0**14)
        unit = 2.0 ** max(math.ceil(math.log2(reach)) - bits, FINEST)
        step = 0.0
        if self.count > 1:
            step = max(round(2 * self.radius / (self.count - 1) / unit), 0 if self.flat else 1) * unit
        span = step * (self.count - 1)
        self.step = step
        self.low = round((self.centre - span / 2) / unit) * unit + 0.0

    @property
    def state(self) -> tuple[float, float]:
        """What a step changes."""
        return self.centre, self.radius

    @state.setter
    def state(self, state: tuple[float, float]) -> None:
        self.centre, self.radius = state


class Run:
    """What one run of the program showed."""

    def __init__(self, losses: Losses) -> None:
        self.losses = losses
        self.slopes: dict[str, tuple[float, float]] = {}
        self.error: str | None = None

    @property
    def good(self) -> bool:
        """Whether nothing left its domain."""
        return self.error is None and not self.losses.wrong


class Subject:
    """A program's text, run with inputs by formulas that the search holds."""

    def __init__(self, code: types.CodeType, request: dict[str, Any]) -> None:
        self.code, self.request = code, request
        self.formulas: dict[str, Formula] = {}
        self._residues: dict[tuple[Any, ...], Any] = {}
        self.training = bool(request["training"])
        self.sources: list[tuple[str, torch.Tensor, Any]] = []
        self.most: int | None = 1

    def _module(self) -> Any:
        module = types.ModuleType("assay_search")
        exec(self.code, module.__dict__)
        return module

    def _fill(self, call: int, names: list[str]) -> Any:
        waiting = iter(names)
        numpy_of = {torch.float16: np.float16, torch.float32: np.float32, torch.float64: np.float64}

        def fill(shape: Any, dtype: torch.dtype, low: float, step: float, modulus: int, *rest: Any) -> torch.Tensor:
            name = next(waiting)
            multiplier, offset = (*rest, 0) if len(rest) == 1 else rest or (1, 0)
            if dtype.is_floating_point:
                formula = self.formulas.get(name)
                if formula is None:
                    formula = self.formulas[name] = Formula(low, step, modulus, multiplier, dtype)
                # The imaginary part of a complex number is the real part of the next.
                offset += (formula.multiplier - multiplier) if self._imaginary(name) else 0
                modulus, multiplier = formula.count, formula.multiplier
            key = call, name, modulus, multiplier, offset
            residues = self._residues.get(key)
            if residues is None:
                residues = (np.arange(math.prod(shape), dtype=np.int64) * multiplier + offset) % modulus
                self._residues[key] = residues
            if not dtype.is_floating_point:
                return torch.from_numpy(low + step * residues).to(dtype).reshape(shape)
            formula = self.formulas[name]
            elements = formula.low + formula.step * residues
            if dtype in numpy_of:
                flat = torch.from_numpy(elements.astype(numpy_of[dtype]))
            else:
                # Not converted by torch: the tape must begin with these elements.
                bits = elements.astype(np.float32).view(np.int32) >> 16
                flat = torch.from_numpy(bits.astype(np.int16)).view(dtype)
            self.sources.append((name, flat, residues))
            return flat.reshape(shape)

        return fill

    def _imaginary(self, name: str) -> bool:
        """Whether it is the other half of a complex input that is filled now."""
        filled = sum(source[0] == name for source in self.sources)
        return filled % 2 == 1 and name in self.request["inputs"]["complex"]

    def calls(self, most: int | None = None) -> Iterator[Any]:
        """Run state, inputs and program of every call, or of the first ones; yields what the program returns, its
        arguments and its state."""
        module = self._module()
        self.sources = []
        order = self.request["inputs"]
        random.seed(0)
        _GENERATOR.manual_seed(0)
        state = None
        if hasattr(module, "state"):
            module.fill = self._fill(-1, order["state"])
            state = module.state()
        for call in range(int(self.request["calls"]) if most is None else most):
            module.fill = self._fill(call, order["calls"][call])
            arguments = module.inputs(call)
            random.seed(0)
            _GENERATOR.manual_seed(0)
            yield (module.program(*arguments) if state is None else module.program(state, *arguments)), arguments, state

    def run(self, rules: dict[str, Any], margins: bool = False) -> Run:
        """One run on the tape, and the slope of its losses by each formula's centre and radius. All calls take part
        once the first alone did not do: mostly it does."""
        run = Run(Losses(rules, margins))
        tape = Tape(run.losses)
        try:
            with torch.no_grad(), tape:
                for _ in self.calls(self.most):
                    pass
        except Exception as error:
            run.error = f"{type(error).__name__}: {error}"
            run.losses.wrong += 1
        if not run.losses.wrong and not run.losses.fragile:
            return run
        gradients = tape.back()
        for name, flat, residues in self.sources:
            gradient = gradients.read(flat)
            if gradient is None or not flat.numel():
                continue
            count = self.formulas[name].count
            place = residues * (2.0 / (count - 1)) - 1.0 if count > 1 else residues * 0.0
            slope = gradient.detach().reshape(-1).numpy()
            before = self.slopes_of(run, name)
            run.slopes[name] = before[0] + float(slope.sum()), before[1] + float((slope * place).sum())
        return run

    @staticmethod
    def slopes_of(run: Run, name: str) -> tuple[float, float]:
        """What was found so far, in another call."""
        return run.slopes.get(name, (0.0, 0.0))

    def check(self) -> bool:
        """Whether every function of the program, and backward where it trains, gives finite values."""
        try:
            with torch.set_grad_enabled(self.training):
                for outputs, arguments, state in self._checked_calls():
                    if not self.training:
                        continue
                    roots = [each for each in tensors(outputs) if each.requires_grad]
                    if not roots:
                        continue
                    torch.autograd.backward(roots, [torch.ones_like(each) for each in roots])
                    held = [*tensors(arguments), *(state.parameters() if state is not None else ())]
                    for leaf in held:
                        if leaf.grad is not None and not bool(torch.isfinite(leaf.grad).all()):
                            return False
        except Exception:
            return False
        return True

    def _checked_calls(self) -> Iterator[Any]:
        calls = self.calls()
        while True:
            try:
                with _Finite():
                    item = next(calls)
            except StopIteration:
                return
            yield item


class _Finite(TorchFunctionMode):
    """Raises where a function gives a value that is not finite."""

    def __torch_function__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = function(*args, **(kwargs or {}))
        if "empty" not in getattr(function, "__name__", ""):
            for leaf in tensors(result):
                if fractional(leaf) and not bool(torch.isfinite(leaf.detach()).all()):
                    raise ArithmeticError("not finite")
        return result


def search(text: str, request: dict[str, Any]) -> dict[str, Any]:
    """Search inputs of a program; ``request`` has "inputs" (names in the order in which they are filled), "calls",
    "training", "rules" and "seed". What is found has "inputs" by name as (low, step), or None, and figures."""
    code = compile(text, "assay_search.py", "exec", dont_inherit=True)
    rules = {**request["rules"], "training": request["training"]}
    subject = Subject(code, request)
    rng = random.Random(str(request["seed"]))
    steps = 0
    run = subject.run(rules)
    first = run.losses.where[:]
    found = False
    for attempt in range(1 + STARTS):
        if attempt:
            _begin_anew(subject, attempt, rng)
            steps += 1
            run = subject.run(rules)
        trust, before, least, since = 1.3, math.inf, math.inf, 0
        while steps < STEPS and since < PATIENCE:
            if run.good:
                found = subject.check()
                if found or subject.most is None:
                    break
                subject.most = None
                run = subject.run(rules)
                continue
            if not run.slopes:
                break
            loss = run.losses.total
            trust = min(trust * 1.7, 12.0) if loss > 0.7 * before else 1.3
            least, since = (loss, 0) if loss < 0.9 * least else (least, since + 1)
            before = loss
            _step(subject, run, loss, trust)
            steps += 1
            run = subject.run(rules)
        if run.good and not found:
            found = subject.check()
        if found or run.error is not None or steps >= STEPS:
            break
    result: dict[str, Any] = {"steps": steps, "first": first, "last": run.losses.where, "error": run.error}
    result["inputs"] = None
    if found:
        result["fragile"] = _widen_margins(subject, rules)
        result["inputs"] = {name: [f.low, f.step, f.count, f.multiplier] for name, f in subject.formulas.items()}
    return result


def _begin_anew(subject: Subject, attempt: int, rng: random.Random) -> None:
    """Other formulas: every other time a point for each input, with nothing but the least distance around it, since
    what is left of several domains may be narrow; at last without that, zeros among them."""
    for formula in subject.formulas.values():
        formula.enrich(attempt % 3 == RICHER[0])
        formula.flat = attempt > VARIED and attempt % 2 == 0
        centre = rng.choice((1, 1, 1, -1)) * 2.0 ** rng.uniform(*REACH[min(attempt // 3, len(REACH) - 1)])
        if formula.flat and rng.random() < 0.25:
            centre = 0.0
        radius = abs(centre) * rng.uniform(0.1, 0.9) if attempt % 2 else 0.0
        formula.state = centre, radius
        formula.settle()


def _step(subject: Subject, run: Run, loss: float, trust: float) -> None:
    size = sum(a * a + b * b for a, b in run.slopes.values())
    if not size > 1e-30:
        return
    length = trust * loss / size
    for name, (centre, radius) in run.slopes.items():
        formula = subject.formulas[name]
        most = LONGEST * max(1.0, abs(formula.centre), abs(formula.radius))
        formula.centre -= _held(length * centre, most)
        formula.radius = max(formula.radius - _held(length * radius, most), 0.0 if formula.flat else 2.0**-6)
        formula.settle()


def _held(change: float, most: float) -> float:
    return max(-most, min(most, change))


def _widen_margins(subject: Subject, rules: dict[str, Any]) -> list[int]:
    """A few steps away from jumps, as long as all stays finite; how many elements were near one, and are."""
    run = subject.run(rules, margins=True)
    before = best = run.losses.fragile
    for _ in range(MARGIN_STEPS):
        if not best or not run.slopes:
            break
        kept = {name: (f.low, f.step, f.state) for name, f in subject.formulas.items()}
        for name, (centre, _) in run.slopes.items():
            formula = subject.formulas[name]
            unit = max(abs(formula.step) / 8, 2.0**-12 * max(1.0, abs(formula.centre)))
            formula.centre -= math.copysign(unit, centre) if centre else 0.0
            formula.settle()
        run = subject.run(rules, margins=True)
        if run.losses.wrong or run.losses.fragile >= best or not subject.check():
            for name, (low, step, state) in kept.items():
                formula = subject.formulas[name]
                formula.low, formula.step, formula.state = low, step, state
            break
        best = run.losses.fragile
    return [before, best]


__all__ = ["search"]
