"""Options of the target put back to what a user gets who asks for nothing."""

from __future__ import annotations

from collections.abc import Iterator

from assay.triage.registry import reducer
from assay.triage.subject import Subject


@reducer("default-options", order=40)
def default_options(subject: Subject) -> Iterator[Subject]:
    """All at once, then one after another, then one entry of the settings after another."""
    options = dict(subject.options)
    if not options:
        return
    yield subject.with_options({})
    for key in options:
        yield subject.with_options({other: value for other, value in options.items() if other != key})
    for key, value in options.items():
        if isinstance(value, dict):
            for entry in value:
                rest = {name: setting for name, setting in value.items() if name != entry}
                yield subject.with_options({**options, key: rest})
