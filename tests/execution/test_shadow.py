"""Shadows follow storages, and the eager run that they accompany is left as it is.

What is rounded here is ``R``: sines, whose value and bound are known. Bounds themselves are tested in test_bounds.
"""

from __future__ import annotations

import gc
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from assay.execution import Worker  # noqa: E402 -- what is below needs torch
from assay.execution.worker.torch_shadow import SWEEP, ShadowMode  # noqa: E402
from assay.ir.case import Case  # noqa: E402
from assay.oracles.outcome import CallRecord, ContainerRecord, TensorRecord  # noqa: E402

pytestmark = pytest.mark.torch
MakeCase = Callable[..., Case]
Function = Callable[..., Any]
X = torch.tensor([[0.1, 0.5, -1.3], [2.7, 0.9, -0.4]])
EXACT = torch.tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])


def same(mode: ShadowMode, found: Any, expected: Any) -> None:
    """Two tensors stand for the same numbers with the same bounds, but for what float64 makes of (h + E) - h."""
    (h, e), (other, bound) = mode.shadows.read(found), mode.shadows.read(expected)
    torch.testing.assert_close(h, other, rtol=1e-15, atol=0)
    assert (e is None) == (bound is None)
    if e is not None:
        torch.testing.assert_close(e, bound, rtol=1e-8, atol=0)


def exact(mode: ShadowMode, tensor: Any) -> bool:
    """Whether it stands for what is in it."""
    return mode.shadows.read(tensor)[1] is None


def bound(mode: ShadowMode, tensor: Any) -> Any:
    e = mode.shadows.read(tensor)[1]
    return torch.zeros(tensor.shape, dtype=torch.float64) if e is None else e


# storages


def test_a_rounded_result_stands_for_its_value_in_higher_precision(mode: ShadowMode) -> None:
    with mode:
        y = X.sin()
    h, e = mode.shadows.read(y)
    torch.testing.assert_close(h, X.double().sin(), rtol=0, atol=0)
    assert e is not None
    assert bool((e > 0).all())
    assert exact(mode, X)


VIEWS: dict[str, Function] = {
    "slice": lambda t: t[:, 1:],
    "step": lambda t: t[:, ::2],
    "select": lambda t: t[1],
    "transpose": lambda t: t.t(),
    "expand": lambda t: t.unsqueeze(1).expand(2, 4, 3),
    "diagonal": lambda t: t.diagonal(),
    "unfold": lambda t: t.unfold(1, 2, 1),
    "as_strided": lambda t: t.as_strided((2, 2), (1, 2), 1),
    "flattened": lambda t: t.view(-1),
    "detached": lambda t: t.detach(),
    "split": lambda t: t.split(2, 1)[1],
}


@pytest.mark.parametrize("view", VIEWS.values(), ids=VIEWS)
def test_a_view_stands_for_what_it_shows(mode: ShadowMode, view: Function) -> None:
    with mode:
        y = X.sin()
        shown = view(y)
    h, e = mode.shadows.read(y)
    found, bound = mode.shadows.read(shown)
    assert torch.equal(found, view(h))
    assert torch.equal(bound, view(e))


@pytest.mark.parametrize("view", [view for name, view in VIEWS.items() if name not in ("expand", "unfold")])
def test_a_write_through_a_view_is_seen_in_its_base_there_and_nowhere_else(mode: ShadowMode, view: Function) -> None:
    base = EXACT.clone()
    with mode:
        view(base).mul_(1 / 3)
    h, e = EXACT.double(), bound(mode, base)
    view(h).mul_(1 / 3)
    torch.testing.assert_close(mode.shadows.read(base)[0], h, rtol=0, atol=0)
    touched = torch.zeros(2, 3, dtype=torch.bool)
    view(touched).fill_(True)
    assert torch.equal(e > 0, touched)


def test_arguments_that_share_memory_share_what_they_stand_for(mode: ShadowMode) -> None:
    storage = torch.arange(1.0, 7.0)
    first, second = storage[:4], storage[2:]
    with mode:
        first.div_(3)
        copy = second.clone()
    assert [value > 0 for value in bound(mode, copy).tolist()] == [True, True, False, False]
    same(mode, copy[:2], first[2:])


