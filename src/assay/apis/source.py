"""The source of cases from library functions: every seed as it is, breadth first, then mutations of them."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from functools import cached_property
from typing import Any

from assay import __version__
from assay.apis.mutate import mutated
from assay.apis.seeds import Call, Seeds, family
from assay.apis.text import render
from assay.ir.case import DERIVATIVES, Case

SOURCE = "api"
THIRD_SHARE = 0.1
TRACED: Mapping[str, Sequence[str]] = {
    "torch": ("func_linearize", "decomposed", "compiled", "compiled_around"),
    "jax": (
        "grad_jitted",
        "jvp_jitted",
        "grad_of_jitted",
        "grad_without_jit",
        "grad_in_scan",
        "jvp_in_while",
        "grad_in_cond",
        "jacobian_reverse",
        "jacobian_forward",
        "custom_rule",
        "without_rules",
    ),
    "tensorflow": (
        "reverse_in_function",
        "reverse_of_function",
        "reverse_of_graph",
        "reverse_compiled",
        "reverse_of_unknown_dimensions",
        "reverse_of_unknown_rank",
        "reverse_vectorized",
        "reverse_batched",
        "jacobian",
        "jacobian_by_rows",
        "custom_rule",
        "reverse_in_loop",
        "reverse_in_branch",
        "forward_in_function",
        "forward_of_function",
        "forward_of_unknown_dimensions",
    ),
}
"""Ways to differentiate that trace or compile, each dearer than all others together: one of them for one seed of
each function, and seldom else."""

WITH_TRACED: Mapping[str, Sequence[str]] = {
    "torch": ("jacobian_reverse", "jacobian_in_chunks", "jacobian_forward", "custom_rule"),
    "jax": ("reverse_by_output", "grad_by_input", "jvp_by_input"),
    "tensorflow": ("reverse_by_output", "reverse_by_input"),
}
"""Others that are asked with it, which cost less."""

TRACED_SHARE = 0.02
WITHOUT: Mapping[str, Sequence[str]] = {
    "torch": ("func_reverse_reverse", "func_forward_reverse", "func_reverse_forward"),
    "jax": ("linearize_reverse", "checkpointed_reverse", "hessian_product"),
}
"""Ways that differ from others only in who keeps the levels, and cost more: from the third seed of a function on every
second case does without them."""

ALL_WAYS_SEEDS = 2
"""How many seeds of a function are differentiated in all ways."""

FIRST_ALONE: Mapping[str, float] = {"jax": 0.7}
"""The share of the further ones whose first derivatives alone are asked for, where each order more is compiled for
seconds."""

ALWAYS_THIRD = ("*norm*", "*linalg*", "*cholesky*", "*svd*", "*qr*", "*inv*", "*solve*", "*det*", "*eig*", "*lu*")
"""Functions whose derivatives are long formulas of their own. Those of normal distributions are not among them."""


class ApiSource:
    """The cases of a library's functions. The first `sweep` indices are the seeds, one of each function before the
    second of any; all further ones are mutated. ``target`` is the library's, with its interpreter where that is not
    Assay's own."""

    def __init__(self, seeds: Seeds, seed: int, target: str) -> None:
        self.seeds = seeds
        self.seed = seed
        self.target = target

    @cached_property
    def order(self) -> Sequence[tuple[int, int]]:
        """Function and seed by their numbers, breadth first."""
        rounds = max((len(api.seeds) for api in self.seeds.apis), default=0)
        return [
            (number, turn)
            for turn in range(rounds)
            for number, api in enumerate(self.seeds.apis)
            if turn < len(api.seeds)
        ]

    @cached_property
    def traced(self) -> Sequence[int]:
        """Which seed of each function is the one that is traced; -1 where that is done under another of its names."""
        rng = random.Random(f"{__version__}/{self.seed}/traced")
        families: dict[str, list[int]] = defaultdict(list)
        for number, api in enumerate(self.seeds.apis):
            families[family(api.name)].append(number)
        chosen = {rng.choice(members) for members in families.values()}
        return [rng.randrange(len(api.seeds)) if number in chosen else -1 for number, api in enumerate(self.seeds.apis)]

    @property
    def sweep(self) -> int:
        """How many cases are every seed once."""
        return len(self.order)

    def make(self, index: int) -> Case:
        """The case at an index, a function of the seeds, the campaign's seed and the index."""
        rng = random.Random(f"{__version__}/{self.seed}/{index}/api")
        if index < self.sweep:
            number, turn = self.order[index]
            call = self.seeds.apis[number].seeds[turn]
        else:
            api = rng.choice(self.seeds.apis)
            turn = rng.randrange(len(api.seeds))
            call = mutated(api.seeds[turn], rng)
            number = -1
        asked: dict[str, Any] = {"order": 3 if _is_third(call["name"], rng) else 2}
        if turn == self.traced[number] if index < self.sweep else rng.random() < TRACED_SHARE:
            asked["traced"] = [rng.choice(TRACED[call["library"]]), *WITH_TRACED.get(call["library"], ())]
        if turn >= ALL_WAYS_SEEDS and call["library"] in WITHOUT and rng.random() < 0.5:
            asked["without"] = list(WITHOUT[call["library"]])
        if turn >= ALL_WAYS_SEEDS and rng.random() < FIRST_ALONE.get(call["library"], 0.0):
            asked["order"] = 1
        return case_of(call, asked, {"version": __version__, "seed": self.seed, "index": index}, self.target)


def case_of(call: Call, asked: dict[str, Any], recipe: dict[str, Any], target: str) -> Case:
    """The case of a call that is differentiated on a target."""
    return Case(
        source=SOURCE,
        target=target,
        options={DERIVATIVES: asked},
        text=render(call),
        training=False,
        calls=1,
        recipe={**recipe, "call": call},
        exact={},
        operators=(call["name"],),
        operations=1,
    )


def _is_third(name: str, rng: random.Random) -> bool:
    always = ".stats." not in name and any(fnmatchcase(name, glob) for glob in ALWAYS_THIRD)
    return always or rng.random() < THIRD_SHARE
