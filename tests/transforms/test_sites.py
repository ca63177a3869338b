"""Where a transform may be applied."""

from __future__ import annotations

from assay.generate.graph import make_program
from assay.generate.settings import Settings
from assay.ir.program import operations
from assay.ops.catalogue import DETERMINED, select
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


def test_what_data_decide_is_not_put_into_an_operator_that_takes_nothing_but_a_graph() -> None:
    names = ("higher.cond", "higher.cond_in_cond", "higher.region_of_statements", "higher.checkpoint_in_cond")
    operators = tuple(select(["algebra.cov", "determined.*", "unary.*"]))
    held = offered = 0
    for index in range(60):
        program, _ = make_program(Settings(3, operators, 8, ("torch:eager",)), index, {"transforms": 0})
        survey = Survey(program)
        for statement in operations(program):
            for name in names:
                taken = survey._operation_fits(transforms()[name], statement)
                if statement.operator.startswith(DETERMINED):
                    offered += 1
                    assert not taken
                held += taken
    assert offered > 100
    assert held > 100
