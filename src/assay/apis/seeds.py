"""The functions of an installed library with calls of them that it documents or tests itself: collected once per
release by a program in the target's interpreter (`probe_torch`, `probe_jax`, `probe_tensorflow`), kept as plain data.

What a call is made of is described in docs/apis.md: arguments as JSON, tensors apart by dtype, shape and elements.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import Any

from assay.apis.thinned import shortened, thinned
from assay.collected import CannotTell, collect, is_kept

LIBRARIES = {"torch": "eager", "jax": "jax", "tensorflow": "tensorflow"}
"""The libraries whose functions are differentiated, and the target that a case of each is of."""

WATCHED: Mapping[str, Sequence[str]] = {
    "torch": ("version.py", "testing/_internal/common_methods_invocations.py"),
    "jax": ("version.py",),
    "tensorflow": ("__init__.py",),
}
PROBE_SECONDS = 1800.0

INTERNAL: Mapping[str, str] = {
    "torch.ops.aten.*_backward*": "a backward formula: its arguments have to fit each other",
    "torch.ops.aten._*": "private: it takes for granted what its callers check",
    "torch.ops.aten.lift*": "a part of tracing",
    "torch.ops.aten.slice_inverse*": "a part of functionalisation",
    "tf.raw_ops.NextIteration": "a part of loops: it has a frame of its own",
    "tf.raw_ops.MaxPool*Grad*": "a backward formula: its arguments have to fit each other",
    "tf.raw_ops.FusedBatchNormGrad*": "a backward formula: its arguments have to fit each other",
}
"""Operators of schemas that are no functions that anybody calls, with the reason."""

LISTED = "torch._foreach_*"
"""Functions that do to each tensor of a list what another function does to one."""

Call = dict[str, Any]
"""A call with all that its text needs: the library, the function's name and callee, and what it is given."""


class NoSeeds(RuntimeError):
    """The interpreter has no such library that can be asked; the text says what it said."""


class UnknownApi(ValueError):
    """No function has such a name."""


@dataclass(frozen=True)
class Api:
    """A function, where its seeds are from, and the seeds."""

    name: str
    origin: str
    seeds: tuple[Call, ...]


@dataclass(frozen=True)
class Seeds:
    """What a library's functions and their seeds are, and which functions are not reached, with the reason."""

    library: str
    version: str
    apis: tuple[Api, ...]
    unreached: tuple[tuple[str, str], ...]

    def chosen(self, include: Sequence[str] = (), exclude: Sequence[str] = ()) -> Seeds:
        """Those that names and globs select. Raises UnknownApi for one that selects nothing."""
        names = [each.name for each in self.apis]
        for glob in (*include, *exclude):
            if not any(fnmatchcase(name, glob) for name in names):
                near = [name for name in names if glob.rpartition(".")[2].strip("*") in name][:3]
                hint = f"; did you mean {', '.join(near)}?" if near else "; `assay apis` lists them"
                raise UnknownApi(f"no function of {self.library} is called '{glob}'{hint}")
        kept = tuple(
            each
            for each in self.apis
            if (not include or any(fnmatchcase(each.name, glob) for glob in include))
            and not any(fnmatchcase(each.name, glob) for glob in exclude)
        )
        return Seeds(self.library, self.version, kept, self.unreached)

    def only(self, names: Sequence[str]) -> Seeds:
        """Those of these names."""
        wanted = frozenset(names)
        return Seeds(self.library, self.version, tuple(each for each in self.apis if each.name in wanted), ())


@cache
def seeds_of(library: str, python: str = sys.executable) -> Seeds:
    """The seeds of a library as an interpreter has it. The first time it takes minutes. Raises NoSeeds."""
    with _asking(library, python):
        return from_json(collect(python, _probe(library), library, WATCHED[library], PROBE_SECONDS))


def are_kept(library: str, python: str) -> bool | None:
    """Whether `seeds_of` has nothing to collect; None where what is kept is of another release. Raises NoSeeds."""
    with _asking(library, python):
        return is_kept(python, _probe(library), library, WATCHED[library])


def _probe(library: str) -> Path:
    return Path(__file__).with_name(f"probe_{library}.py")


@contextmanager
def _asking(library: str, python: str) -> Iterator[None]:
    try:
        yield
    except CannotTell as why:
        raise NoSeeds(f"{python} has no {library} that can be asked for its functions ({why})") from None


def from_json(data: Mapping[str, Any]) -> Seeds:
    """What a probe printed."""
    apis = []
    unreached = [(each["name"], each["reason"]) for each in data["unreached"]]
    for api in data["apis"]:
        internal = next((why for glob, why in INTERNAL.items() if fnmatchcase(api["name"], glob)), "")
        if internal:
            unreached.append((api["name"], internal))
            continue
        common = {
            "library": data["library"],
            "name": api["name"],
            "callee": api["callee"],
            "kind": api["kind"],
            "imports": api.get("imports", []),
            "inplace": bool(api.get("inplace")),
        }
        # What has elements comes first: of nothing there is little to differentiate.
        seeds = sorted(thinned(api["seeds"]), key=lambda seed: any(0 in each["shape"] for each in seed["tensors"]))
        if fnmatchcase(api["name"], LISTED):
            seeds = [shortened(seed) for seed in seeds]
        apis.append(Api(api["name"], api["origin"], tuple({**common, **seed} for seed in seeds)))
    return Seeds(data["library"], data["version"], tuple(apis), tuple(unreached))


def family(name: str) -> str:
    """What the method, the function, the module, the in-place form and the operator of one computation have in common.

    >>> {family(name) for name in ("torch.sin", "torch.Tensor.sin_", "torch.ops.aten.sin.default")}
    {'sin'}
    >>> {family(name) for name in ("torch.nn.InstanceNorm2d", "torch.nn.functional.instance_norm")}
    {'instancenorm'}
    """
    parts = name.split(".")
    last = parts[3] if name.startswith("torch.ops.") and len(parts) > 4 else parts[-1]
    return re.sub(r"_|[123]d$", "", last).lower()
