"""Symbolic sizes: a dimension that takes another value in each instantiation of a program.

A program is generated for several instantiations at once (a campaign calls it with each). A size is a plain int where
it is the same in all
of them, else a `Sym`, which carries its value per instantiation and the expression over the program's size symbols
that computes it.
Arithmetic works on both alike, so that a shape rule is written once. A comparison holds only if it holds in *every*
instantiation: write
requirements (`a >= b`), never their negation.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeGuard

Expr = str | int | tuple[Any, ...]

_OPERATIONS: dict[str, Callable[[int, int], int]] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "//": lambda a, b: a // b,
    "min": min,
    "max": max,
}


class Sym:
    """A size that differs between instantiations; made by `symbol` and by arithmetic."""

    __slots__ = ("expr", "values")

    def __init__(self, expr: Expr, values: tuple[int, ...]) -> None:
        self.expr = expr
        self.values = values

    def __repr__(self) -> str:
        # A size inside an attribute is rendered with the rest of it, so that its text is the expression.
        return render(self)

    def __hash__(self) -> int:
        return hash(self.values)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sym) and self.values == other.values

    def __add__(self, other: Size) -> Size:
        return _combine("+", self, other)

    def __radd__(self, other: Size) -> Size:
        return _combine("+", other, self)

    def __sub__(self, other: Size) -> Size:
        return _combine("-", self, other)

    def __rsub__(self, other: Size) -> Size:
        return _combine("-", other, self)

    def __mul__(self, other: Size) -> Size:
        return _combine("*", self, other)

    def __rmul__(self, other: Size) -> Size:
        return _combine("*", other, self)

    def __floordiv__(self, other: Size) -> Size:
        return _combine("//", self, other)

    def __neg__(self) -> Size:
        return _combine("*", self, -1)

    def __lt__(self, other: Size) -> bool:
        return all(a < b for a, b in zip(self.values, values_of(other, len(self.values)), strict=True))

    def __le__(self, other: Size) -> bool:
        return all(a <= b for a, b in zip(self.values, values_of(other, len(self.values)), strict=True))

    def __gt__(self, other: Size) -> bool:
        return all(a > b for a, b in zip(self.values, values_of(other, len(self.values)), strict=True))

    def __ge__(self, other: Size) -> bool:
        return all(a >= b for a, b in zip(self.values, values_of(other, len(self.values)), strict=True))


Size = int | Sym
Shape = tuple[Size, ...]


def is_symbolic(size: object) -> TypeGuard[Sym]:
    """Whether the size differs between instantiations."""
    return isinstance(size, Sym)


def symbol(name: str, values: tuple[int, ...]) -> Size:
    """The size named ``name`` with one value per instantiation; a plain int where they are all equal."""
    return _normal(name, values)


def values_of(size: Size, instantiations: int) -> tuple[int, ...]:
    """The value in each instantiation."""
    return size.values if isinstance(size, Sym) else (size,) * instantiations


def value_in(size: Size, instantiation: int) -> int:
    """The value in one instantiation."""
    return size.values[instantiation] if isinstance(size, Sym) else size


def largest(size: Size) -> int:
    """The greatest value over the instantiations."""
    return max(size.values) if isinstance(size, Sym) else size


def smallest(size: Size) -> int:
    """The least value over the instantiations."""
    return min(size.values) if isinstance(size, Sym) else size


def product(sizes: Iterable[Size]) -> Size:
    """The product; 1 for none."""
    result: Size = 1
    for size in sizes:
        result = result * size
    return result


def quotient(a: Size, b: Size) -> Size:
    """The floor of a / b, where either may be symbolic. Raises ZeroDivisionError as ints do."""
    return _combine("//", a, b)


def smaller(a: Size, b: Size) -> Size:
    """The elementwise minimum."""
    return _combine("min", a, b)


def bigger(a: Size, b: Size) -> Size:
    """The elementwise maximum."""
    return _combine("max", a, b)


def evaluate(expr: Expr, table: Mapping[str, tuple[int, ...]], instantiations: int) -> Size:
    """The size that an expression has under a table of symbols. Raises KeyError for an unknown symbol,
    ZeroDivisionError as ints do."""
    if isinstance(expr, str):
        return _normal(expr, table[expr])
    if isinstance(expr, int):
        return expr
    name, left, right = expr
    return _combine(name, evaluate(left, table, instantiations), evaluate(right, table, instantiations))


def symbols_in(value: object) -> set[str]:
    """Names of the size symbols in a size, or in any nest of tuples and lists of sizes."""
    if isinstance(value, Sym):
        return _symbols_of(value.expr)
    if isinstance(value, tuple | list):
        return set().union(*(symbols_in(item) for item in value)) if value else set()
    return set()


def render(size: Size) -> str:
    """The size as Python text over the names of the symbols."""
    return _render(size.expr, 0) if isinstance(size, Sym) else str(size)


def to_json(size: Size) -> Any:
    """An int, or ``{"size": expression}``."""
    return {"size": _listed(size.expr)} if isinstance(size, Sym) else size


def from_json(data: Any, table: Mapping[str, tuple[int, ...]], instantiations: int) -> Size:
    """Reverses `to_json` under a table of symbols."""
    return evaluate(_tupled(data["size"]), table, instantiations) if isinstance(data, dict) else int(data)


def _symbols_of(expr: Expr) -> set[str]:
    if isinstance(expr, str):
        return {expr}
    if isinstance(expr, int):
        return set()
    return _symbols_of(expr[1]) | _symbols_of(expr[2])


def _normal(expr: Expr, values: tuple[int, ...]) -> Size:
    first = values[0]
    for value in values:
        if value != first:
            return Sym(expr, values)
    return first


def _combine(name: str, a: Size, b: Size) -> Size:
    operation = _OPERATIONS[name]
    if isinstance(a, Sym):
        if isinstance(b, Sym):
            return _normal((name, a.expr, b.expr), tuple(map(operation, a.values, b.values)))
        if (b == 0 and name in "+-") or (b == 1 and name in ("*", "//")):
            return a
        return _normal((name, a.expr, b), tuple(operation(value, b) for value in a.values))
    if isinstance(b, Sym):
        if (a == 0 and name == "+") or (a == 1 and name == "*"):
            return b
        return _normal((name, a, b.expr), tuple(operation(a, value) for value in b.values))
    return operation(a, b)


_PRECEDENCE = {"+": 1, "-": 1, "*": 2, "//": 2}


def _render(expr: Expr, outer: int) -> str:
    if isinstance(expr, str | int):
        return str(expr) if not isinstance(expr, int) or expr >= 0 else f"({expr})"
    name, left, right = expr
    if name in ("min", "max"):
        return f"{name}({_render(left, 0)}, {_render(right, 0)})"
    level = _PRECEDENCE[name]
    text = f"{_render(left, level)} {name} {_render(right, level + 1)}"
    return f"({text})" if level < outer else text


def _listed(expr: Expr) -> Any:
    return [expr[0], _listed(expr[1]), _listed(expr[2])] if isinstance(expr, tuple) else expr


def _tupled(data: Any) -> Expr:
    return (data[0], _tupled(data[1]), _tupled(data[2])) if isinstance(data, list) else data
