"""One case as a function of tensors, differentiated in every way that its library has: the numbers that each way gives.

    library (torch_derivatives, ...) --> quantities, each with its ways --> {"quantities": [...]} in the outcome

Nothing is judged here: the oracle `assay.oracles.derivatives` compares what this sends. A quantity is one number, such
as the derivative along v; its ways are to agree. Beside some stand the values of the function to be differentiated on a
line, at several steps, from which the oracle makes a numerical estimate, its error, and one-sided slopes.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .points import WIDE
from .records import exception_record

EVIDENCE = "derivatives"
"""Evidence of this name, with an order and a number of directions behind it, is all that `examine` can tell."""

STEPS = tuple(2.0**-power for power in (6, 7, 8))
"""Of numerical differentiation, in units of the size of the inputs: enough to confirm what is right."""

ALL_STEPS = tuple(2.0**-power for power in range(3, 25))
"""The same where something differs: from where the function bends to where rounding is all there is."""

DIRECTIONS, ALL_DIRECTIONS = 1, 3
"""How many directions are tried, and how many there are at most."""

PERTURBATIONS = 2
"""How often the ways are asked again where something differs, with inputs a few units in the last place away."""

SHARED = 2.0**-44
"""Up to which relative difference two ways in float64 are taken to give the same number."""

Way = Callable[..., Any]


@dataclass
class Library:
    """What a library's own module says of one case, for `examine`.

    ``phi`` is the real function and ``x`` the point; ``ways`` hold, by quantity, the ways to compute it: functions of
    phi, x and as many directions as its order says. ``direction(number, k)`` makes the k-th of the directions of a
    number, ``nearby(number)`` a point a few units in the last place away. ``moved(x, v, t)`` is x + t v, ``plain(phi,
    x)`` the value of phi alone. ``weight(phi, x, v)`` is the sum of |g_i v_i|: how large the terms of a derivative are.
    ``first`` and ``second`` are the ways whose values along a line give numerical derivatives of the next order.
    ``sizes`` do for other quantities what ``weight`` does for derivatives. ``flat(v)`` are the real coordinates of a
    direction; ``sides()`` gives for each coordinate of x the slopes from the left and from the right of each term of
    phi, which is a sum over the elements of the outputs, or None where there are too many. ``wide`` is the same case
    with its inputs in float64, where they are narrower; its ``nearby`` points are as far away as a unit in the last
    place of the narrow ones.
    """

    phi: Way
    x: Any
    ways: Mapping[str, Mapping[str, Way]]
    plain: Way
    moved: Way
    direction: Callable[[int, int], Any]
    nearby: Callable[[int], Any]
    weight: Way
    first: Way
    second: Way
    sizes: Mapping[str, Way]
    flat: Callable[[Any], Sequence[float]]
    sides: Callable[[], Sequence[tuple[Sequence[float], Sequence[float]]] | None] | None = None
    wide: Library | None = None
    facts: dict[str, Any] = field(default_factory=dict)


ORDERS = {"value": 0, "first": 1, "traced": 1, "second": 2, "third": 3}


def examine(
    library: Library,
    order: int,
    everything: tuple[int, int] | None,
    note: Callable[[str], None],
    traced: Sequence[str] = (),
) -> dict[str, Any]:
    """All quantities up to an order, those of the first by the ``traced`` ways too. With ``everything``, up to the
    order that it begins with and along as many directions as it ends with: at more steps and beside the point, by which
    the oracle tells a fault from rounding and from a kink."""
    order, directions = (min(order, everything[0]), everything[1]) if everything else (order, DIRECTIONS)
    seen = _Quantities(note)
    steps = ALL_STEPS if everything else STEPS
    phi, x = library.phi, library.x
    for number in range(directions):
        v, w, z = (library.direction(number, k) for k in range(3))
        made = seen.add("value", number, library.ways["value"], phi, x, v)
        if everything:
            # At a jump rounding decides.
            made["beside"] = seen.beside(library.ways["value"], made["values"], library, v)
        weight = seen.ask(lambda v=v: library.weight(phi, x, v))
        line = seen.line(lambda t, v=v: library.plain(phi, library.moved(x, v, t)), steps)
        first = dict(library.ways["first"])
        first.update((name, library.ways["traced"][name]) for name in traced)
        made = seen.add("first", number, first, phi, x, v, weight=weight, line=line)
        if number == 0:
            # They are compiled anew at every point: those that agree with another way are asked once.
            traced = [name for name in traced if not _is_shared(made["values"], name, library.ways["first"])]
            first = {name: way for name, way in first.items() if name in library.ways["first"] or name in traced}
        if library.wide is not None:
            made["wide"] = seen.wide(library.wide, library.wide.first, number, 1)
        if everything:
            made["beside"] = seen.beside(first, made["values"], library, v)
            if number == 0:
                # Numerical slopes in few bits tell nothing.
                is_told = library.sides is not None and set(library.facts["dtypes"]) <= WIDE
                sides = library.sides() if is_told else None
            made["box"] = None if sides is None else box(sides, library.flat(v))
        for name in library.ways:
            if name not in ORDERS:
                size = seen.ask(lambda name=name, v=v, w=w: library.sizes[name](phi, x, v, w))
                seen.add(name, number, library.ways[name], phi, x, v, w, weight=size)
        if order >= 2 and "second" in library.ways:
            line = seen.line(lambda t, v=v, w=w: library.first(phi, library.moved(x, w, t), v), steps)
            made = seen.add("second", number, library.ways["second"], phi, x, v, w, line=line)
            if library.wide is not None:
                made["wide"] = seen.wide(library.wide, library.wide.second, number, 2)
            if everything:
                made["beside"] = seen.beside(library.ways["second"], made["values"], library, v, w)
        if order >= 3 and "third" in library.ways:
            line = seen.line(lambda t, v=v, w=w, z=z: library.second(phi, library.moved(x, z, t), v, w), steps)
            made = seen.add("third", number, library.ways["third"], phi, x, v, w, z, line=line)
            if everything:
                made["beside"] = seen.beside(library.ways["third"], made["values"], library, v, w, z)
    return {"quantities": seen.found, "exhausted": seen.exhausted, **library.facts}


def without(ways: Mapping[str, Way], asked: Mapping[str, Any]) -> dict[str, Way]:
    """The ways that a case does not say to leave out."""
    return {name: way for name, way in ways.items() if name not in asked.get("without", ())}


def asked_beyond(request: Mapping[str, Any]) -> tuple[int, int] | None:
    """Up to which order, and along how many directions, a request asks for everything."""
    for name in request.get("evidence", ()):
        head, _, rest = name.partition(":")
        if head == EVIDENCE:
            order, _, directions = rest.partition(":")
            return int(order), int(directions)
    return None


def box(sides: Sequence[tuple[Sequence[float], Sequence[float]]], v: Sequence[float]) -> list[Any] | None:
    """Between what numbers the derivative along v is, if each partial derivative of each element is one between its
    slopes from the two sides: what subgradients are free to be, where several elements are at kinks."""
    low = high = 0.0
    for (left, right), along in zip(sides, v):  # noqa: B905 -- Python 3.9
        for one, other in zip(left, right):  # noqa: B905
            low += min(one * along, other * along)
            high += max(one * along, other * along)
    return [low, high] if math.isfinite(low) and math.isfinite(high) else None


def _is_shared(values: Mapping[str, Any], name: str, others: Mapping[str, Way]) -> bool:
    """Whether a way gave, but for the last bits, the number that one of the others gave."""
    return any(_is_near(values[name], values[each]) for each in others)


def _is_near(one: Any, other: Any) -> bool:
    return isinstance(one, float) and isinstance(other, float) and abs(one - other) <= SHARED * abs(other)


class _Quantities:
    """Collects quantities. ``note`` is told what is about to run, so that a death has a name."""

    def __init__(self, note: Callable[[str], None]) -> None:
        self._note = note
        self.found: list[dict[str, Any]] = []
        self.exhausted = False

    def add(self, name: str, direction: int, ways: Mapping[str, Way], *given: Any, **more: Any) -> dict[str, Any]:
        """Ask every way for one quantity."""
        made = {"name": name, "direction": direction, "values": self.values(name, ways, *given), **more}
        self.found.append(made)
        return made

    def values(self, name: str, ways: Mapping[str, Way], *given: Any) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for way, function in ways.items():
            self._note(f"{name} {way}")
            values[way] = self.ask(lambda function=function: function(*given))
        return values

    def beside(
        self, ways: Mapping[str, Way], values: Mapping[str, Any], library: Library, *directions: Any
    ) -> list[dict[str, Any]]:
        """The same ways at points a few units in the last place away. Of those that gave one number one is asked, and
        the others are taken to change as it does."""
        asked: dict[str, Way] = {}
        like: dict[str, str] = {}
        for name, way in ways.items():
            one = next((each for each in asked if _is_near(values[name], values[each])), None)
            if one is None:
                asked[name] = way
            else:
                like[name] = one
        found = []
        for number in range(PERTURBATIONS):
            made = self.values("beside", asked, library.phi, library.nearby(number), *directions)
            for name, one in like.items():
                if isinstance(made[one], float):
                    made[name] = values[name] + (made[one] - values[one])
            found.append(made)
        return found

    def wide(self, library: Library, way: Way, number: int, order: int) -> dict[str, Any]:
        """A quantity in float64, and at points nearby."""
        self._note("wide")
        directions = [library.direction(number, k) for k in range(order)]
        nearby = [library.nearby(k) for k in range(PERTURBATIONS)]
        return {
            "value": self.ask(lambda: way(library.phi, library.x, *directions)),
            "beside": [self.ask(lambda point=point: way(library.phi, point, *directions)) for point in nearby],
        }

    def ask(self, ask: Callable[[], Any]) -> Any:
        """A number as JSON has it, or the record of the exception."""
        try:
            return encoded(ask())
        except Exception as error:
            record = exception_record(error)
            self.exhausted = self.exhausted or bool(record["exhausted"])
            error.__traceback__ = None
            return {"raised": record}

    def line(self, along: Callable[[float], Any], steps: Sequence[float]) -> dict[str, Any]:
        """The values of a function of one variable beside 0: of each step those to the left and to the right."""
        self._note("numerical")
        return {
            "steps": list(steps),
            "centre": self.ask(lambda: along(0.0)),
            "left": [self.ask(lambda t=t: along(-t)) for t in steps],
            "right": [self.ask(lambda t=t: along(t)) for t in steps],
        }


def encoded(value: Any) -> Any:
    """A number; what is not finite by its name, since JSON has none."""
    value = float(value)
    if math.isfinite(value):
        return value
    return "nan" if math.isnan(value) else "inf" if value > 0 else "-inf"
