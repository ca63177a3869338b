"""The shadow run: an eager execution in which every framework operation also acts on a value of higher precision and
on an error bound (ORACLE.md; docs/numerics.md derives the rules).

A storage has a shadow of as many elements: the value that exact arithmetic would have given, in float64 or complex128,
and how far a correct evaluation may be from it. Views read and write the shadow of their storage, so that aliases need
no rules of their own. A storage without a shadow is exact: its value is what is in it. Control flow, integers, samples
and shapes are those of the eager run, which is left as it is.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch.multiprocessing.reductions import StorageWeakRef
from torch.utils._python_dispatch import TorchDispatchMode

from . import torch_bounds
from .torch_bounds import Leaf, Rule
from .torch_local import fractional, wide_dtype

SWEEP = 512
_NAMESPACES = ("aten", "prims")
# How kernels say it; a list of ours that is too short says something else.
_OUTSIDE = re.compile(
    r"(?:index|Target) -?\d+ is out of bounds|^index out of range in self|^out of range: tried to access"
    r"|invalid max index|^Class values must be smaller"
)


class _Shadow:
    """Of one storage: ``h`` (None for integers, whose value is pinned) and ``e``, flat, for elements of ``dtype``."""

    __slots__ = ("dtype", "e", "h")

    def __init__(self, dtype: torch.dtype, h: torch.Tensor | None, e: torch.Tensor) -> None:
        self.dtype, self.h, self.e = dtype, h, e


class Shadows:
    """The shadows of all storages that have one."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[StorageWeakRef, _Shadow]] = {}
        self._choices: dict[int, tuple[StorageWeakRef, Any, Any]] = {}
        self._limit = SWEEP

    def read(self, tensor: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor | None]:
        """Value and bound in the shape of the tensor, as copies; no bound where it is exact."""
        shadow = self._of(tensor)
        if shadow is None or tensor.numel() == 0:
            return wide(tensor), None
        place = _place(tensor)
        e = shadow.e.as_strided(*place).clone(memory_format=torch.contiguous_format)
        if shadow.h is None:
            return wide(tensor), e
        h = shadow.h.as_strided(*place).clone(memory_format=torch.contiguous_format)
        if tensor.is_conj():
            h = h.conj().resolve_conj()
        return -h if tensor.is_neg() else h, e

    def write(self, tensor: torch.Tensor, h: torch.Tensor, e: torch.Tensor | None) -> None:
        """Have a tensor's elements stand for these. Its storage holds the eager result already."""
        shadow = self._of(tensor)
        self._choices.pop(tensor.untyped_storage()._cdata, None)
        if tensor.numel() == 0 or (e is None and shadow is None):
            return
        place = _place(tensor)
        if shadow is None:
            shadow = self._make(tensor)
        if shadow.h is not None:
            if tensor.is_conj():
                h = h.conj()
            shadow.h.as_strided(*place).copy_(-h if tensor.is_neg() else h)
        shadow.e.as_strided(*place).copy_(torch.zeros(()) if e is None else e)
        if e is None and not bool(shadow.e.any()):
            del self._known[tensor.untyped_storage()._cdata]

    def choose(self, tensor: torch.Tensor, choice: Any) -> None:
        """Note what fragile indices chose among: see `torch_candidates.searched`."""
        storage = tensor.untyped_storage()
        self._choices[storage._cdata] = (StorageWeakRef(storage), _place(tensor), choice)

    def chosen(self, tensor: torch.Tensor) -> Any:
        """What the indices in a tensor chose among, if they are as they were chosen; else None."""
        found = self._choices.get(tensor.untyped_storage()._cdata)
        return None if found is None or found[1] != _place(tensor) else found[2]

    def _of(self, tensor: torch.Tensor) -> _Shadow | None:
        storage = tensor.untyped_storage()
        found = self._known.get(storage._cdata)
        if found is None:
            return None
        shadow = found[1]
        if shadow.dtype != tensor.dtype:
            _reinterpret(shadow, tensor)
        count = storage.nbytes() // tensor.element_size()
        if shadow.e.numel() < count:
            # The storage has grown; what is beyond the old end was never computed.
            grown = _flat(tensor)
            bound = torch.zeros(count, dtype=torch.float64)
            bound[: shadow.e.numel()] = shadow.e
            if shadow.h is not None:
                grown[: shadow.h.numel()] = shadow.h
                shadow.h = grown
            shadow.e = bound
        return shadow

    def _make(self, tensor: torch.Tensor) -> _Shadow:
        storage = tensor.untyped_storage()
        if len(self._known) > self._limit:
            self._known = {key: entry for key, entry in self._known.items() if not entry[0].expired()}
            self._choices = {key: entry for key, entry in self._choices.items() if not entry[0].expired()}
            self._limit = max(SWEEP, 2 * len(self._known))
        count = storage.nbytes() // tensor.element_size()
        shadow = _Shadow(
            tensor.dtype, _flat(tensor) if fractional(tensor) else None, torch.zeros(count, dtype=torch.float64)
        )
        # The weak reference keeps the address from being given to another storage.
        self._known[storage._cdata] = (StorageWeakRef(storage), shadow)
        return shadow


