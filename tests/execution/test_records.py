"""What a worker records of a program is what the program did."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from assay.execution import Worker
from assay.ir.case import Case
from assay.oracles.outcome import CallRecord, ContainerRecord, Execution, Outcome, TensorRecord, Tree, ValueRecord

pytestmark = pytest.mark.torch
MakeCase = Callable[..., Case]


def call_of(execution: Execution | None, number: int = 0) -> CallRecord:
    assert execution is not None
    return execution.calls[number]


def tensor_of(tree: Tree | None) -> TensorRecord:
    assert isinstance(tree, TensorRecord)
    return tree


def items_of(tree: Tree | None) -> tuple[Tree, ...]:
    assert isinstance(tree, ContainerRecord)
    return tree.items


def test_equal_tensors_do_not_travel(worker: Worker, case: MakeCase) -> None:
    outcome = worker.run(case("return x + 1", "aot_eager"))
    reference, target = (tensor_of(call_of(side).outputs) for side in (outcome.reference, outcome.target))
    assert reference.digest == target.digest
    assert reference.data is None
    assert target.data is None


def test_a_wrong_backend_differs_and_both_sides_travel(worker: Worker, case: MakeCase) -> None:
    outcome = worker.run(case("return x * 2", "torch:faulty.off_by_one"))
    reference, target = (tensor_of(call_of(side).outputs) for side in (outcome.reference, outcome.target))
    assert reference.digest != target.digest
    np.testing.assert_array_equal(reference.array() + 1, target.array())
    assert outcome.engagement["engaged"]


def test_a_difference_brings_a_second_eager_execution_with_it_and_nothing_else_does(
    worker: Worker, case: MakeCase
) -> None:
    outcome = worker.run(case("return x * 2", "torch:faulty.off_by_one"))
    again = tensor_of(call_of(outcome.reference_again).outputs)
    assert again.digest == tensor_of(call_of(outcome.reference).outputs).digest
    assert again.data is None
    assert worker.run(case("return x * 2", "aot_eager")).reference_again is None


def test_values_travel_when_they_are_asked_for(worker: Worker, case: MakeCase) -> None:
    outcome = worker.run(case("return x * 2", "aot_eager"), evidence=("values", "eager_again"))
    for side in (outcome.reference, outcome.target, outcome.reference_again):
        np.testing.assert_array_equal(tensor_of(call_of(side).outputs).array(), [0, 2, 4, 6])


@pytest.mark.parametrize("size", [64, 200, 3000])
def test_eager_that_reads_what_nothing_wrote_disagrees_with_itself(worker: Worker, case: MakeCase, size: int) -> None:
    """The first two runs of a process may find the same leftovers; the one that is evidence finds a pattern."""
    outcome = worker.run(case(f"return torch.empty({size}, dtype=torch.uint8)"), evidence=("values", "eager_again"))
    again = tensor_of(call_of(outcome.reference_again).outputs).array()
    assert (again == 0xA5).mean() > 0.5
    assert (tensor_of(call_of(outcome.reference).outputs).array() != again).any()


@pytest.mark.parametrize("dtype", ["bfloat16", "float16", "complex64", "bool", "uint8", "int64", "float8_e4m3fn"])
def test_every_dtype_travels(worker: Worker, case: MakeCase, dtype: str) -> None:
    outcome = worker.run(case(f"return x.to(torch.{dtype})"), evidence=("values",))
    record = tensor_of(call_of(outcome.reference).outputs)
    assert record.dtype == dtype
    assert record.array().shape == (4,)


def test_aliases_and_views_share_a_storage(worker: Worker, case: MakeCase) -> None:
    outcome = worker.run(case("y = x + 1\nreturn x, x[1:], y, y.view(2, 2).t(), x.clone()", "aot_eager"))
    for side in (outcome.reference, outcome.target):
        call = call_of(side)
        argument = tensor_of(call.arguments[0])
        same, view, fresh, transposed, copy = (tensor_of(item) for item in items_of(call.outputs))
        assert same.identity == argument.identity
        assert view.storage == argument.storage == 0
        assert (view.offset, view.identity != argument.identity) == (1, True)
        assert fresh.storage == transposed.storage == 1
        assert transposed.stride == (1, 2)
        assert copy.storage == 2


def test_a_tensor_of_the_array_of_a_tensor_shares_its_memory(worker: Worker, case: MakeCase) -> None:
    outcome = worker.run(case("return x, torch.from_numpy(x.numpy()), torch.from_numpy(x.numpy().copy())"))
    one, other, copied = (tensor_of(each) for each in items_of(call_of(outcome.reference).outputs))
    assert one.storage == other.storage != copied.storage


def test_a_backend_that_copies_is_seen_to_break_an_alias(worker: Worker, case: MakeCase) -> None:
    outcome = worker.run(case("y = x * 2\nreturn y, y.view(2, 2)", "torch:faulty.returns_input"))

    def shared(call: CallRecord) -> bool:
        first, second = (tensor_of(item) for item in items_of(call.outputs))
        return first.storage == second.storage

    assert shared(call_of(outcome.reference))
    assert not shared(call_of(outcome.target))


def test_writes_to_arguments_are_recorded_and_each_call_has_fresh_inputs(worker: Worker, case: MakeCase) -> None:
    outcome = worker.run(case("x.add_(10)\nreturn None", "aot_eager", calls=2), evidence=("values",))
    for side in (outcome.reference, outcome.target):
        for number in range(2):
            written = tensor_of(call_of(side, number).arguments[0])
            np.testing.assert_array_equal(written.array(), np.arange(4) + number + 10)


def test_containers_and_python_values_keep_their_types(worker: Worker, case: MakeCase) -> None:
    outcome = worker.run(case("return {'a': [1, 2.5, None], 'b': (x, True), 'c': 'text'}", "aot_eager"))
    for side in (outcome.reference, outcome.target):
        outputs = call_of(side).outputs
        assert isinstance(outputs, ContainerRecord)
        assert (outputs.type, outputs.keys) == ("dict", ("'a'", "'b'", "'c'"))
        numbers, pair, text = outputs.items
        assert items_of(numbers) == (
            ValueRecord("int", "1"),
            ValueRecord("float", "2.5"),
            ValueRecord("NoneType", "None"),
        )
        assert isinstance(pair, ContainerRecord)
        assert pair.type == "tuple"
        assert text == ValueRecord("str", "'text'")


TRAINING = """
import torch
CALLS = 2
TRAINING = True
class Model(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.ones(3))
        self.register_buffer("count", torch.zeros(()))
