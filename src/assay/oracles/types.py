"""The oracle of types: outputs, and the Python objects that were passed in, have the types, lengths and keys that
eager gives them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from assay.oracles.outcome import ContainerRecord, TensorRecord, Tree
from assay.oracles.pairs import Place, calls_of, pairs
from assay.oracles.registry import Question, oracle
from assay.oracles.verdict import Discrepancy, Kind

_TENSOR = "Tensor"
_KINDS = {
    Place.output: Kind.type,
    Place.argument: Kind.side_effect,
    Place.state: Kind.state,
    Place.gradient: Kind.gradient,
}


@oracle("types", order=40)
def types(question: Question) -> Iterator[Discrepancy]:
    """Objects of another type, and containers of another length or with other keys, in the order of which a dict is
    part.

    A changed container among the arguments is a side effect.
    """
    for pair in pairs(question.case, question.outcome.reference, question.outcome.target):
        eager, target = pair.reference, pair.target
        kind = _KINDS[pair.place]
        if _type(eager) != _type(target):
            detail = f"eager {_type(eager)}, target {_type(target)}"
            signature = f"type|{_change(_sort(_type(eager)), _sort(_type(target)))}|{pair.place}"
            yield Discrepancy(kind, pair.where, detail, signature)
        elif isinstance(eager, ContainerRecord) and isinstance(target, ContainerRecord):
            if len(eager.items) != len(target.items):
                detail = f"eager has {len(eager.items)} items, target {len(target.items)}"
                yield Discrepancy(kind, pair.where, detail, f"type|length of {_sort(eager.type)}|{pair.place}")
            elif eager.keys != target.keys:
                detail = f"eager has keys {_listed(eager.keys)}, target {_listed(target.keys)}"
                yield Discrepancy(kind, pair.where, detail, f"type|keys of {_sort(eager.type)}|{pair.place}")
    for number, before, after in calls_of(question.outcome.reference, question.outcome.target):
        if list(before.state) != list(after.state):
            detail = f"eager has {_listed(tuple(before.state))}, target {_listed(tuple(after.state))}"
            yield Discrepancy(Kind.state, f"call {number}, state", detail, "type|names|state")


def _type(tree: Tree) -> str:
    """The Python type; a tensor of a subclass is recorded with that in place of its layout."""
    if isinstance(tree, TensorRecord):
        return tree.layout if "." in tree.layout else _TENSOR
    return tree.type


_SORTS = (
    (re.compile(r"iterator$|^itertools\.|^(generator|enumerate|filter|map|zip|reversed)$", re.IGNORECASE), "iterator"),
    (re.compile(r"^operator\.(attrgetter|itemgetter|methodcaller)$"), "operator object"),
    # Classes of the program, under whatever module a compiler makes them again.
    (re.compile(r"^assay_case\.|\.<locals>\."), "class"),
)


def _sort(name: str) -> str:
    """What a bucket calls a type: one cause is seen with iterators of every kind, and with classes of every name."""
    found = (sort for pattern, sort in _SORTS if pattern.search(name))
    return next(found, name.partition("(")[0])


OF_OBJECTS = ("iterator->iterator", "operator object->function", "declined->computed")
"""Changes of types that tell their cause: how an object is made again that is handed back, or that an operand declines,
is decided apart from what made it."""


def _change(eager: str, target: str) -> str:
    """What a bucket says of two types: where an operand was to decline, what came instead depends on the operands."""
    return "declined->computed" if eager == "NotImplementedType" else f"{eager}->{target}"


def _listed(keys: tuple[str, ...] | None) -> str:
    return "none" if keys is None else ", ".join(keys[:8]) + (", ..." if len(keys) > 8 else "")
