"""The sources of cases, and the case at an index: which source makes it, and what that makes.

A source that a campaign does not name takes part where the targets allow it: a graph can be said in every framework,
Python only where it is compiled.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace

from assay import __version__
from assay.backends import DYNAMO, find_backend
from assay.generate import graph
from assay.generate.python import source as python
from assay.generate.settings import Settings
from assay.ir.case import Case

SHARES = {graph.SOURCE: 0.65, python.SOURCE: 0.35}
"""The part of the cases of a campaign that comes from each source, where several take part. Programs over Python are
small and run on the cheap rungs, so that their part of the time is less."""

DYNAMO_SHARES = {graph.SOURCE: 0.03, python.SOURCE: 0.97}
"""The same where Dynamo is all that is tested: there nine in ten of what a second of CPU finds come from Python."""


def allowed(targets: Sequence[str]) -> tuple[str, ...]:
    """The sources that take part where none is named."""
    compiles = any(suits(python.SOURCE, target) and find_backend(target).rung > 0 for target in targets)
    return tuple(name for name in SHARES if name == graph.SOURCE or compiles)


def suits(source: str, target: str) -> bool:
    """Whether a source makes programs for a target."""
    backend = find_backend(target)
    return not backend.only_differentiates and (source == graph.SOURCE or backend.tests_python)


def make_case(settings: Settings, index: int, find: graph.Find | None = None) -> Case:
    """The case at an index, as a pure function of settings and index; ``find`` as `graph.make_case` takes it. Raises
    NothingModelled where an interpreter cannot say what its Dynamo models."""
    chosen = settings.sources[0]
    if len(settings.sources) > 1:
        rng = random.Random(f"{__version__}/{settings.seed}/{index}/source")
        alone = all(find_backend(target).name == DYNAMO for target in settings.targets)
        shares = DYNAMO_SHARES if alone else SHARES
        chosen = rng.choices(settings.sources, [shares[name] for name in settings.sources])[0]
    targets = tuple(target for target in settings.targets if suits(chosen, target))
    fitting = settings if targets == settings.targets else replace(settings, targets=targets)
    return python.make_python_case(fitting, index) if chosen == python.SOURCE else graph.make_case(fitting, index, find)
