"""What the input search needs to know of operators: the domains that specifications state, by framework operation.

A worker has no specifications; it is handed this with the program, as it is handed the rules of errors.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from assay.ops.assume import CONVERTED
from assay.ops.catalogue import load
from assay.ops.facts import Interval

BELOW = {"gammainc": "igamma", "gammaincc": "igammac"}
"""Operations that have another name below autograd."""

SECOND = frozenset({"polygamma"})
"""Operations whose operand comes after an attribute, below autograd."""


@cache
def search_rules() -> dict[str, Any]:
    """Domains by framework operation and position of the operand, as its least and greatest element ("domains"), those
    of the two parts of complex operands ("complex"), and by dtype what a float may be that is made an integer
    ("converted")."""
    domains: dict[str, dict[str, list[Any]]] = {}
    of_complex: dict[str, dict[str, list[Any]]] = {}
    for operator in load().values():
        name = below(operator.torch)
        if name == "copysign" or operator.order or operator.family in ("norm", "loss", "algebra"):
            # Below autograd their operands stand in another order, or are not what the specification bounds.
            continue
        found = of_complex if operator.family == "complex" else domains
        for position, operand in enumerate(operator.operands):
            if isinstance(operand.domain, Interval) and operand.dtypes != ("int64",):
                place = position + (name in SECOND)
                found.setdefault(name, {})[str(place)] = [operand.domain.low, operand.domain.high]
    return {
        "domains": domains,
        "complex": of_complex,
        "converted": {name: [i.low, i.high] for name, i in CONVERTED.items()},
    }


def below(called: str) -> str:
    """The name below autograd of what a program calls: that of ``torch.special.zeta`` is ``special_zeta``."""
    module, _, name = called.rpartition(".")
    if name in BELOW:
        return BELOW[name]
    return f"{module.rpartition('.')[2]}_{name}" if module == "torch.special" else name
