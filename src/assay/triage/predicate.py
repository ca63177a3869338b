"""The one question of a reduction: is this still the same finding?"""

from __future__ import annotations

from assay.oracles.verdict import FINDINGS, Judgement, Kind

_BY_SIGNATURE = frozenset({Kind.exception, Kind.crash})


def same_finding(wanted: Judgement, found: Judgement) -> bool:
    """Whether a judgement is of the same verdict, kind and class of signature as the finding's.

    An exception or a crash is the same if its normalised signature is. A mismatch is the same if its kind is: its
    signature names dtype and place, which reduction changes. One that was seen on exact arithmetic must stay on exact
    arithmetic, so that reduction never drifts from a wrong element into rounding.
    """
    if found.verdict != wanted.verdict or found.kind != wanted.kind or found.verdict not in FINDINGS:
        return False
    if wanted.kind in _BY_SIGNATURE:
        return found.signature == wanted.signature
    return judged_exactly(found) or not judged_exactly(wanted)


def judged_exactly(judgement: Judgement) -> bool:
    """Whether the numbers were compared bit by bit, as `assay.oracles.numeric` says in the detail."""
    return "exact arithmetic" in judgement.detail