def test_a_storage_is_read_before_it_is_written(mode: ShadowMode) -> None:
    with mode:
        y = X.sin()
        one, z = y * 3, y.clone()
        z.mul_(3)
        other = torch.add(y, y, alpha=2)
        y.add_(y, alpha=2)
    same(mode, z, one)
    same(mode, y, other)


@pytest.mark.parametrize(
    "place", [lambda: torch.empty(0), lambda: torch.ones(2, 3), lambda: torch.ones(3, 4).t()[1:3, 0:3]]
)
def test_out_is_written_as_a_result_is(mode: ShadowMode, place: Function) -> None:
    with mode:
        y = X.sin()
        fresh = torch.mul(y, EXACT)
        out = torch.mul(y, EXACT, out=place())
    same(mode, out, fresh)


LAYOUTS: dict[str, Function] = {
    "transposed": lambda t: t.t().contiguous().t(),
    "step": lambda t: t.repeat_interleave(2, 1)[:, ::2],
    "offset": lambda t: torch.cat([t, t])[2:],
    "expanded": lambda t: t[:1].expand(2, 3),
}


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
def test_how_an_operand_lies_in_memory_changes_nothing(mode: ShadowMode, layout: Function) -> None:
    with mode:
        y = layout(X.sin())
        plain = y.contiguous().clone()
        for operation in (
            lambda t: t * 3,
            lambda t: t.sum(0),
            lambda t: t @ EXACT.t(),
            lambda t: t.amax(1),
            torch.tanh,
        ):
            same(mode, operation(y), operation(plain))


def test_what_is_overwritten_with_exact_numbers_is_exact_again(mode: ShadowMode) -> None:
    with mode:
        zeros, copied, half = X.sin().zero_(), X.sin().copy_(EXACT), X.sin()
        half[0] = 2.0
    assert exact(mode, zeros)
    assert exact(mode, copied)
    assert exact(mode, half[0] * 1)
    assert [bool(row.any()) for row in bound(mode, half)] == [False, True]


def test_a_dead_storage_leaves_no_shadow_to_the_next_at_its_address(mode: ShadowMode) -> None:
    addresses, reused = set(), 0
    with mode:
        for _ in range(2 * SWEEP):
            y = X.sin()
            addresses.add(y.data_ptr())
            del y
            clean = X.clone()
            assert exact(mode, clean)
            reused += clean.data_ptr() in addresses
    assert reused, "the allocator hands out the same memory again"


def test_living_shadows_survive_when_dead_ones_are_swept(mode: ShadowMode) -> None:
    with mode:
        kept = [X.sin() for _ in range(SWEEP + 10)]
        for _ in range(2 * SWEEP):
            X.sin()
        gc.collect()
    assert not any(exact(mode, each) for each in kept)


def test_choices_of_dead_indices_are_swept_with_them(mode: ShadowMode) -> None:
    tied = torch.tensor([0.1, 0.1]).sin()
    with mode:
        for _ in range(4 * SWEEP):
            mode.shadows.choose(torch.sort(X.sin() * 0 + tied[0])[1], object())
    assert len(mode.shadows._choices) < 3 * SWEEP


def test_a_storage_that_grows_keeps_what_its_elements_stood_for(mode: ShadowMode) -> None:
    with mode:
        y = X.sin()
        before = y.clone().view(-1)
        y.resize_(12)
        same(mode, y[:6], before)
        y.resize_(3).resize_(6)
    same(mode, y, before)


def test_a_tensor_given_another_storage_stands_for_what_is_there(mode: ShadowMode) -> None:
    with mode:
        y, z, other = X.sin(), torch.ones(2, 3), torch.ones(2, 3)
        z.set_(y)
        other.data = y
    same(mode, z, y)
    same(mode, other, y)


def test_every_tensor_of_a_returned_list_has_its_shadow(mode: ShadowMode) -> None:
    with mode:
        y = X.sin()
        parts = torch.unbind_copy(y)
    for part, row in zip(parts, y, strict=True):
        same(mode, part, row)


# one storage, several dtypes


Z = torch.tensor([1 + 2j, 0.3 - 0.1j])


