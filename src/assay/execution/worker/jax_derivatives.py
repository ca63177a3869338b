"""A case's program as a function of arrays, for JAX: which inputs and outputs are differentiated, and in what ways
(`jax_modes`).

What costs time is compilation, so that all ways of a case that can be traced are compiled as one program. What cannot
be traced, and the ways that are there to be compiled by themselves, are run as they stand.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jax
import numpy

from . import derivatives, jax_modes, points
from .differentiating import Refused, loaded

FAST: dict[str, Any] = {
    "xla_backend_optimization_level": 0,
    "xla_llvm_disable_expensive_passes": True,
    "xla_cpu_use_fusion_emitters": False,
}
"""Of a program that runs once: derivatives are wrong or right before the code generator."""

TRANSPARENT = frozenset({"convert_element_type", "reshape", "broadcast_in_dim", "squeeze", "copy", "copy_p"})
"""Primitives that say nothing of where an output comes from."""


def answer(request: dict[str, Any], note: Callable[[str], None], everything: tuple[int, int] | None) -> dict[str, Any]:
    """The quantities of a case, as `request["derivatives"]` asks for them: their ``order``, and which of the ways that
    are dearer than others. Raises Refused where the program cannot be run by itself."""
    program, given = loaded(request, note)
    return _Case(program, given, note).examined(request["derivatives"], everything)


class _Case:
    """One program at one point."""

    def __init__(self, program: Any, given: tuple[Any, ...], note: Callable[[str], None]) -> None:
        self.program, self.given, self.note = program, given, note
        self.x = [each for each in given if jax_modes.is_differentiable(each)]

    def outputs(self, *x: Any) -> list[Any]:
        """What the program gives for inputs in the places of those that are differentiated."""
        return jax_modes.outputs(self.program, self.given, x)

    def examined(self, asked: dict[str, Any], everything: tuple[int, int] | None) -> dict[str, Any]:
        """All quantities, up to the order that is asked for."""
        facts = self.facts()
        kept, why = facts.pop("kept"), facts.pop("why")
        if not kept:
            return {"quantities": [], "nothing": why, **facts}
        order = int(asked.get("order", 2))
        library = self.library(facts, kept)
        if {str(each.dtype) for each in self.x} - points.WIDE:
            library.wide = self.widened(facts, kept)
        together = _Together(library, self.note)
        groups = [name for name, of in derivatives.ORDERS.items() if of <= order and name != "traced"]
        left = {name: derivatives.without(library.ways[name], asked) for name in groups}
        library.ways = {**library.ways, **{name: together.ways(ways) for name, ways in left.items()}}
        library.weight = together.way(_weight)
        return derivatives.examine(library, order, everything, self.note, asked.get("traced", ()))

    def library(self, facts: dict[str, Any], kept: list[int]) -> derivatives.Library:
        """What `derivatives.examine` needs to know."""
        phi, x = jax_modes.real_function(self.program, self.given)

        @functools.cache
        def direction(number: int, k: int) -> list[Any]:
            return jax_modes.random_like(x, jax_modes.DIRECTIONS_SEED + 10 * number + k)

        return derivatives.Library(
            phi=phi,
            x=x,
            ways={
                "value": _named(jax_modes.VALUE),
                "first": _named(jax_modes.FIRST),
                "traced": _named(jax_modes.TRACED),
                "second": _named(jax_modes.SECOND),
                "third": _named(jax_modes.THIRD),
            },
            plain=_Compiled((jax_modes.jitted, jax_modes.direct), {}),
            moved=jax_modes.moved,
            direction=direction,
            nearby=lambda number: _nearby(x, number),
            weight=_weight,
            first=_Compiled((jax_modes.reverse, jax_modes.forward), FAST),
            second=_Compiled((jax_modes.reverse_reverse, jax_modes.forward_forward), FAST),
            sizes={},
            flat=points.flat,
            sides=lambda: self.sides(x, kept),
            facts=facts,
        )

    def widened(self, facts: dict[str, Any], kept: list[int]) -> derivatives.Library | None:
        """The same case with its inputs in float64; None where that is not what the program takes or gives."""
        given = tuple(_widened(each) if jax_modes.is_differentiable(each) else each for each in self.given)
        wide = _Case(self.program, given, self.note)
        try:
            made = wide.outputs(*wide.x)
            if jax_modes.kept_outputs(made) != kept or any(str(made[k].dtype) not in points.WIDE for k in kept):
                return None
            library = wide.library(facts, kept)
        except Exception:
            return None
        unit = max(float(jax.numpy.finfo(each.dtype).eps) for each in self.x)
        library.nearby = lambda number: _nearby(wide.x, number, unit)
        return library

    def sides(self, x: list[Any], kept: list[int]) -> Any:
        """The slopes from both sides of every weighted element of the outputs, by real coordinate of the point."""
        made = self.outputs(*x)
        u = jax_modes.random_like([made[k] for k in kept], jax_modes.COTANGENT_SEED, unit=True)

        def terms(x: Any) -> Any:
            made = self.outputs(*x)
            weighted = [(along.conj() * made[k]).real.reshape(-1) for along, k in zip(u, kept)]  # noqa: B905
            return jax.numpy.concatenate(weighted).astype("float64")

        compiled = _Compiled((lambda phi, x: phi(x),), FAST)
        return points.sides(lambda point: compiled(terms, point), x, [jax_modes.size_of(each) for each in x])

    def facts(self) -> dict[str, Any]:
        """Run plainly: what comes out, which outputs are differentiated, and what is wrong that is no number. Raises
        Refused."""
        try:
            self.note("direct")
            plain = self.outputs(*self.x)
            self.note("direct again")
            again = self.outputs(*self.x)
        except Exception as error:
            raise Refused(error, "direct") from None
        kept = jax_modes.kept_outputs(plain)
        why = "" if kept else "no output is a real or complex array"
        if not self.x:
            kept, why = [], "no input is a real or complex array"
        elif [_bits(each) for each in plain] != [_bits(each) for each in again]:
            kept, why = [], "random"
        elif not all(bool(jax.numpy.isfinite(plain[k]).all()) for k in kept):
            kept, why = [], "an output is not finite"
        elif not all(bool(jax.numpy.isfinite(each).all()) for each in self.x):
            kept, why = [], "an input is not finite"
        self.note("traced")
        wrong, rules = self.traced(plain, kept) if kept else ([], [])
        return {
            "kept": kept,
            "why": why,
            "shapes": [list(each.shape) for each in self.x],
            "dtypes": sorted({str(each.dtype) for each in [*self.x, *(plain[k] for k in kept)]}),
            "rules": rules,
            "wrong": wrong,
        }

    def traced(self, plain: list[Any], kept: list[int]) -> tuple[list[str], list[str]]:
        """What is another when the program is traced, dtypes and shapes; and the primitives that outputs come from."""
        try:
            closed = jax.make_jaxpr(self.outputs)(*self.x)
        except Exception as error:
            error.__traceback__ = None
            return [], []
        wrong = [
            f"output {number} is {_said(other)} where it is traced, {_said(one)} else"
            for number, (one, other) in enumerate(zip(plain, closed.out_avals))  # noqa: B905
            if one.dtype != other.dtype or one.shape != other.shape
        ]
        return wrong, sorted({_made_by(closed.jaxpr, closed.jaxpr.outvars[k]) for k in kept})


class _Together:
    """Ways compiled as one program when the first of them is asked for, and run for all of them at each point."""

    def __init__(self, library: derivatives.Library, note: Callable[[str], None]) -> None:
        self.library, self.note = library, note
        self.members: list[derivatives.Way] = []
        self.traced: list[derivatives.Way] = []
        self.program: Callable[..., list[Any]] | None = None
        self.last: list[tuple[Any, int, dict[derivatives.Way, Any]]] = []

    def ways(self, group: Mapping[str, derivatives.Way]) -> dict[str, derivatives.Way]:
        """Those of a group that way. What is there to run operation by operation, or compiled by itself, stays so."""
        apart = (jax_modes.direct, jax_modes.jitted)
        return {name: way if way in apart else self.way(way) for name, way in group.items()}

    def way(self, way: derivatives.Way) -> derivatives.Way:
        """One of them."""
        self.members.append(way)

        def asked(phi: Any, x: Any, *directions: Any) -> Any:
            if self.program is None:
                self.program = self._compiled()
            values = self._values(x, directions[0])
            return values[way] if way in values else way(phi, x, *directions)

        return asked

    def _values(self, x: Any, v: Any) -> dict[derivatives.Way, Any]:
        """The numbers at a point along the directions that begin with one."""
        for point, number, values in self.last:
            if point is x and self.library.direction(number, 0) is v:
                return values
        numbers = range(derivatives.ALL_DIRECTIONS)
        number = next((each for each in numbers if self.library.direction(each, 0) is v), None)
        if number is None or self.program is None:
            return {}
        self.note("compiled together")
        try:
            found = self.program(x, *(self.library.direction(number, k) for k in range(3)))
            values = {way: float(value) for way, value in zip(self.traced, found)}  # noqa: B905
        except Exception as error:
            error.__traceback__ = None
            values = {}
        self.last = [*self.last[-4:], (x, number, values)]
        return values

    def _compiled(self) -> Callable[..., list[Any]]:
        """All that can be traced, as one program."""
        flat = (self.library.x, *(self.library.direction(0, k) for k in range(3)))
        traced = []
        for way in self.members:
            self.note(f"traced {way.__name__}")
            count = way.__code__.co_argcount - 2

            def of_point(x: Any, *directions: Any, way: Any = way, count: int = count) -> Any:
                return way(self.library.phi, x, *directions[:count])

            try:
                traced.append(jax.make_jaxpr(of_point)(*flat))
                self.traced.append(way)
            except Exception as error:
                error.__traceback__ = None

        def all_of_them(*flat: Any) -> list[Any]:
            leaves = jax.tree_util.tree_leaves(flat)
            return [jax.core.eval_jaxpr(closed.jaxpr, closed.consts, *leaves)[0] for closed in traced]

        return jax.jit(all_of_them, compiler_options=FAST)


class _Compiled:
    """The first of some ways that can be compiled, compiled once; else as it stands."""

    def __init__(self, ways: Sequence[derivatives.Way], options: dict[str, Any]) -> None:
        self.ways, self.options = ways, options
        self.made: derivatives.Way | None = None

    def __call__(self, phi: Any, x: Any, *directions: Any) -> Any:
        if self.made is None:
            self.made = self._made(phi, x, *directions)
        return self.made(x, *directions)

    def _made(self, phi: Any, x: Any, *directions: Any) -> derivatives.Way:
        for way in self.ways:
            plain = functools.partial(way, phi)
            for made in (jax.jit(plain, compiler_options=self.options), plain):
                try:
                    made(x, *directions)
                except Exception as error:
                    error.__traceback__ = None
                else:
                    return made
        return functools.partial(self.ways[0], phi)


def _made_by(jaxpr: Any, variable: Any) -> str:
    """The primitive, or the function with a rule of its own, that a variable comes from."""
    for equation in reversed(jaxpr.eqns):
        place = next((k for k, out in enumerate(equation.outvars) if out is variable), None)
        if place is None:
            continue
        name = str(equation.primitive.name)
        inner = equation.params.get("jaxpr") if name in ("jit", "pjit", "closed_call") else None
        if inner is not None:
            return _made_by(inner.jaxpr, inner.jaxpr.outvars[place])
        if name in TRANSPARENT and equation.invars:
            return _made_by(jaxpr, equation.invars[0])
        called = equation.params.get("call_jaxpr")
        told = getattr(getattr(getattr(called, "jaxpr", None), "debug_info", None), "func_name", "")
        return f"{name} {told}".strip()
    return "an input"


def _weight(phi: Any, x: Any, v: Any) -> Any:
    """The sum of the sizes of the terms of a derivative."""
    gradient = jax.grad(phi, jax_modes.places(x))(*x)
    return sum((abs(a) * abs(b)).sum() for a, b in zip(gradient, v))  # noqa: B905


def _named(ways: tuple[Any, ...]) -> dict[str, Any]:
    return {each.__name__: each for each in ways}


def _said(array: Any) -> str:
    return f"{array.dtype}{list(array.shape)}"


def _bits(array: Any) -> tuple[Any, ...]:
    if not jax.numpy.issubdtype(array.dtype, jax.numpy.number) and array.dtype != bool:
        array = jax.random.key_data(array)
    held = numpy.ascontiguousarray(array)
    return str(held.dtype), held.shape, held.tobytes()


def _widened(array: Any) -> Any:
    return array.astype("complex128" if jax.numpy.iscomplexobj(array) else "float64")


def _nearby(x: list[Any], number: int, unit: float | None = None) -> list[Any]:
    """Arrays whose elements are moved by about two units in the last place, of their own or of another dtype."""
    units = [float(jax.numpy.finfo(each.dtype).eps) if unit is None else unit for each in x]
    return points.nearby(x, jax_modes.random_like(x, jax_modes.NEARBY_SEED + number, unit=True), units)
