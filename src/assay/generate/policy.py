"""The policy of a case, drawn before its program: which operators and dtypes, which values, which features (swarm
testing).

A campaign of many different narrow policies reaches states that one broad distribution never does (Groce et al.,
ISSTA 2012); the policy is part
of the recipe, and a reducer can undo each choice.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from assay.inputs.profiles import PROFILES
from assay.ir.program import FOUND, KEPT
from assay.ops.catalogue import DETERMINED

DETERMINED_SHARE = 0.4
"""The part of programs that have operators that data decide about."""

DTYPES = ("float16", "bfloat16", "float32", "float64", "int8", "int16", "int32", "int64", "uint8", "bool")


@dataclass(frozen=True, slots=True)
class Policy:
    """One draw of all choices. Shares are probabilities per opportunity. With ``decisions`` rounded values may reach
    comparisons, indices and floors."""

    operations: int
    operators: tuple[str, ...]
    dtypes: tuple[str, ...]
    exact: bool
    decisions: bool
    profile: str | None
    values: str
    training: bool
    calls: int
    changing: bool
    symbols: int
    zero_sizes: bool
    large: bool
    layouts: float
    aliases: float
    mutation: float
    state: float
    scalars: float
    regions: float
    containers: float
    forms: float
    motifs: float
    style: str
    transforms: int = 0

    def to_json(self) -> dict[str, Any]:
        """The policy as JSON-compatible data, without the operators (the recipe says how many were left out)."""
        data = {each.name: getattr(self, each.name) for each in fields(self)}
        data["operators"] = len(self.operators)
        data["dtypes"] = list(self.dtypes)
        return data


def draw_policy(
    rng: random.Random, operators: Sequence[str], operations: int, dear: bool, forced: Mapping[str, Any]
) -> Policy:
    """A policy. ``dear``: a compile on the target costs seconds, so features that multiply compiles are rarer.
    ``forced`` overrides choices."""
    subset = tuple(operators)
    if len(subset) > 12 and rng.random() < 0.5:
        # At least 40 % of the operators, so that none loses its share and pairs still meet.
        kept = max(10, int(len(subset) * rng.uniform(0.4, 0.9)))
        subset = tuple(sorted(rng.sample(subset, kept)))
    if rng.random() >= DETERMINED_SHARE:
        subset = tuple(name for name in subset if not name.startswith(DETERMINED)) or subset
    floats = rng.choices(
        (
            ("float32",),
            ("float64",),
            ("bfloat16",),
            ("float16",),
            ("float32", "bfloat16"),
            ("float32", "float64"),
            DTYPES[:4],
        ),
        (40, 12, 8, 8, 8, 8, 16),
    )[0]
    integers = rng.choices((("int64",), ("int32",), ("int64", "int32"), DTYPES[4:9]), (30, 15, 25, 30))[0]
    # A property of the arguments that changes between calls makes the program compile again, which is dear there.
    changing = rng.random() < (0.2 if dear else 0.9)
    dynamic = changing and rng.random() < (0.4 if dear else 0.45)
    choices: dict[str, Any] = {
        "operations": operations,
        "operators": subset,
        "dtypes": (*floats, *integers, "bool"),
        "exact": rng.random() < 0.5,
        "decisions": rng.random() < 0.4,
        "profile": _profile(rng),
        "values": KEPT,
        "training": rng.random() < (0.2 if dear else 0.3),
        "calls": 2 if rng.random() < 0.85 else 3,
        "changing": changing,
        "symbols": rng.choice((1, 1, 2, 3)) if dynamic else 0,
        "zero_sizes": rng.random() < 0.06,
        "large": rng.random() < 0.1,
        "layouts": rng.choice((0.0, 0.0, 0.3, 0.7)),
        "aliases": rng.choice((0.0, 0.0, 0.2, 0.5)),
        "mutation": rng.choice((0.0, 0.2, 0.3, 0.6)),
        "state": rng.choice((0.0, 0.0, 0.4)),
        "scalars": rng.choice((0.1, 0.3)),
        "regions": rng.choice((0.0, 0.1, 0.25)),
        "containers": rng.choice((0.0, 0.1, 0.4)),
        "forms": rng.choice((0.0, 0.3, 0.6)),
        "motifs": rng.choice((0.0, 0.15, 0.3)),
        "style": rng.choice(("function", "function", "forward")),
        # Each may add a graph break, and so a graph to compile.
        "transforms": rng.randint(1, 3 if dear else 6) if rng.random() < (0.25 if dear else 0.6) else 0,
    }
    if choices["exact"] and choices["profile"] == "distinct":
        # So many bits leave little that stays exact.
        choices["profile"] = None
    choices |= forced
    if choices["values"] != KEPT:
        # What a search finds, or no search could, is rounded sooner or later, and then decided on.
        choices |= {"exact": False, "decisions": True}
    if choices["values"] == FOUND:
        # What transforms wrap the search does not look into.
        choices["transforms"] = 0
    return Policy(**choices)


def _profile(rng: random.Random) -> str | None:
    """A profile for all inputs, or None for one each. Values that differ keep extremes from being ties, of which
    nothing can be said where they are rounded."""
    way = rng.random()
    return "distinct" if way < 0.35 else rng.choice(PROFILES) if way < 0.6 else None
