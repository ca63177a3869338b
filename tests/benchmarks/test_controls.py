"""The controls of the numeric oracle: a backend that is correct but different, and the same with one fault."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from benchmarks.controls import accept, different, faulty, names, reject  # noqa: E402
from benchmarks.controls.elementwise import FORMULAS, THROUGH_DOUBLE  # noqa: E402
from benchmarks.controls.reductions import Order, permutation  # noqa: E402

pytestmark = pytest.mark.torch


@pytest.fixture(autouse=True)
def _forget():
    torch._dynamo.reset()
    yield
    torch._dynamo.reset()


def numbers(*shape, dtype=torch.float32, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64).to(dtype)


def rounding(x, w):
    y = (x @ w) * 0.3 + x.sum(-1, keepdim=True)
    return torch.softmax(y, -1), (y / 3.0).sigmoid().mean(0), torch.nn.functional.layer_norm(y, (y.shape[-1],))


@pytest.mark.parametrize(
    ("dtype", "tolerance"), [(torch.float32, 1e-5), (torch.bfloat16, 0.1), (torch.float64, 1e-13)], ids=str
)
def test_where_there_is_rounding_the_bits_differ_and_the_numbers_do_not(dtype, tolerance):
    x, w = numbers(5, 7, dtype=dtype), numbers(7, 7, dtype=dtype, seed=1)
    eager = rounding(x, w)
    target = torch.compile(rounding, backend=different.backend)(x, w)
    assert any(not torch.equal(one, two) for one, two in zip(eager, target, strict=True))
    for one, two in zip(eager, target, strict=True):
        assert (one.dtype, one.stride()) == (two.dtype, two.stride())
        torch.testing.assert_close(two, one, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
def test_exact_arithmetic_gives_the_same_bits(dtype):
    def program(x, w):
        y = x @ w - x * 2
        return y.sum(0), torch.where(y > 0, y, -y) / 4, y.cumsum(1), y.round(), y.reshape(2, -1).amax(-1)

    x = (torch.arange(16).reshape(4, 4) % 5 - 2).to(dtype)
    w = (torch.arange(16).reshape(4, 4) % 3 - 1).to(dtype)
    for one, two in zip(program(x, w), torch.compile(program, backend=different.backend)(x, w), strict=True):
        assert torch.equal(one, two)


def test_gradients_mutation_and_strides_are_those_of_eager():
    def program(x, w):
        y = torch.nn.functional.conv2d(x, w).tanh()
        x.data.mul_(1)
        return y.permute(0, 2, 3, 1), (y * y).mean()

    def run(function):
        x = numbers(2, 3, 6, 6).to(memory_format=torch.channels_last).requires_grad_()
        w = numbers(4, 3, 3, 3, seed=1).requires_grad_()
        y, z = function(x, w)
        (y.sum() + z).backward()
        return y, z, x.grad, w.grad

    def writing(x):
        x.mul_(1.1)
        return x.t().exp()

    for one, two in zip(run(program), run(torch.compile(program, backend=different.backend)), strict=True):
        assert one.stride() == two.stride()
        torch.testing.assert_close(two, one, atol=1e-5, rtol=1e-4)
    eager, target = numbers(3, 4), numbers(3, 4)
    one, two = writing(eager), torch.compile(writing, backend=different.backend)(target)
    torch.testing.assert_close(target, eager)
    torch.testing.assert_close(two, one)
    assert two.stride() == one.stride()


TRUTH = {
    "div.Tensor": lambda x: (x, x.flip(0) + 0.25),
    "div.Scalar": lambda x: (x, 3.0),
    "log2.default": lambda x: (x.abs() + 0.01,),
    "log10.default": lambda x: (x.abs() + 0.01,),
    "rsqrt.default": lambda x: (x.abs() + 0.01,),
    "elu.default": lambda x: (x, 1.5, 1.25, 0.5),
    "pow.Tensor_Scalar": lambda x: (x.abs() + 0.25, 3),
    "sigmoid_backward.default": lambda x: (x, (x.abs() + 0.1) / 20),
    "tanh_backward.default": lambda x: (x, (x.abs() + 0.1) / 20),
}
# 1 + erf and 1 - y**2 cancel, in eager mode as in every compiler: an error of the constant 1, not of the result.
ABSOLUTE = ("gelu.default", "tanh_backward.default", "sigmoid_backward.default", "mish.default")


@pytest.mark.parametrize("name", sorted({*FORMULAS, *THROUGH_DOUBLE}))
def test_a_formula_is_as_accurate_as_the_operation(name):
    """Against the operation itself in float64."""
    packet, _, overload = name.partition(".")
    operation = getattr(getattr(torch.ops.aten, packet), overload)
    x = torch.linspace(-12, 12, 2001)
    args = TRUTH.get(name, lambda x: (x,))(x)
    formula = (FORMULAS | THROUGH_DOUBLE)[name]
    truth = operation(*(each.double() if isinstance(each, torch.Tensor) else each for each in args))
    scale = torch.maximum(truth.abs(), x.double().abs()) if name in ABSOLUTE else truth.abs()
    error = (formula(*args).double() - truth).abs() / scale.clamp(min=2.0**-120)
    assert error.max() < 8 * 2.0**-24


def composed(x, w, k):
    f = torch.nn.functional
    return (
        *(x.sum(), x.sum((0, 2)), x.mean(-1, keepdim=True), x.var(1), x.std(-1, correction=0), x.cumsum(1)),
        *(
            x.norm(),
            torch.linalg.vector_norm(x, dim=1),
            x.prod(-1),
            torch.logsumexp(x, (0, 1)),
            torch.logcumsumexp(x, 1),
        ),
        *(f.softmax(x, 1), f.log_softmax(x, -1), f.layer_norm(x, (5, 7)), f.group_norm(x, 5), f.rms_norm(x, (7,))),
        *(x[0] @ w, x @ w, torch.mv(w, x[0, 0]), torch.dot(x[0, 0], x[1, 1]), torch.addmm(w, w, w, beta=0.5, alpha=2)),
        *(torch.baddbmm(x, x, w.expand(4, 7, 7), alpha=0.25), f.batch_norm(x, None, None, training=True)),
        *(
            f.conv1d(x, k, padding=1),
            f.conv_transpose1d(x, k.transpose(0, 1).contiguous(), stride=2),
            f.avg_pool1d(x, 2),
        ),
        *(
            x * w[0] + x.exp(),
            x * x - 1.5 * x,
            x.tanh() / 3.0,
            f.mse_loss(x, x.exp()),
            f.cross_entropy(w, w.softmax(-1)),
        ),
    )


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_what_is_composed_is_as_accurate_as_its_sums(dtype):
    """Against eager mode in float64."""
    x, w, k = numbers(4, 6, 7)[:, :5], numbers(7, 7, seed=1), numbers(3, 5, 3, seed=2)
    truth = composed(*(each.double() for each in (x, w, k)))
    found = torch.compile(composed, backend=different.backend)(*(each.to(dtype) for each in (x, w, k)))
    roundoff = 2.0**-24 if dtype == torch.float32 else 2.0**-53
    for number, (one, two) in enumerate(zip(truth, found, strict=True)):
        error = (one - two.double()).abs().max() / one.abs().max()
        assert error < 40 * roundoff, number


def test_an_order_leaves_out_nothing():
    terms = (torch.arange(24) % 7 - 3).float().reshape(2, 12)
    for seed in range(6):
        for chunks in (1, 2, 3, 4):
            assert torch.equal(Order(seed, chunks, torch.float32).total(terms), terms.sum(-1))
        assert sorted(permutation(seed, 9).tolist()) == list(range(9))


PROGRAMS = {
    "dropped_element": (lambda x: x.sum(1), "sum.dim_IntList"),
    "off_by_one": (lambda x: x.roll(2, 1) * 1.5, "roll.default"),
    "sign": (lambda x: x.exp() + x, "add.Tensor"),
    "swapped_operands": (lambda x: x - x.exp(), "sub.Tensor"),
    "wrong_halves": (lambda x: (torch.round(x * 8) * 0.5).round(), "round.default"),
    "missing_upcast": (lambda x: x.mean(1), "mean.dim"),
}


@pytest.mark.parametrize("fault", names.FAULTS)
def test_a_fault_changes_a_program_made_for_it(fault, tmp_path, monkeypatch):
    record = tmp_path / "record"
    monkeypatch.setenv(names.RECORD, str(record))
    program, operator = PROGRAMS[fault]
    x = numbers(4, 33)
    sound = torch.compile(program, backend=different.backend)(x)
    assert not record.exists()
    torch._dynamo.reset()
    wrong = torch.compile(program, backend=getattr(faulty, fault))(x)
    told = [json.loads(line) for line in record.read_text().splitlines()]
    assert told[0]["planted"]
    assert told[-1]["operator"] == operator
    assert told[-1]["effective"]
    assert (wrong.dtype, wrong.shape, wrong.stride()) == (sound.dtype, sound.shape, sound.stride())
    assert not torch.equal(wrong, sound)


def test_a_fault_without_a_place_changes_nothing(tmp_path, monkeypatch):
    monkeypatch.setenv(names.RECORD, str(tmp_path / "record"))
    x = numbers(4, 5)
    assert torch.equal(torch.compile(torch.relu, backend=faulty.wrong_halves)(x), x.relu())
    assert json.loads((tmp_path / "record").read_text())["planted"] is False


FAULT = "dropped_element"


@pytest.fixture(scope="module")
def bench(tmp_path_factory):
    """A bench for the different backend and one faulty one, and its record."""
    record = tmp_path_factory.mktemp("controls") / "record"
    started = reject.start_bench(record, (FAULT,))
    yield started, record
    started.close()


def test_generated_cases_on_the_different_backend_are_accepted(bench):
    """None is reported; an exception is dynamo's own, on which the control stands."""
    from assay.campaign import assemble
    from assay.campaign.examine import settle
    from assay.generate.graph import make_case
    from assay.generate.settings import Settings
    from assay.ops.catalogue import load
    from assay.oracles.verdict import FINDINGS, Verdict

    settings = Settings(7, tuple(load()), 5, (accept.TARGET,))
    # What is rewritten is about Python, and not about numbers.
    cases = [case for case in (make_case(settings, index) for index in range(30)) if not case.transforms][:12]
    found = [settle(case, bench[0].run, assemble.judge, assemble.witnesses) for case in cases]
    assert [each.judgement for each in found if each.judgement.verdict in FINDINGS - {Verdict.Exception}] == []
    assert sum(each.engaged for each in found) >= 10