def _place(tensor: torch.Tensor) -> tuple[Any, ...]:
    return tuple(tensor.shape), tensor.stride(), tensor.storage_offset()


def _flat(tensor: torch.Tensor) -> torch.Tensor:
    """All elements of a tensor's storage, in higher precision."""
    storage = tensor.untyped_storage()
    count = storage.nbytes() // tensor.element_size()
    return wide(torch.empty(0, dtype=tensor.dtype).set_(storage, 0, (count,), (1,)))  # type: ignore[call-overload]


def _reinterpret(shadow: _Shadow, tensor: torch.Tensor) -> None:
    """Have a storage's shadow stand for elements of another dtype in the same memory."""
    dtype = tensor.dtype
    if shadow.h is not None and shadow.dtype.is_complex and dtype.is_floating_point and _parts(shadow.dtype, dtype):
        shadow.h, shadow.e = torch.view_as_real(shadow.h).flatten(), shadow.e.repeat_interleave(2)
    elif shadow.h is not None and dtype.is_complex and _parts(dtype, shadow.dtype):
        shadow.h = torch.view_as_complex(_in_groups(shadow.h, 2))
        shadow.e = _in_groups(shadow.e, 2).sum(-1)
    else:
        # Bits of a rounded number: nothing is known of them.
        by_byte = shadow.e.repeat_interleave(torch.empty(0, dtype=shadow.dtype).element_size())
        shadow.e = torch.where(_in_groups(by_byte, tensor.element_size()).amax(-1) > 0, torch.inf, 0.0)
        shadow.h = _flat(tensor) if fractional(tensor) else None
    shadow.dtype = dtype


def _in_groups(flat: torch.Tensor, size: int) -> torch.Tensor:
    """Groups of so many; what is missing of the last is zero, so that no element of an odd storage is forgotten."""
    return torch.cat([flat, flat.new_zeros(-flat.numel() % size)]).view(-1, size)


def _parts(whole: torch.dtype, part: torch.dtype) -> bool:
    """Whether a complex dtype consists of two numbers of another."""
    return torch.empty(0, dtype=whole).real.dtype == part


def wide(tensor: torch.Tensor) -> torch.Tensor:
    """A copy of the elements in float64 or complex128; of integers, in their own dtype."""
    plain = tensor.detach().resolve_conj().resolve_neg()
    return plain.to(wide_dtype(tensor.dtype), memory_format=torch.contiguous_format, copy=True)


