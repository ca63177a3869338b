"""What the input search needs to know of operators: the domains that specifications state, by framework operation.

A worker has no specifications; it is handed this with the program, as it is handed the rules of errors.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from assay.ops.assume import CONVERTED
from assay.ops.catalogue import load
from assay.ops.facts import Interval


@cache
def search_rules() -> dict[str, Any]:
    """Domains by framework operation and position of the operand, as its least and greatest element ("domains"), and by
    dtype what a float may be that is made an integer ("converted")."""
    domains: dict[str, dict[str, list[Any]]] = {}
    for operator in load().values():
        name = operator.torch.rpartition(".")[2]
        if name == "copysign" or operator.order or operator.family in ("norm", "loss"):
            # Below autograd their operands stand in another order.
            continue
        for position, operand in enumerate(operator.operands):
            if isinstance(operand.domain, Interval) and operand.dtypes != ("int64",):
                domains.setdefault(name, {})[str(position)] = [operand.domain.low, operand.domain.high]
    return {"domains": domains, "converted": {name: [i.low, i.high] for name, i in CONVERTED.items()}}