def test_the_parts_of_complex_numbers_are_views_of_them(mode: ShadowMode) -> None:
    with mode:
        y = Z * Z
        parts, real, imaginary = torch.view_as_real(y), y.real, y.imag
        values = [mode.shadows.read(each) for each in (parts, real, imaginary)]
    value = Z.to(torch.complex128) ** 2
    for (h, _), expected in zip(values, (torch.view_as_real(value), value.real, value.imag), strict=True):
        torch.testing.assert_close(h, expected, rtol=1e-15, atol=0)


def test_a_write_into_the_parts_of_complex_numbers_is_seen_in_them(mode: ShadowMode) -> None:
    y = Z.clone()
    with mode:
        torch.view_as_real(y)[:, 1].mul_(1 / 3)
        copy = y * 1
    value = torch.complex(Z.real.double(), Z.imag.double() / 3)
    torch.testing.assert_close(mode.shadows.read(copy)[0], value, rtol=1e-7, atol=0)
    assert bool((bound(mode, copy) > 0).all())


def test_complex_numbers_in_an_odd_storage_lose_no_bound(mode: ShadowMode) -> None:
    with mode:
        y = torch.arange(5.0).sin()
        z = torch.view_as_complex(y[:4].view(2, 2)) * 1
    assert bool((bound(mode, z) > 0).all())
    assert float(bound(mode, y)[4]) > 0


def test_a_conjugate_is_a_view_and_stands_for_the_conjugate(mode: ShadowMode) -> None:
    with mode:
        y = Z * Z
        conjugate, negative = y.conj(), y.conj().imag
        assert conjugate.is_conj()
        assert negative.is_neg()
        assert torch.equal(mode.shadows.read(conjugate)[0], mode.shadows.read(y)[0].conj().resolve_conj())
        assert torch.equal(mode.shadows.read(negative)[0], -mode.shadows.read(y)[0].imag)
        assert torch.equal(bound(mode, conjugate), bound(mode, y))
        negative.add_(1)
    torch.testing.assert_close(mode.shadows.read(y)[0].imag, (Z.to(torch.complex128) ** 2).imag - 1, rtol=1e-15, atol=0)


@pytest.mark.parametrize("dtype", ["int32", "uint8", "float64", "bfloat16", "complex64"])
def test_of_the_bits_of_rounded_numbers_nothing_is_known(mode: ShadowMode, dtype: str) -> None:
    with mode:
        bits = torch.arange(1.0, 5.0, dtype=torch.float16 if dtype == "complex64" else torch.float32).sin()
        bits = bits.view(getattr(torch, dtype)).clone()
    assert bool(torch.isinf(bound(mode, bits)).all())


def test_the_bits_of_exact_numbers_are_exact(mode: ShadowMode) -> None:
    y = torch.arange(4.0)
    with mode:
        y[:2].sin_()
        bits = y.view(torch.int32) + 0
    assert torch.isinf(bound(mode, bits)).tolist() == [False, True, False, False], "the sine of 0 is exact"


def test_numbers_read_back_from_their_bits_are_those_of_eager(mode: ShadowMode) -> None:
    # And not zeros: to a value of zero, a target that returns zeros would be the nearer one.
    with mode:
        y = X.sin()
        _ = y.view(torch.int32) + 0
        back = y * 1
    assert torch.equal(mode.shadows.read(back)[0], X.sin().double())


# what is pinned


def test_integers_and_truth_values_are_those_of_eager(mode: ShadowMode) -> None:
    tipped = torch.tensor([1 / 3, 1.0])
    with mode:
        y = tipped * 3
        mask, index, whole = y >= 1, y.argsort(), (y - 2.0**-24).floor().to(torch.int64)
        picked = EXACT.view(-1)[index]
    for made in (mask, index, whole):
        assert torch.equal(mode.shadows.read(made)[0], made)
    torch.testing.assert_close(mode.shadows.read(picked)[0], picked.double(), rtol=0, atol=0)


SAMPLES: dict[str, Function] = {
    "dropout": lambda t: torch.nn.functional.dropout(t, 0.5, True),
    "rand_like": lambda t: t + torch.rand_like(t),
    "bernoulli": lambda t: t * torch.bernoulli(torch.full_like(t, 0.5)),
    "noise in place": lambda t: t * t.clone().normal_(),
    "permutation": lambda t: t[:, torch.randperm(3)],
    "module": lambda t: torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.Dropout(), torch.nn.Tanh())(t),
}


