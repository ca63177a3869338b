"""Points and directions as numpy arrays, for libraries whose arrays numpy can hold: beside a point, along each of its
coordinates, and the slopes there from both sides."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

MOST_COORDINATES = 160
SIDE_STEPS = (2.0**-16, 2.0**-17)
WIDE = frozenset({"float64", "complex128"})

Terms = Callable[[Sequence[Any]], Any]


def flat(v: Sequence[Any]) -> list[float]:
    """The real coordinates of arrays: of complex elements the real part, then the imaginary one."""
    import numpy

    found: list[float] = []
    for each in map(numpy.asarray, v):
        wide = each.reshape(-1).astype("complex128" if numpy.iscomplexobj(each) else "float64")
        found += wide.view("float64").tolist()
    return found


def nearby(x: Sequence[Any], drawn: Sequence[Any], units: Sequence[float]) -> list[Any]:
    """Arrays whose elements are moved by about two units; ``drawn`` says where to, for each."""
    import numpy

    moved = []
    for each, aside, unit in zip(map(numpy.asarray, x), drawn, units):  # noqa: B905 -- Python 3.9
        far = aside if numpy.iscomplexobj(aside) else numpy.clip(aside.astype("float64"), -2, 2)
        moved.append((each * (1 + 2 * unit * far)).astype(each.dtype))
    return moved


def sides(terms: Terms, x: Sequence[Any], sizes: Sequence[float]) -> list[tuple[list[float], list[float]]] | None:
    """The slopes from the left and from the right of each term, by real coordinate of the point: extrapolated from two
    steps, which are in units of the sizes of the arrays. None where there are too many, or no terms beside the point.
    """
    import numpy

    x = [numpy.asarray(each) for each in x]
    coordinates = list(_coordinates(x))
    if len(coordinates) > MOST_COORDINATES:
        return None
    found = []
    try:
        centre = numpy.asarray(terms(x))
        for number, place, unit in coordinates:
            slopes = []
            for sign in (-1, 1):
                steps = [sign * step * sizes[number] for step in SIDE_STEPS]
                coarse, fine = (
                    (numpy.asarray(terms(_stepped(x, number, place, unit * step))) - centre) / step for step in steps
                )
                slopes.append((2 * fine - coarse).tolist())
            found.append((slopes[0], slopes[1]))
    except Exception:
        # Beside the point the function is not defined.
        return None
    return found


def _coordinates(x: Sequence[Any]) -> Iterator[tuple[int, int, complex]]:
    import numpy

    for number, each in enumerate(x):
        for place in range(each.size):
            yield number, place, 1.0
            if numpy.iscomplexobj(each):
                yield number, place, 1j


def _stepped(x: Sequence[Any], number: int, place: int, step: complex) -> list[Any]:
    import numpy

    made = list(x)
    made[number] = numpy.array(x[number])
    made[number].reshape(-1)[place] += step
    return made
