"""Where a transform may be applied."""

from __future__ import annotations

from assay.generate.graph import make_program
from assay.generate.settings import Settings
from assay.ir.program import operations
from assay.ops.catalogue import select
from assay.ops.protocol import OVERLAPPING
from assay.transforms.registry import transforms
from assay.transforms.sites import Survey


def test_memory_that_overlaps_itself_is_not_lent() -> None:
    """What has several elements in one place cannot be written, whichever operator made it so."""
    names = tuple(select(["alias.*", "view.*", "unary.neg", "unary.relu"]))
    made = 0
    for index in range(150):
        program, _ = make_program(Settings(2, names, 6, ("torch:eager",)), index, {"transforms": 0, "training": False})
        survey = Survey(program)
        overlapping = [each.results[0].name for each in operations(program) if each.operator.endswith(OVERLAPPING)]
        made += len(overlapping)
        for name in overlapping:
            assert not survey._value_fits(transforms()["storage.written_and_returned"].needs, name)
    assert made > 20
