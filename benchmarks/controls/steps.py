"""The evaluation of a planned graph: operands, the values of one call, and the steps that make them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch

Function = Callable[..., Any]


@dataclass(frozen=True, slots=True)
class Stored:
    """A result as the trace has it."""

    slot: int


@dataclass(frozen=True, slots=True)
class Raised:
    """A result in float32: unrounded, or the rounded one widened."""

    slot: int
    unrounded: bool


class Frame:
    """The values of one call. What is unrounded is rounded when it is first asked for; then ``layouts`` has the dtype
    and the strides, None for those that it has by itself."""

    __slots__ = ("layouts", "stored", "unrounded")

    def __init__(self, slots: int) -> None:
        self.stored: list[Any] = [None] * slots
        self.unrounded: list[Any] = [None] * slots
        self.layouts: list[Any] = [None] * slots

    def take(self, argument: Any) -> Any:
        """The value of an argument, which may hold operands in lists."""
        kind = type(argument)
        if kind is Stored:
            return self.rounded(argument.slot)
        if kind is Raised:
            value = self.unrounded[argument.slot] if argument.unrounded else None
            return self.rounded(argument.slot).float() if value is None else value
        if isinstance(argument, tuple):
            return tuple(self.take(each) for each in argument)
        return [self.take(each) for each in argument] if isinstance(argument, list) else argument

    def rounded(self, slot: int) -> Any:
        """The value in a slot as the trace has it."""
        value = self.stored[slot]
        if value is None and self.unrounded[slot] is not None:
            value = self.stored[slot] = placed(self.unrounded[slot], *self.layouts[slot])
        return value


@dataclass(frozen=True, slots=True)
class Step:
    """One node: what to call on which operands, and what to do with the result.

    Where that is not the node as it was traced, ``as_traced`` is that, and ``dtypes`` has its dtypes.
    """

    slot: int
    function: Function
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    as_traced: Step | None = None
    dtypes: Sequence[torch.dtype | None] = ()
    unrounded: bool = False

    def run(self, frame: Frame) -> None:
        """Evaluate the node."""
        args, kwargs = self.taken(frame)
        found = self.function(*args, **kwargs)
        if self.as_traced is None:
            frame.stored[self.slot] = found
            return
        results = [found] if isinstance(found, torch.Tensor) else list(found)
        layouts = list(zip(self.dtypes, self._strides(frame, results), strict=True))
        if self.unrounded:
            frame.unrounded[self.slot], frame.layouts[self.slot] = found, layouts[0]
            return
        values = [placed(value, *layout) for value, layout in zip(results, layouts, strict=True)]
        frame.stored[self.slot] = values[0] if isinstance(found, torch.Tensor) else tuple(values)

    def taken(self, frame: Frame) -> tuple[list[Any], dict[str, Any]]:
        """The values of the arguments."""
        kwargs = {name: frame.take(argument) for name, argument in self.kwargs.items()} if self.kwargs else {}
        return [frame.take(argument) for argument in self.args], kwargs

    def _strides(self, frame: Frame, results: list[Any]) -> list[tuple[int, ...] | None]:
        """The strides that the results must have: eager's, whom the trace may have misunderstood. Where everything that
        eager takes is contiguous its results are too, but for dimensions of size 1, whose strides may say
        channels-last."""
        assert self.as_traced is not None
        args, kwargs = self.as_traced.taken(frame)
        given = [each for each in (*args, *kwargs.values()) if isinstance(each, torch.Tensor)]
        if all(_plainly_contiguous(value) for value in (*results, *given) if isinstance(value, torch.Tensor)):
            return [None] * len(results)
        plain = self.as_traced.function(*args, **kwargs)
        listed = [plain] if isinstance(plain, torch.Tensor) else plain
        return [value.stride() if isinstance(value, torch.Tensor) else None for value in listed]


def _plainly_contiguous(tensor: torch.Tensor) -> bool:
    step = 1
    for size, stride in zip(reversed(tensor.shape), reversed(tensor.stride()), strict=True):
        if stride != step:
            return False
        step *= size
    return True


def placed(value: Any, dtype: torch.dtype | None, strides: tuple[int, ...] | None) -> Any:
    """A tensor with this dtype and these strides; anything else as it is."""
    if not isinstance(value, torch.Tensor) or dtype is None:
        return value
    value = value.to(dtype)
    if strides is None or value.stride() == strides:
        return value
    return torch.empty_strided(value.shape, strides, dtype=dtype).copy_(value)
