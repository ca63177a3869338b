"""A tape of framework operations, by which a gradient goes back from anything that a program computed to its inputs.

Autograd would be of no use here: programs write in place what backward needs, hand results to ``out=``, and pass
through integers, comparisons and roundings. The tape has one entry for each operation below autograd, and a gradient
lies where its value lies, in a buffer of its storage; so views, aliases and writes need no rules. Going back, an entry
is computed again by itself, in float64 and under autograd, on what its operands were; where that derivative is zero or
none, a proxy stands for it (`torch_proxies`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode

from .torch_local import fractional, in_float64
from .torch_proxies import FLAT, PROXIES


class Plan:
    """What the schema of a framework operation says, looked up once."""

    def __init__(self, function: Any) -> None:
        schema = function._schema
        self.name = schema.name.partition("::")[2]
        self.base = self.name[:-1] if self.name.endswith("_") and not self.name.endswith("__") else self.name
        arguments = schema.arguments
        writes = [a.alias_info is not None and a.alias_info.is_write for a in arguments]
        self.written = [i for i, (a, w) in enumerate(zip(arguments, writes)) if w and not a.kwarg_only]  # noqa: B905
        self.outs = [a.name for a, w in zip(arguments, writes) if w and a.kwarg_only]  # noqa: B905 -- Python 3.9
        aliasing = [r.alias_info is not None for r in schema.returns]
        self.view = bool(aliasing) and all(aliasing) and not any(writes)
        self.names = [a.name for a in arguments]
        self.functional = self._functional(function) if self.outs else function
        # The first of `WAYS` that works; None until one was tried.
        self.way: int | None = None
        self.fails = False
        # Arguments by which torch has no derivative.
        self.excluded: set[str] = set()

    def _functional(self, function: Any) -> Any:
        """The overload without ``out``, under which autograd works."""
        wanted = [(a.name, str(a.type)) for a in function._schema.arguments if a.name not in self.outs]
        packet = function.overloadpacket
        for name in packet.overloads():
            overload = getattr(packet, name)
            if [(a.name, str(a.type)) for a in overload._schema.arguments] == wanted:
                return overload
        return None


class Operand:
    """A tensor that an operation read: where it lies, and what it was then."""

    __slots__ = ("place", "value")

    def __init__(self, place: torch.Tensor, value: torch.Tensor) -> None:
        self.place, self.value = place, value


class Entry:
    """One operation. ``seeds`` are gradients that begin here: whether of a result or of an operand, where, and what."""

    __slots__ = ("args", "kwargs", "operands", "plan", "results", "seeds")

    def __init__(self, plan: Plan, args: Any, kwargs: Any, operands: list[Operand], results: list[torch.Tensor]):
        self.plan, self.args, self.kwargs = plan, args, kwargs
        self.operands, self.results = operands, results
        self.seeds: list[tuple[bool, torch.Tensor, torch.Tensor]] = []

    def call(self, values: dict[int, torch.Tensor]) -> Any:
        """The operation on other values of its operands, by the identity of the place; nothing of them is written."""
        function = self.plan.functional
        args = list(substituted(self.args, values))
        kwargs = {k: substituted(v, values) for k, v in self.kwargs.items() if k not in self.plan.outs}
        for position in self.plan.written:
            if position < len(args) and isinstance(args[position], torch.Tensor):
                args[position] = args[position].clone()
        return function(*args, **kwargs)


class Tape(TorchDispatchMode):
    """While it is active, operations are noted. ``watch`` sees each entry when it was computed, and may mend it."""

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        # Nothing is compiled here, and what keeps Dynamo away would cost as much as the operation.
        return False

    def __init__(self, watch: Any) -> None:
        super().__init__()
        self.entries: list[Entry] = []
        self.watch = watch
        self._plans = _PLANS
        # Entries that read a storage, by its address, so that they keep what a write is about to change.
        self._readers: dict[int, list[Operand]] = {}

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        plan = self._plans.get(func)
        if plan is None:
            plan = self._plans[func] = Plan(func)
        if plan.view or plan.name in _NOT_NOTED:
            return func(*args, **kwargs)
        found = {id(t): t for t in tensors((args, kwargs))}
        targets = [args[i] for i in plan.written if i < len(args) and isinstance(args[i], torch.Tensor)]
        targets += [kwargs[name] for name in plan.outs if name in kwargs]
        operands = []
        written = {address(target) for target in targets}
        outs = {id(kwargs[name]) for name in plan.outs if name in kwargs}
        only_written = outs - {id(tensor) for tensor in tensors(args)}
        for number, tensor in found.items():
            if number in only_written:
                continue
            key = address(tensor)
            operand = Operand(tensor, tensor.clone() if key in written else tensor)
            operands.append(operand)
            if key not in written:
                self._readers.setdefault(key, []).append(operand)
        for key in written:
            for operand in self._readers.pop(key, ()):
                if operand.value is operand.place:
                    operand.value = operand.value.clone()
        entry = Entry(plan, args, kwargs, operands, [])
        changed = self.watch.before(entry)
        result = func(*args, **kwargs) if changed is None else self._changed(entry, changed, targets)
        if targets:
            entry.results = targets
        else:
            entry.results = list(tensors(result))
            # What is returned as it is, or shares memory though the schema does not say so.
            places = {address(operand.place) for operand in operands}
            if any(address(each) in places for each in entry.results):
                return result
        self.entries.append(entry)
        self.watch.after(entry)
        return result

    def _changed(self, entry: Entry, values: dict[int, torch.Tensor], targets: list[torch.Tensor]) -> Any:
        """The result on other operands, in the place where it belongs."""
        result = entry.call(values)
        if not targets:
            return result
        for target, item in zip(targets, tensors(result)):  # noqa: B905 -- Python 3.9
            target.copy_(item)
        return targets[0] if len(targets) == 1 else tuple(targets)

    def back(self) -> Gradients:
        """Take all that was seeded back to where it came from."""
        gradients = Gradients()
        for entry in reversed(self.entries):
            coming = [gradients.take(each) for each in entry.results]
            for of_result, tensor, seed in entry.seeds:
                for number, each in enumerate(entry.results):
                    if of_result and tensor is each:
                        before = coming[number]
                        coming[number] = seed if before is None else before + seed
            if any(each is not None for each in coming):
                for operand, gradient in zip(entry.operands, derivative(entry, coming)):  # noqa: B905
                    if gradient is not None:
                        gradients.add(operand.place, gradient)
            for of_result, tensor, seed in entry.seeds:
                if not of_result:
                    gradients.add(tensor, seed)
        return gradients


_PLANS: dict[Any, Plan] = {}
_NOT_NOTED = frozenset({"_local_scalar_dense", "is_same_size", "lift_fresh"})


class Gradients:
    """Gradients by storage, each as many float64 numbers as the storage has elements."""

    def __init__(self) -> None:
        self._buffers: dict[int, torch.Tensor] = {}

    def add(self, tensor: torch.Tensor, gradient: torch.Tensor) -> None:
        """Add the gradient of a tensor's elements."""
        if not tensor.numel():
            return
        key = address(tensor)
        buffer = self._buffers.get(key)
        if buffer is None:
            # A complex number lies there as two, and may be read as two.
            size = tensor.element_size() // (2 if tensor.is_complex() else 1)
            buffer = self._buffers[key] = torch.zeros(tensor.untyped_storage().nbytes() // size, dtype=torch.float64)
        if tensor.is_complex():
            gradient = gradient.to(torch.complex128)
            buffer = torch.view_as_complex(buffer.view(-1, 2))
        else:
            gradient = (gradient.real if gradient.is_complex() else gradient).to(torch.float64)
        gradient = _turned(gradient, tensor)
        if gradient.shape != tensor.shape:
            # The tensor was given another shape since (`squeeze_`).
            if gradient.numel() != tensor.numel():
                return
            gradient = gradient.reshape(tensor.shape)
        place = tuple(tensor.shape), tensor.stride(), tensor.storage_offset()
        if all(step or size == 1 for size, step in zip(tensor.shape, tensor.stride())):  # noqa: B905
            try:
                buffer.as_strided(*place).add_(gradient)
                return
            except RuntimeError:
                pass
        index = torch.arange(buffer.numel()).as_strided(*place).reshape(-1)
        buffer.index_add_(0, index, gradient.reshape(-1))

    def read(self, tensor: torch.Tensor) -> torch.Tensor | None:
        """The gradient of a tensor's elements; None where nothing came."""
        there = self._there(tensor)
        return None if there is None else _turned(there, tensor)

    def _there(self, tensor: torch.Tensor) -> torch.Tensor | None:
        """The part of a buffer that belongs to a tensor."""
        buffer = self._buffers.get(address(tensor))
        if buffer is None or not tensor.numel():
            return None
        if tensor.is_complex():
            buffer = torch.view_as_complex(buffer.view(-1, 2))
        return buffer.as_strided(tuple(tensor.shape), tensor.stride(), tensor.storage_offset())

    def take(self, tensor: torch.Tensor) -> torch.Tensor | None:
        """The same, and forget it: before this place was written, something else lay there."""
        there = self._there(tensor)
        if there is None:
            return None
        taken = there.clone()
        there.zero_()
        return _turned(taken, tensor) if bool(taken.any()) else None


def _turned(gradient: torch.Tensor, tensor: torch.Tensor) -> torch.Tensor:
    """The gradient of what lies in memory, of that of a tensor that reads it conjugated or negated; and the reverse."""
    if tensor.is_conj():
        gradient = torch.conj_physical(gradient)
    return -gradient if tensor.is_neg() else gradient


def derivative(entry: Entry, coming: list[torch.Tensor | None]) -> list[torch.Tensor | None]:
    """The gradients of an entry's operands from those of its results; None where there is none."""
    plan = entry.plan
    proxy = PROXIES.get(plan.base)
    if proxy is not None and coming[0] is not None:
        found = proxy(entry, coming[0])
        if found is not None:
            return [None if each is None else _fitted(each, operand) for each, operand in zip(found, entry.operands)]  # noqa: B905
    if plan.functional is None:
        return [None] * len(entry.operands)
    if plan.fails:
        return differences(entry, coming[0])
    integral = any(not fractional(operand.value) for operand in entry.operands)
    for way in WAYS[(plan.way or 0) if integral else 1 :]:
        try:
            found = _computed(entry, coming, way)
        except (RuntimeError, NotImplementedError, TypeError, IndexError, ValueError) as error:
            found = _without(entry, coming, str(error))
            if found is None:
                continue
        if integral and plan.way is None:
            plan.way = WAYS.index(way)
        flat, above = (found[0], coming[0]) if found else (None, None)
        if all(each is None for each in found):
            # What autograd takes for constant.
            return differences(entry, coming[0])
        if plan.base in FLAT and flat is not None and above is not None and flat.shape == above.shape:
            found[0] = torch.where(flat == 0, 0.1 * above, flat)
        return found
    plan.fails = True
    return differences(entry, coming[0])


def differences(entry: Entry, coming: torch.Tensor | None) -> list[torch.Tensor | None]:
    """The same by differences, of a function that goes element by element and of which torch has no derivative."""
    nothing: list[torch.Tensor | None] = [None] * len(entry.operands)
    if coming is None or len(entry.results) != 1 or not entry.results[0].is_floating_point():
        return nothing
    found, shape = nothing[:], entry.results[0].shape
    values = {
        id(each.place): in_float64(each.value) if fractional(each.value) else each.value for each in entry.operands
    }
    for number, operand in enumerate(entry.operands):
        value = values[id(operand.place)]
        if not operand.value.is_floating_point() or not _broadcasts(value.shape, shape):
            continue
        step = STEP * value.abs().clamp_min(1.0)
        try:
            right, left = (
                next(tensors(entry.call({**values, id(operand.place): value + side * step}))) for side in (1.0, -1.0)
            )
        except (RuntimeError, NotImplementedError, TypeError, IndexError, ValueError, StopIteration):
            continue
        slope = torch.nan_to_num((right - left) / (2 * step), 0.0, 0.0, 0.0)
        found[number] = (slope * coming).sum_to_size(value.shape)
    return found


def _broadcasts(shape: torch.Size, to: torch.Size) -> bool:
    return len(shape) <= len(to) and all(a in (1, b) for a, b in zip(reversed(shape), reversed(to)))  # noqa: B905


STEP = 2.0**-12
"""Of an operand beyond one, by how much it is moved for a difference."""


def _without(entry: Entry, coming: list[torch.Tensor | None], error: str) -> Any:
    """The derivative without the operand that torch names as having none; None where there is no such."""
    named = _NO_DERIVATIVE.search(error)
    if named is None or named[1] in entry.plan.excluded:
        return None
    entry.plan.excluded.add(named[1])
    return derivative(entry, coming)


_NO_DERIVATIVE = re.compile(r"not differentiable with respect to argument '(\w+)'")
WAYS = ("numbers", "floats", "first")
"""What takes part in a derivative: integers too, unless they are indices; floats; the first operand, where torch has no
derivative by the others (`scatter` of a part of its source)."""


def _computed(entry: Entry, coming: list[torch.Tensor | None], way: str) -> list[torch.Tensor | None]:
    values: dict[int, torch.Tensor] = {}
    leaves: list[torch.Tensor | None] = []
    arguments = dict(zip(entry.plan.names, entry.args))  # noqa: B905 -- Python 3.9
    left_out = [id(arguments[name]) for name in entry.plan.excluded if name in arguments]
    with torch.enable_grad():
        for operand in entry.operands:
            value = operand.value.detach()
            number = fractional(value) or way == "numbers"
            if number:
                # Copied: running statistics are written, though no schema says so.
                value = in_float64(value, copy=True)
            elif value.dtype == torch.int32:
                # Below autograd an index may be of 32 bits.
                value = value.to(torch.int64)
            values[id(operand.place)] = value
            if number and (way != "first" or not leaves) and id(operand.place) not in left_out:
                leaves.append(value.requires_grad_())
            else:
                leaves.append(None)
        results = list(tensors(entry.call(values)))
        roots, given = [], []
        for result, gradient in zip(results, coming):  # noqa: B905 -- Python 3.9
            if gradient is not None and result.requires_grad:
                roots.append(result)
                if gradient.is_complex() and not result.is_complex():
                    gradient = gradient.real
                given.append(gradient.to(result.dtype).reshape(result.shape))
    wanted = [leaf for leaf in leaves if leaf is not None]
    if not roots or not wanted:
        return [None] * len(leaves)
    found = iter(torch.autograd.grad(roots, wanted, given, allow_unused=True))
    out: list[torch.Tensor | None] = []
    for leaf in leaves:
        gradient = None if leaf is None else next(found)
        out.append(None if gradient is None else torch.nan_to_num(gradient, 0.0, 1e30, -1e30))
    return out


def _fitted(gradient: torch.Tensor, operand: Operand) -> torch.Tensor:
    """Summed over what was broadcast."""
    return gradient if gradient.shape == operand.value.shape else gradient.sum_to_size(operand.value.shape)


def tensors(value: Any) -> Iterator[torch.Tensor]:
    """The tensors in arguments or results."""
    if isinstance(value, torch.Tensor):
        yield value
    elif isinstance(value, (tuple, list)):
        for item in value:
            yield from tensors(item)
    elif isinstance(value, dict):
        for item in value.values():
            yield from tensors(item)


def substituted(value: Any, values: dict[int, torch.Tensor]) -> Any:
    """The same with other tensors."""
    if isinstance(value, torch.Tensor):
        return values.get(id(value), value)
    if isinstance(value, (tuple, list)):
        return type(value)([substituted(item, values) for item in value])
    return value


def address(tensor: torch.Tensor) -> int:
    """The identity of a tensor's storage."""
    return tensor.untyped_storage()._cdata
