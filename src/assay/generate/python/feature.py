"""A feature of the language, as a piece of text with holes: what the source ``python`` composes programs of.

    property_ = feature("class.property", "r:int", '''
    class @C:
        @property
        def v(self):
            return self.w + 1
    ---
    @a = @C()
    @a.w = $int
    @r = @a.v
    ''')

``@name`` becomes a name of its own, ``$type`` a value of the program or a constant. What stands above ``---`` may be
defined in the module or in the program itself. ``gives`` names what the rest of the program may use, with its type.
"""

from __future__ import annotations

import re
import textwrap
from dataclasses import dataclass
from functools import cache

from assay.plugins import collected

HOLE = re.compile(r"\$(int|float|str|list|tuple|dict|bool|t)\b")
_DECORATOR = re.compile(
    r"^(\s*)@(property|classmethod|staticmethod|dataclasses|functools|contextlib|v(?=\.(?:setter|deleter)))\b"
)
FRESH = re.compile(r"@(\w+)")


@dataclass(frozen=True, slots=True)
class Feature:
    """A named piece of text. ``exercises`` are the modelled names that it calls, beside its own. ``breaks`` says that
    compilers are known to leave it to CPython, whole or in part: what is around it is then compiled in pieces at best.
    """

    name: str
    gives: tuple[tuple[str, str], ...]
    text: str
    definition: str = ""
    exercises: tuple[str, ...] = ()
    breaks: bool = False


def feature(name: str, gives: str, text: str, exercises: str = "", *, breaks: bool = False) -> Feature:
    """Make a `Feature` of a text with holes. ``gives`` is ``name:type`` by spaces. Raises ValueError for a hole of no
    known type."""
    lines = textwrap.dedent(text).strip("\n").splitlines()
    # Decorators of the language itself are no names to be made.
    lines = [_DECORATOR.sub(r"\1@@\2", line) for line in lines]
    # What a text names of the standard library is imported where it is rendered.
    kept = "\n".join(line for line in lines if not line.startswith("import ")).strip("\n") + "\n"
    definition, line, rest = kept.partition("---\n")
    if not line:
        definition, rest = "", definition
    for hole in re.findall(r"\$(\w+)", text):
        if not HOLE.match(f"${hole}"):
            raise ValueError(f"{name} has a hole for '{hole}', which is no type")
    pairs = tuple((part.partition(":")[0], part.partition(":")[2]) for part in gives.split())
    return Feature(name, pairs, rest.rstrip("\n"), definition.rstrip("\n"), tuple(exercises.split()), breaks)


@cache
def features() -> tuple[Feature, ...]:
    """Every feature of the folder and of installed packages (``assay.sources``), by name. Raises ValueError where two
    have one name."""
    found = collected(f"{__package__}.features", "assay.sources", lambda module: vars(module).get("FEATURES", ()))
    return tuple(found[name] for name in sorted(found))
