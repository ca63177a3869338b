"""Reduction reaches the minimum: wrong systems that are known, programs that are not."""

from __future__ import annotations

import pytest

from assay.ir.program import operations
from assay.triage.reduction import Budget, reduce_case
from triage.build import case_of, contains, program_of, random_program, wrong_if

SEEDS = range(12)


def reduced(program, condition, options=None, executions=150):
    case = case_of(program, options=options)
    run = wrong_if(condition)
    judgement = run(case)
    return reduce_case(case, judgement, run, budget=Budget(executions))


@pytest.mark.parametrize("seed", SEEDS)
def test_a_single_operator_is_left_alone(seed):
    program = random_program(seed)
    operator = operations(program)[seed % len(program.body)].operator
    result = reduced(program, contains(operator))
    left = program_of(result.case)
    assert [each.operator for each in operations(left)] == [operator]
    assert result.complete
    assert result.executions <= 80
    for entry in left.inputs:
        assert entry.value.type.shape == () or operator.startswith("reduce")
        assert left.calls[0].argument(entry.name).layout.kind == "contiguous"
    assert len(left.inputs) == 1