@pytest.mark.parametrize("program", SAMPLES.values(), ids=SAMPLES)
def test_samples_and_the_random_state_are_those_without_shadows(mode: ShadowMode, program: Function) -> None:
    torch.manual_seed(3)
    plain, after = program(X.sin()), torch.get_rng_state()
    torch.manual_seed(3)
    with mode:
        watched = program(X.sin())
    assert torch.equal(watched, plain)
    assert torch.equal(torch.get_rng_state(), after)
    h, e = mode.shadows.read(watched)
    assert e is not None
    assert bool(((watched - h).abs() <= e).all()), "the value in higher precision is of the same samples"
    assert bool(torch.isfinite(e).all())


def test_samples_of_a_rounded_distribution_are_not_followed(mode: ShadowMode) -> None:
    with mode:
        drawn = [torch.normal(X.sin(), 1.0), torch.bernoulli(X.sin().abs()), torch.multinomial(X.sin().abs(), 2)]
        plain = torch.normal(EXACT, 1.0)
    assert all(bool(torch.isinf(bound(mode, each)).all()) for each in drawn)
    assert exact(mode, plain)


def test_of_a_rounded_tensor_that_lends_its_shape_nothing_is_inherited(mode: ShadowMode) -> None:
    with mode:
        y = X.sin()
        made = [torch.zeros_like(y), torch.ones_like(y), torch.full_like(y, 2), y.new_zeros(3), y.new_full((2,), 1.0)]
        made += [torch.rand_like(y), y.new_tensor([1.0]), torch.empty_like(y).fill_(1)]
    assert all(exact(mode, each) for each in made)


def test_a_choice_that_rounding_may_have_tipped_is_a_leak(mode: ShadowMode) -> None:
    with mode:
        y = X.sin()
        if (y > -2).all() and y[0, 0] < y[0, 1]:
            y = y * 2
        assert mode.leaks == 0, "no bound comes near"
        if y.sum() > y.flip(0).sum() + 1e-7:
            y = y * 2
    assert mode.leaks == 1


SINE = float(X.sin()[0, 0])
READS: dict[str, Function] = {
    "item": lambda t: t.item(),
    "float": float,
    "truth of a tipped comparison": lambda t: bool(t > SINE),
    "equal": lambda t: torch.equal(t, t * 1),
    "length": lambda t: len(t.view(1).nonzero()),
}


@pytest.mark.parametrize("read", READS.values(), ids=READS)
def test_a_number_read_from_a_rounded_tensor_is_a_leak_and_from_an_exact_one_none(
    mode: ShadowMode, read: Function
) -> None:
    with mode:
        read(EXACT[0, 0] + 1)
        assert mode.leaks == 0
        read(X.sin()[0, 0])
    assert mode.leaks == 1


def test_what_is_computed_with_a_number_that_was_read_has_its_bound(mode: ShadowMode) -> None:
    with mode:
        y = X.sum()
        scaled = EXACT * y.item()
    once = float(bound(mode, y))
    assert bool((bound(mode, scaled) >= once * EXACT).all())


# operations without a rule


@pytest.fixture(scope="module")
def custom() -> Any:
    """Operations that no rule is known of: one that computes in any precision, one in its own alone."""
    library = torch.library.Library("assay_test", "DEF")
    library.define("triple(Tensor x) -> Tensor")
    library.impl("triple", lambda x: torch.from_numpy(x.numpy() * x.numpy().dtype.type(3)), "CPU")
    library.define("narrow(Tensor x) -> Tensor")
    library.impl("narrow", _narrow, "CPU")
    library.define("sin(Tensor x) -> Tensor")
    library.impl("sin", lambda x: torch.from_numpy(np.sin(x.numpy())), "CPU")
    library.define("outside(Tensor x) -> Tensor")
    library.impl("outside", lambda x: x.clone() if x.dtype == torch.float32 else x[torch.tensor([9])], "CPU")
    library.define("short(Tensor x) -> Tensor")
    library.impl("short", lambda x: [x.clone()][x.dtype == torch.float64], "CPU")
    yield torch.ops.assay_test
    library._destroy()