class _Plan:
    """What a framework operation's schema says, looked up once."""

    def __init__(self, function: Any, rules: dict[str, Rule]) -> None:
        schema = function._schema
        namespace, _, name = schema.name.partition("::")
        self.name = name
        self.written = [i for i, argument in enumerate(schema.arguments) if _writes(argument)]
        self.names = [argument.name for argument in schema.arguments]
        self.fresh = [not _aliases(returned) for returned in schema.returns]
        # What only changes how a tensor lies in its storage leaves the shadow of the storage as it is.
        self.is_view = (bool(schema.returns) and not any(self.fresh) and not self.written) or (
            torch.Tag.inplace_view in function.tags
        )
        plain = name.rstrip("_") if name.endswith("_") else name
        known = rules.get(f"{plain}.{schema.overload_name}") or rules.get(name) or rules.get(plain)
        self.random = torch.Tag.nondeterministic_seeded in function.tags
        # Of these operands only the sizes count.
        self.by_sizes = name.endswith("_like") or name.startswith("new_") or str(function) == "aten.bernoulli.p"
        self.by_data = (
            torch.Tag.dynamic_output_shape in function.tags or torch.Tag.data_dependent_output in function.tags
        )
        # The shape of these is decided by a mask alone: an index only chooses.
        self.by_mask = self.by_data and name in ("index", "masked_select")
        if known is None or namespace not in _NAMESPACES:
            known = Rule("unknown", 16.0)
        # Attention has the tag for the sake of its dropout.
        self.random = self.random and known.kind in ("unknown", "pinned")
        self.rule = Rule("pinned") if self.random else known
        # How elements are reduced decides whether anything is rounded.
        self.reduction = self.names.index("reduce") if "reduce" in self.names else -1
        self.by_reduction = {key.partition(":")[2]: rule for key, rule in rules.items() if key.startswith(f"{plain}:")}
        self.unstated = known.kind == "unknown" and not self.random

    def rule_of(self, args: Any, kwargs: Any) -> Rule:
        """The rule of a call: that of the operation, or of the reduction that it is asked for."""
        if not self.by_reduction:
            return self.rule
        asked = kwargs.get("reduce", args[self.reduction] if len(args) > self.reduction else None)
        return self.by_reduction.get(asked, self.rule)

    def decides(self, leaf: Leaf) -> bool:
        """Whether an operand's values decide the shape of the result, or a Python value that is returned."""
        return not self.by_mask or leaf.real.dtype in (torch.bool, torch.uint8)

    def writes_to(self, args: Any) -> Sequence[int]:
        """The positions of the arguments that are written."""
        return _STATISTICS if self.name == "native_batch_norm" and len(args) > 5 and args[5] else self.written


_STATISTICS = (3, 4)
"""The running mean and variance, which a batch norm writes while training although its schema does not say so."""


def _writes(argument: Any) -> bool:
    return argument.alias_info is not None and argument.alias_info.is_write


def _aliases(returned: Any) -> bool:
    return returned.alias_info is not None


