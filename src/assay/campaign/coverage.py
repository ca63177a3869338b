"""What a run has exercised, per target.

The store holds of a case its index, its identity and its operators; the rest is made again, since a case follows from
the settings and its index. Where what is made is not the case that ran (another Assay made it), its operators alone are
counted.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from assay import __version__
from assay.backends import find_backend
from assay.campaign.assemble import generator_settings
from assay.campaign.mistake import UserMistake
from assay.campaign.settings import CampaignSettings
from assay.campaign.store import RanCase, Store
from assay.generate.coverage import Features, Tally, features
from assay.generate.sources import make_case
from assay.ir.case import Case
from assay.ops.catalogue import load


@dataclass(slots=True)
class RunCoverage:
    """The tallies of a run by target. ``ran`` is the number of the run's cases, counted or not."""

    settings: CampaignSettings
    ran: int
    targets: dict[str, Tally] = field(default_factory=dict)

    def tally(self, target: str | None = None) -> Tally:
        """The tally of one target, or of all."""
        if target is not None:
            return self.targets[target]
        total = Tally()
        for tally in self.targets.values():
            total.merge(tally)
        return total

    @property
    def unmade(self) -> int:
        """Cases that could not be made again, and were counted by their operators alone."""
        return sum(tally.cases - tally.whole_cases for tally in self.targets.values())

    @property
    def cases(self) -> int:
        """Cases that were counted."""
        return sum(tally.cases for tally in self.targets.values())


def cover(
    store: Store,
    target: str | None = None,
    sample: int | None = None,
    told: Callable[[int, int], None] = lambda done, of: None,
) -> RunCoverage:
    """Count what the cases of a run exercise, those of one target or all, or a ``sample`` of so many, evenly spread.
    ``told`` is called with how many are done, and of how many.

    Raises UserMistake where the run has no such target, UnknownTarget where this Assay has it no more, and
    BackendNotInstalled where a runtime decides which cases there are and is missing.
    """
    settings = CampaignSettings.from_json(store.meta("settings"))
    if target is not None and target not in settings.targets:
        raise UserMistake(f"{store.folder} has no target '{target}'; choose among {', '.join(settings.targets)}")
    targets = settings.targets if target is None else (target,)
    for each in targets:
        find_backend(each)
    ran = [row for row in store.ran() if row.target in targets]
    chosen = _spread(ran, sample)
    found = RunCoverage(settings, len(ran), targets={each: Tally() for each in targets})
    make = _maker(settings, store.meta("version")) if chosen else None
    for number, row in enumerate(chosen):
        told(number, len(chosen))
        case = make(row.index) if make is not None else None
        if case is None or case.id != row.id:
            exercised = Features(whole=False)
            exercised.seen["operators"].update((name,) for name in row.operators)
        else:
            exercised = features(case, settings.operators)
        found.targets[row.target].add(exercised, row.engaged)
    told(len(chosen), len(chosen))
    return found


def _spread(ran: list[RanCase], sample: int | None) -> list[RanCase]:
    if sample is None or sample >= len(ran):
        return ran
    return [ran[number * len(ran) // sample] for number in range(sample)]


def _maker(settings: CampaignSettings, version: str) -> Callable[[int], Case] | None:
    """What makes the case at an index again; None where this Assay has other operators, or draws otherwise."""
    if version != __version__ or not set(settings.operators) <= set(load()):
        return None
    generated = generator_settings(settings)
    return lambda index: make_case(generated, index)