def _narrow(x: Any) -> Any:
    if x.dtype != torch.float32:
        raise RuntimeError("float32 alone")
    return torch.from_numpy(x.numpy() * np.float32(3))


def test_an_operation_without_a_rule_is_named_and_gets_a_cautious_bound(mode: ShadowMode, custom: Any) -> None:
    with mode:
        y, same_name = custom.triple(X), custom.sin(X)
        known = X.sin()
    assert mode.unstated == {"triple", "sin"}, "a rule is one of torch's own operations"
    assert mode.failed == set()
    h, e = mode.shadows.read(y)
    assert torch.equal(h, X.double() * 3)
    assert bool((e >= 16 * 2.0**-24 * h.abs()).all())
    assert bool((bound(mode, same_name) >= bound(mode, known)).all())


def test_an_operation_that_has_no_higher_precision_is_named_and_its_result_unknown(
    mode: ShadowMode, custom: Any
) -> None:
    with mode:
        y = custom.narrow(X)
        later = y + 1
    assert [failed.partition(":")[0] for failed in mode.failed] == ["narrow"]
    assert bool(torch.isinf(bound(mode, y)).all())
    assert bool(torch.isinf(bound(mode, later)).all())


def test_an_index_that_may_lie_outside_is_no_failure_and_its_result_unknown(mode: ShadowMode, custom: Any) -> None:
    with mode:
        y = custom.outside(X)
    assert mode.failed == set()
    assert bool(torch.isinf(bound(mode, y)).all())


def test_an_index_error_that_no_kernel_raises_is_a_failure(mode: ShadowMode, custom: Any) -> None:
    with mode:
        y = custom.short(X)
    assert [failed.partition(":")[0] for failed in mode.failed] == ["short"]
    assert bool(torch.isinf(bound(mode, y)).all())


OTHER_MEMORY: dict[str, Function] = {
    "sparse": lambda t: t.to_sparse().sin().to_dense(),
    "compressed": lambda t: t.to_sparse_csr() @ torch.ones(3, 2),
    "values": lambda t: t.sin().to_sparse().coalesce().values(),
    "quantized": lambda t: torch.quantize_per_tensor(t, 0.1, 0, torch.quint8).dequantize(),
}


@pytest.mark.parametrize("function", OTHER_MEMORY.values(), ids=OTHER_MEMORY)
@pytest.mark.filterwarnings("ignore:.*")
def test_of_what_comes_from_memory_without_a_shadow_nothing_is_known(mode: ShadowMode, function: Function) -> None:
    with mode:
        y = function(X)
    assert mode.failed
    assert bool(torch.isinf(bound(mode, y)).all())


def test_a_number_read_from_memory_without_a_shadow_is_a_leak(mode: ShadowMode) -> None:
    with mode:
        float(X.to_sparse().sum().to_dense())
    assert mode.leaks


# in a worker


def shadow_run(worker: Worker, case: Case) -> tuple[CallRecord, dict[str, Any]]:
    """The last call of a shadow run, and its engagement."""
    outcome = worker.run(case, evidence=("shadow",))
    assert outcome.reference is not None
    assert outcome.target is None
    assert outcome.reference.calls[-1].status == "ok", outcome.reference.calls[-1].exception
    return outcome.reference.calls[-1], dict(outcome.engagement)


def values(record: Any) -> tuple[np.ndarray, np.ndarray]:
    """Value and bound of a record."""
    assert isinstance(record, TensorRecord)
    assert record.value is not None
    assert record.bound is not None
    return tuple(np.frombuffer(each, "<f8").reshape(record.shape) for each in (record.value, record.bound))  # type: ignore[return-value]