def test_faults_that_change_a_result_are_rejected(bench):
    rows = [reject.examine(reject.make_case(1, index, "float32", FAULT), index, FAULT, *bench) for index in range(6)]
    told = reject.figures(rows)["all"]
    assert told["planted"] >= 2
    assert told["reported"] >= told["planted"] - 1


def test_a_value_that_an_operation_takes_twice_is_one_number() -> None:
    x = torch.linspace(-2, 2, 64).to(torch.bfloat16)
    for depth in range(1, 9):

        def program(x: torch.Tensor) -> torch.Tensor:
            y = x * 1.1
            for _ in range(depth):  # noqa: B023 -- called at once
                y = y.sin()
            return y == y

        torch._dynamo.reset()
        assert bool(torch.compile(program, backend=different.backend, dynamic=False)(x).all())


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_the_greatest_element_is_one_of_those_that_it_was_chosen_from(dtype) -> None:
    def program(x, factor):
        y = torch.deg2rad(x) * factor
        return (y == y.amax(0)).sum(0)

    for seed in range(4):
        x = numbers(9, 5, dtype=dtype, seed=seed)
        found = torch.compile(program, backend=different.backend)(x, seed + 1.25)
        assert torch.equal(program(x, seed + 1.25), found)


def test_strides_are_those_of_eager_where_a_size_of_one_hides_the_layout() -> None:
    weight = numbers(2, 8, 1, 1, seed=1).to(memory_format=torch.channels_last)
    for seed in range(4):
        x = numbers(3, 8, 5, 4, seed=seed)

        def program(x, seed=seed):
            return torch.nn.functional.conv2d(x * (seed + 1), weight)

        assert torch.compile(program, backend=different.backend)(x).stride() == program(x).stride()


def test_strides_are_those_of_eager_where_an_operand_is_expanded() -> None:
    permuted = numbers(2, 5, dtype=torch.bfloat16).t()
    expanded = numbers(1, 2, dtype=torch.bfloat16, seed=1).expand(5, 2)

    def program(x, y):
        return (x - y).abs()

    assert torch.compile(program, backend=different.backend)(expanded, permuted).stride() == (1, 5)
