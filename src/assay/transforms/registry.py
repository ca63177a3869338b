"""Transforms register themselves here. A family is a file of `families`, or of a package that names it under
`assay.transforms`.

    @run("control.for_break")
    def for_break(w: Writing) -> list[str]:
        \"\"\"The first trip runs the statements and leaves the loop.\"\"\"
        return [f"for {w.fresh('i')} in range(3):", *w.indented(), "    break"]

A transform says what a site needs, writes the text, and tells in its docstring why the meaning stays. It is of one of
four kinds: a *run* of consecutive statements, a *value*, an *operation*, a *point* between statements.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, partial
from types import ModuleType
from typing import Any

from assay.emit.rewriting import Write, Writing
from assay.plugins import collected

KINDS = ("run", "value", "operation", "point")


@dataclass(frozen=True, slots=True)
class Needs:
    """What a site must meet; the defaults ask for nothing.

    ``training``: False where nothing may require a gradient. ``pure``: the run holds nothing but tensor operations that
    write nothing. ``unwritten``: no storage that the site reads or yields is ever written in the program, so that a
    copy is as good as the value and reading later as good as reading now. ``quiet``: the program writes nothing
    anywhere and asks for no strides, so that another memory layout changes no value but by rounding. ``fresh``: what
    the run yields shares no memory with what is outside. ``dtypes`` and ``rank``: of a value, or of every tensor that a
    run reads and yields; ``rank`` is the least. ``exact``: no rounding happens in what the site yields. ``bounded``:
    there is a visible tensor with known bounds; it is the last operand, its bounds are the choices low and high.
    ``tensors``: what a run reads and yields are tensors. ``one``: it yields one value. ``plain``: it is written as a
    function call, and holds no statement but operations. ``outermost``: the site is in no region. ``static``: all sizes
    are numbers. ``filled``: there is an element in every call. ``writable``: a value whose memory may be written for a
    while. ``accepts``: anything else, of an operation.
    """

    training: bool = True
    pure: bool = False
    unwritten: bool = False
    quiet: bool = False
    fresh: bool = False
    dtypes: tuple[str, ...] = ()
    rank: int = 0
    exact: bool = False
    bounded: bool = False
    tensors: bool = False
    one: bool = False
    plain: bool = False
    outermost: bool = False
    static: bool = False
    filled: bool = False
    small: bool = False
    writable: bool = False
    accepts: Callable[[Any], bool] | None = None


@dataclass(frozen=True, slots=True)
class Transform:
    """A named rewrite.

    ``breaks``: a graph break is its purpose, or is known to follow. ``opaque``: nothing is rewritten inside of it,
    since its text does not take any Python. ``extras``: the types of what it makes beside the values, which become
    outputs: ``int``, ``str``, ``bool``, or ``tensor`` for int64 of one dimension. ``weight``: how often it is dealt.
    ``between``: it changes something between the calls, and wants three: as at first, changed, as at first again.
    """

    name: str
    kind: str
    write: Write
    needs: Needs = Needs()
    breaks: bool = False
    opaque: bool = False
    extras: tuple[str, ...] = ()
    weight: float = 1.0
    between: bool = False

    @property
    def family(self) -> str:
        """The part of the name before the dot."""
        return self.name.partition(".")[0]

    @property
    def reason(self) -> str:
        """Why the meaning is preserved."""
        return (self.write.__doc__ or "").strip()


def transform(
    kind: str,
    name: str,
    *,
    breaks: bool = False,
    opaque: bool = False,
    extras: tuple[str, ...] = (),
    weight: float = 1.0,
    between: bool = False,
    **needs: Any,
) -> Callable[[Write], Transform]:
    """Make a `Transform` of a function that writes its text; ``needs`` are the fields of `Needs`.

    A run gives its lines, which bind the targets. A value and an operation give lines of which the last is the
    expression of the new value. A point gives its lines.
    """

    def made(write: Write) -> Transform:
        return Transform(name, kind, write, Needs(**needs), breaks, opaque, extras, weight, between)

    return made


run = partial(transform, "run")
value = partial(transform, "value")
operation = partial(transform, "operation")
point = partial(transform, "point")


def transforms_of(module: ModuleType) -> tuple[Transform, ...]:
    """The transforms that a module defines, as against those that it imports."""
    found = (each for each in vars(module).values() if isinstance(each, Transform))
    return tuple(each for each in found if each.write.__module__ == module.__name__)


@cache
def transforms() -> Mapping[str, Transform]:
    """Every transform of the folder and of installed packages, by name, in the order of the names.

    Raises ValueError where two have one name.
    """
    found = collected(f"{__package__}.families", "assay.transforms", transforms_of)
    return {name: found[name] for name in sorted(found)}


__all__ = ["KINDS", "Needs", "Transform", "Writing", "operation", "point", "run", "transforms", "value"]