def test_a_worker_sends_value_and_bound_of_what_is_rounded_and_nothing_of_the_rest(
    worker: Worker, case: MakeCase
) -> None:
    call, engagement = shadow_run(worker, case("return x * 2, x.sin(), x.sin() > 0.5"))
    assert isinstance(call.outputs, ContainerRecord)
    doubled, sine, mask = call.outputs.items
    assert isinstance(doubled, TensorRecord)
    assert (doubled.value, doubled.bound) == (None, None)
    assert isinstance(mask, TensorRecord)
    assert (mask.value, mask.bound) == (None, None)
    value, bound = values(sine)
    np.testing.assert_allclose(value, np.sin(np.arange(4.0)), rtol=1e-15)
    assert (bound[1:] > 0).all()
    assert [len(engagement[name]) for name in ("unstated", "failed")] == [0, 0]
    assert engagement["leaks"] == 0


def test_the_numbers_of_a_shadow_run_are_those_of_a_plain_one(worker: Worker, case: MakeCase) -> None:
    about = case("return torch.dropout(x.sin(), 0.5, True), (x.sin() + 1).log_softmax(0)")
    plain = worker.run(about).reference
    assert plain is not None
    call, _ = shadow_run(worker, about)
    for one, other in zip(plain.calls[0].outputs.items, call.outputs.items, strict=True):  # type: ignore[union-attr]
        assert one.digest == other.digest
    assert plain.calls[0].environment == call.environment


GRADIENTS = """
import torch
CALLS, TRAINING = 2, True
def state():
    torch.manual_seed(1)
    return torch.nn.BatchNorm1d(3)
def program(model, x):
    return torch.tanh(model(x)) / 3
def inputs(call=0):
    return (torch.arange(12.0).reshape(4, 3).requires_grad_(),)
"""


def test_gradients_and_state_have_bounds_too(worker: Worker, case: MakeCase) -> None:
    call, engagement = shadow_run(worker, case("", text=GRADIENTS, training=True, calls=2))
    assert engagement["leaks"] == 0
    assert not engagement["failed"]
    for record in (call.gradients["argument 0"], call.gradients["weight"], call.state["running_var"]):
        _, bound = values(record)
        assert np.isfinite(bound).all()
        assert (bound > 0).any()
    assert call.state["num_batches_tracked"].bound is None  # type: ignore[union-attr]


def test_a_worker_counts_what_leaked_and_names_what_is_unstated(worker: Worker, case: MakeCase) -> None:
    _, engagement = shadow_run(worker, case("return x * (2 if x.sin().sum() > x.sin().sum() + 1e-7 else 3)"))
    assert engagement["leaks"] == 1


# what is not finite


def test_what_is_not_finite_after_several_steps_is_unknown_and_so_is_what_follows(mode: ShadowMode) -> None:
    weight = torch.tensor([torch.inf, 1.0, 2.0])
    with mode:
        normal = torch.nn.functional.batch_norm(X, torch.ones(3), torch.ones(3), weight)
        followed = torch.atan2(torch.zeros(()), normal)
    assert bool(torch.isinf(bound(mode, normal)[:, 0]).all())
    assert not bool(torch.isinf(bound(mode, normal)[:, 1:]).any())
    assert bool((bound(mode, followed)[:, 0] > 1).all())


def test_what_is_moved_or_chosen_is_known_though_it_is_not_finite(mode: ShadowMode) -> None:
    special = torch.tensor([torch.nan, torch.inf, -torch.inf, 1.0])
    with mode:
        most, bounded, added = special.amax(), special.clamp(min=0), special.cumsum(0)
    assert exact(mode, most)
    assert exact(mode, bounded)
    assert not bool(torch.isinf(bound(mode, added)).any()), "a sum has its NaN and infinities in any order"


def test_a_sum_that_may_overflow_on_the_way_is_unknown(mode: ShadowMode) -> None:
    most = torch.finfo(torch.float32).max
    with mode:
        found = torch.tensor([most, most, -most, -most]).sum()
    assert bool(torch.isinf(bound(mode, found)).all())


def test_padding_may_be_multiplied_or_not(mode: ShadowMode) -> None:
    image = torch.ones(1, 1, 2, 2)
    with mode:
        finite = torch.nn.functional.conv2d(image, torch.ones(1, 1, 1, 1), padding=1)
        infinite = torch.nn.functional.conv2d(image, torch.full((1, 1, 1, 1), torch.inf), padding=1)
    assert not bool(torch.isinf(bound(mode, finite)).any())
    assert bool(torch.isinf(bound(mode, infinite)).all())