def state():
    return Model()
def program(model, x, scale):
    model.count += 1
    return x * model.weight * scale["by"], x.detach()
def inputs(call=0):
    return torch.arange(3.0, requires_grad=True), {"by": torch.full((3,), 2.0, requires_grad=True)}
"""


@pytest.mark.parametrize("target", ["eager", "aot_eager"])
def test_gradients_and_state_are_recorded_per_call(worker: Worker, case: MakeCase, target: str) -> None:
    outcome = worker.run(case("", target, text=TRAINING, training=True, calls=2), evidence=("values",))
    for side in (outcome.reference, outcome.target):
        for number in range(2):
            call = call_of(side, number)
            assert (call.status, call.stage) == ("ok", "backward")
            assert tensor_of(call.state["count"]).array() == number + 1
            # The cotangent of output 0 is (arange(3) * 7) % 5 - 2 = (-2, 0, 2).
            gradients = {name: tensor_of(tree).array().tolist() for name, tree in call.gradients.items()}
            assert gradients == {
                "argument 0": [-4.0, 0.0, 4.0],
                "argument 1['by']": [0.0, 0.0, 4.0],
                "weight": [0.0, 0.0, 8.0],
            }


def test_an_exception_of_the_backend_is_recorded_with_its_cause(worker: Worker, case: MakeCase) -> None:
    outcome = worker.run(case("return x + 1", "torch:faulty.refuses"))
    exception = call_of(outcome.target).exception
    assert exception is not None
    assert exception.type == "torch._dynamo.exc.BackendCompilerFailed"
    assert any(link.startswith("ZeroDivisionError") for link in exception.chain)
    assert "faulty.py:refuses" in exception.frames
    assert not any(frame.startswith("/") for frame in exception.frames)


def test_a_program_that_raises_ends_its_execution_at_that_call(worker: Worker, case: MakeCase) -> None:
    body = "if x[0] > 0: raise ValueError('later')\nreturn x"
    outcome = worker.run(case(body, "aot_eager", calls=3))
    for side in (outcome.reference, outcome.target):
        assert side is not None
        assert [call.status for call in side.calls] == ["ok", "exception"]
        assert side.calls[1].exception is not None
        assert side.calls[1].exception.type == "ValueError"


def test_a_text_that_cannot_be_loaded_is_not_run_on_the_target(worker: Worker, case: MakeCase) -> None:
    outcome = worker.run(case("", "aot_eager", text="1 +"))
    assert call_of(outcome.reference).stage == "load"
    assert outcome.target is None


def test_a_program_that_breaks_the_graph_does_not_count_as_engaged(worker: Worker, case: MakeCase) -> None:
    whole = worker.run(case("return x + 1", "aot_eager")).engagement
    broken = worker.run(case("y = x + 1\ntorch._dynamo.graph_break()\nreturn y * 2", "aot_eager")).engagement
    empty = worker.run(case("return 1", "aot_eager")).engagement
    assert whole["engaged"]
    assert not broken["engaged"]
    assert (broken["graphs"], broken["graph_breaks"]) == (2, 1)
    assert not empty["engaged"]
    lost = "for item in [1, 2]:\n    torch._dynamo.graph_break()\nreturn x + 1"
    given_up = worker.run(case(lost, "aot_eager")).engagement
    assert not given_up["engaged"]
    assert given_up["break_reasons"]
    branching = worker.run(case("if x.sum() > 0:\n    return x + 1\nreturn x - 1", "aot_eager")).engagement
    assert not branching["engaged"]
    assert branching["graph_breaks"] == 1


def test_sizes_that_change_are_recompiled_and_counted(worker: Worker, case: MakeCase) -> None:
    text = (
        "import torch\nCALLS = 2\nTRAINING = False\ndef program(x):\n    return x * 2\n"
        "def inputs(call=0):\n    return (torch.ones(3 + call),)\n"
    )
    outcome = worker.run(case("", "aot_eager", text=text, calls=2, dynamic=False))
    assert outcome.engagement["recompiles"] == 1


def test_settings_are_in_force_during_a_case_and_gone_after_it(worker: Worker, case: MakeCase) -> None:
    def seen(outcome: Outcome) -> Tree | None:
        return call_of(outcome.target).outputs

    text = (
        "import torch\nimport torch._dynamo\nCALLS = 1\nTRAINING = False\n"
        "def program(x):\n    return read(), x + 1\n"
        "@torch._dynamo.disable\ndef read():\n    return str(torch._dynamo.config.specialize_int)\n"
        "def inputs(call=0):\n    return (torch.ones(3),)\n"
    )
    config = {"dynamo.specialize_int": True, "dynamo.no_such_setting": 1}
    changed = worker.run(case("", "aot_eager", text=text, config=config))
    plain = worker.run(case("", "aot_eager", text=text))
    assert items_of(seen(changed))[0] == ValueRecord("str", "'True'")
    assert items_of(seen(plain))[0] == ValueRecord("str", "'False'")
    assert changed.engagement["skipped_options"] == ["dynamo.no_such_setting"]


def test_source_of_the_program_can_be_inspected(worker: Worker, case: MakeCase) -> None:
    outcome = worker.run(case("import inspect\nreturn inspect.getsource(program)"))
    value = call_of(outcome.reference).outputs
    assert isinstance(value, ValueRecord)
    assert "inspect.getsource" in value.repr
