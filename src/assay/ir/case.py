"""A case: one program with its inputs and calls, on one target with one set of options.

Everything that runs, judges, stores or reduces passes cases around; it is plain data, and its identity follows from
its content.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

DERIVATIVES = "derivatives"
"""The option of a case that is differentiated in every way in place of being compiled, with what is asked."""


@dataclass(frozen=True, slots=True)
class Case:
    """The unit of work of a campaign.

    ``text`` is a Python module (or the Python that builds an ONNX model) and is what is executed and reported;
    ``recipe`` is the plain
    data that it was rendered from. ``exact`` says, per tensor leaf of the outputs, per tensor argument and per state
    entry, whether its
    arithmetic is exact, so that it is judged bit by bit (ORACLE.md).
    """

    source: str
    target: str
    options: Mapping[str, Any]
    text: str
    training: bool
    calls: int
    recipe: Mapping[str, Any]
    exact: Mapping[str, Any]
    operators: tuple[str, ...]
    operations: int
    transforms: tuple[str, ...] = ()
    _id: str = field(default="", compare=False, repr=False)

    @property
    def id(self) -> str:
        """``c`` and 12 hexadecimal digits, derived from what is executed."""
        if not self._id:
            content = json.dumps(
                [self.source, self.target, dict(self.options), self.text, self.training, self.calls], sort_keys=True
            )
            object.__setattr__(self, "_id", "c" + hashlib.sha256(content.encode()).hexdigest()[:12])
        return self._id

    def to_json(self) -> dict[str, Any]:
        """The case as JSON-compatible data; `Case.from_json` reverses it."""
        return {
            "source": self.source,
            "target": self.target,
            "options": dict(self.options),
            "text": self.text,
            "training": self.training,
            "calls": self.calls,
            "recipe": dict(self.recipe),
            "exact": dict(self.exact),
            "operators": list(self.operators),
            "operations": self.operations,
            "transforms": list(self.transforms),
        }

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> Case:
        """The case that `to_json` described. Raises KeyError where a field is missing."""
        return Case(
            source=data["source"],
            target=data["target"],
            options=data["options"],
            text=data["text"],
            training=data["training"],
            calls=data["calls"],
            recipe=data["recipe"],
            exact=data["exact"],
            operators=tuple(data["operators"]),
            operations=data["operations"],
            transforms=tuple(data["transforms"]),
        )