class ShadowMode(TorchDispatchMode):
    """While it is active, every operation acts on the shadows too.

    ``leaks`` counts rounded numbers that became Python numbers, or decided a shape: what the program does with them
    is not followed. ``unstated`` names operations without a rule, ``failed`` those that have no higher precision.
    """

    def __init__(self, rules: dict[str, Rule]) -> None:
        super().__init__()
        self.shadows = Shadows()
        self.rules = rules
        self.leaks = 0
        self.scalars: dict[float, float] = {}
        self.unstated: set[str] = set()
        self.failed: set[str] = set()
        self._plans: dict[Any, _Plan] = {}

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        plan = self._plans.get(func)
        if plan is None:
            plan = self._plans[func] = _Plan(func, self.rules)
        if plan.is_view:
            result = func(*args, **kwargs)
            seen = [each for each in (*args, *kwargs.values()) if isinstance(each, torch.Tensor)]
            return result if all(map(_plain, seen)) else self._unfollowed(plan, result, [])
        found: list[tuple[torch.Tensor, bool]] = []
        written = plan.writes_to(args)
        for position, argument in enumerate(args):
            _tensors(argument, position in written, found)
        for name, argument in kwargs.items():
            _tensors(argument, name in plan.names and plan.names.index(name) in plan.written, found)
        if not all(_plain(tensor) for tensor, _ in found):
            return self._unfollowed(plan, func(*args, **kwargs), [tensor for tensor, to in found if to])
        # The state before the operation, which may write into it.
        leaves = [Leaf(tensor, *self.shadows.read(tensor), written) for tensor, written in found]
        result = func(*args, **kwargs)
        returned: list[Any] = []
        results = result if isinstance(result, (tuple, list)) and len(plan.fresh) > 1 else (result,)
        for fresh, item in zip(plan.fresh, results) if plan.fresh else ():  # noqa: B905 -- Python 3.9
            if fresh:
                returned += item if isinstance(item, (tuple, list)) else (item,)
        if plan.name == "_local_scalar_dense":
            self._leak(leaves[0], result)
            return result
        if not all(_plain(each) for each in returned if isinstance(each, torch.Tensor)):
            return self._unfollowed(plan, result, [leaf.real for leaf in leaves if leaf.written])
        self._shadow(plan, func, args, kwargs, leaves, returned)
        return result

    def _shadow(self, plan: _Plan, func: Any, args: Any, kwargs: Any, leaves: list[Leaf], returned: list[Any]) -> None:
        written = [leaf.real for leaf in leaves if leaf.written]
        storages = {leaf.real.untyped_storage()._cdata for leaf in leaves if not leaf.written}
        present = [isinstance(each, torch.Tensor) for each in returned]
        results = [*(each for each in returned if isinstance(each, torch.Tensor)), *written]
        exact = all(leaf.e is None for leaf in leaves)
        fractions = [fractional(tensor) for tensor in results]
        decided = plan.by_data and any(leaf.e is not None and plan.decides(leaf) for leaf in leaves)
        if decided:
            self.leaks += 1
        if not results or (exact and not any(fractions)):
            for tensor in written:
                self.shadows.write(tensor, wide(tensor), None)
            return
        if plan.unstated:
            self.unstated.add(plan.name)
        bounds = None
        choices: dict[int, Any] = {}
        if plan.rule.kind != "pinned" and not decided and (plan.by_mask or not plan.by_data):
            call = torch_bounds.Call(plan.name, func, args, kwargs, leaves, results, present, self.scalars, choices)
            try:
                with _float64_by_default():
                    bounds = torch_bounds.bound(call, plan.rule_of(args, kwargs))
            except (RuntimeError, NotImplementedError, TypeError, IndexError, ValueError, AssertionError) as error:
                # An index that may be another would lie outside: nobody can say what is read there.
                if not _OUTSIDE.search(str(error)):
                    self.failed.add(f"{plan.name}: {type(error).__name__}: {str(error)[:120]}")
                bounds = [(wide(tensor), _everywhere(tensor)) for tensor in results]
        if bounds is None:
            # Pinned: samples, uninitialised memory; with a rounded operand that decides, nothing is known.
            unknown = not plan.by_sizes and any(leaf.e is not None and not leaf.written for leaf in leaves)
            bounds = [(wide(tensor), _everywhere(tensor) if unknown else None) for tensor in results]
        for number, (tensor, (h, e)) in enumerate(zip(results, bounds)):  # noqa: B905
            if tensor.untyped_storage()._cdata in storages and not any(tensor is each for each in written):
                continue
            self.shadows.write(tensor, h, e)
            if choices.get(number) is not None:
                self.shadows.choose(tensor, choices[number])

    def _unfollowed(self, plan: _Plan, result: Any, written: list[torch.Tensor]) -> Any:
        """The result of an operation on memory that has no shadow (sparse, quantized, of another device), or that
        makes some: of the rest of its results nothing is known."""
        items = result if isinstance(result, (tuple, list)) else (result,)
        for tensor in (*items, *written):
            if not isinstance(tensor, torch.Tensor):
                self.leaks += isinstance(tensor, float)
            elif _plain(tensor):
                self.failed.add(f"{plan.name}: between memory that has no shadow and other")
                self.shadows.write(tensor, wide(tensor), _everywhere(tensor))
        return result

    def _leak(self, leaf: Leaf, value: Any) -> None:
        if leaf.e is None or not bool(leaf.e.any()):
            return
        self.leaks += 1
        if isinstance(value, float):
            self.scalars[value] = max(float(leaf.e.max()), self.scalars.get(value, 0.0))


def _everywhere(tensor: torch.Tensor) -> torch.Tensor:
    return torch.full(tensor.shape, torch.inf, dtype=torch.float64)


def _plain(tensor: torch.Tensor) -> bool:
    return tensor.layout == torch.strided and tensor.device.type == "cpu" and not tensor.is_quantized


def _tensors(argument: Any, written: bool, found: list[tuple[torch.Tensor, bool]]) -> None:
    if isinstance(argument, torch.Tensor):
        found.append((argument, written))
    elif isinstance(argument, (tuple, list)):
        for item in argument:
            _tensors(item, written, found)


@contextlib.contextmanager
def _float64_by_default() -> Iterator[None]:
    """Integers that become fractions become float64, whatever the program's default."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        yield
    finally:
        torch.set_default_dtype(before)


def rules_from(request: Sequence[Any] | dict[str, Any]) -> dict[str, Rule]:
    """The rules of a request, by the name of the operation."""
    return {name: Rule(*fields) for name, fields in dict(request).items()}
