"""Random operators, in texts whose results no sample decides: a spread of nothing, a certain event, what order undoes.

So every correct system gives the same numbers, whatever it draws; the state of the generator is compared apart
(`assay.oracles.environment`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from assay.ir.sizes import largest, smallest
from assay.ir.types import ALL, FLOATS, INTEGERS, NUMERIC, RANKS, Dtype, TensorType, is_float
from assay.ops.attributes import Classes, hidden, values
from assay.ops.errors import PINNED, Rules, rounded
from assay.ops.facts import Facts, constant, require
from assay.ops.operands import free
from assay.ops.protocol import Attribute, Binding, Operand, operator
from assay.ops.text import written

RANKED = RANKS[1:]


def chance(
    name: str,
    text: str | Callable[[Sequence[str], Any], str],
    facts: Callable[[Binding, Any], Facts],
    attributes: Sequence[Attribute] = (),
    infer: Callable[[Binding], TensorType] = lambda b: b.x,
    operand: Operand | None = None,
    error: Rules | None = None,
    **rest: Any,
) -> None:
    """A text with names of operands and attributes in braces."""

    def render(operands: Sequence[str], given: Any) -> str:
        if callable(text):
            return text(operands, given)
        return text.format(*operands, **{key: written(value) for key, value in given.items()})

    operator(
        f"chance.{name}",
        operands=[free("x") if operand is None else operand],
        attributes=attributes,
        infer=infer,
        facts=facts,
        torch=rest.pop("torch", f"torch.{name}"),
        method=None,
        render=render,
        saves=rest.pop("saves", "both"),
        finite=rest.pop("finite", True),
        error={} if error is None else error,
        **rest,
    )


def kept(b: Binding, f: Any) -> Facts:
    """The operand."""
    return Facts(f.x.low, f.x.high, f.x.scale)


def passed(b: Binding, f: Any) -> Facts:
    """The operand, where nothing is dropped."""
    require(not b.training or b.p == 0, "it draws")
    return kept(b, f)


def doubled(b: Binding, f: Any) -> Facts:
    """Twice the operand: what was dropped is put back."""
    result: Facts = f.x * constant(2)
    return result


def kept_type(b: Binding) -> TensorType:
    """The operand's."""
    return b.x  # type: ignore[no-any-return]


def nonempty(b: Binding) -> TensorType:
    """The operand's, where there are elements."""
    require(smallest(b.x.elements) > 0, "nothing to drop")
    return kept_type(b)


FLOATING = free("x", FLOATS)
# What survives with a probability of one half is doubled; the rest is zero, and gets its double from the operand.
RESTORED = "(lambda kept: torch.where(kept == 0, {0} * 2, kept))({1})"

for name, ranks, call in (
    ("dropout", RANKS, "torch.nn.functional.dropout({0}, 0.5)"),
    ("dropout1d", (2, 3), "torch.nn.functional.dropout1d({0}, 0.5)"),
    ("dropout2d", (3, 4), "torch.nn.functional.dropout2d({0}, 0.5)"),
    ("dropout3d", (4, 5), "torch.nn.functional.dropout3d({0}, 0.5)"),
    ("native_dropout", RANKS, "torch.native_dropout({0}, 0.5, True)[0]"),
):
    chance(
        name,
        RESTORED.replace("{1}", call),
        doubled,
        operand=free("x", FLOATS, ranks),
        # Of a tensor without elements, native_dropout gives the tensor itself (bugs/native-dropout-empty).
        infer=nonempty if name == "native_dropout" else kept_type,
        error={"native_dropout_backward": rounded(2.0)} if name == "native_dropout" else {},
        torch=call.partition("(")[0],
        left_out={f"rank {rank}": "documented for batches of channels, and warned about" for rank in RANKS},
    )
for name in ("dropout", "alpha_dropout", "feature_alpha_dropout"):
    chance(
        f"{name}_none",
        f"torch.nn.functional.{name}({{0}}, {{p}}, {{training}})",
        passed,
        [values("p", 0.5, boundary=(0.0,), other=(0.25,)), hidden("training", lambda b: trained(b))],
        operand=free("x", ALL, RANKS if name != "feature_alpha_dropout" else RANKS[2:]),
        torch=f"torch.nn.functional.{name}",
        maybe_view="x",
        # Nothing is drawn: what is no number passes as it is.
        finite=False,
        left_out={f"rank {rank}": "documented for batches of channels" for rank in (0, 1)},
    )
chance(
    "dropout_all",
    "torch.nn.functional.dropout({0}, 1.0)",
    lambda b, f: constant(0),
    operand=FLOATING,
    left_out=dict.fromkeys(("bool", *INTEGERS), "while training, compilers refuse integers"),
    torch="torch.nn.functional.dropout",
)


def trained(b: Binding) -> Classes:
    """Whether something may be dropped; with no probability it makes no difference."""
    # While training, compilers refuse integers.
    return {"default": (False,), "other": (True,) if b.p == 0 and is_float(b.x.dtype) else ()}


# Draws that a spread of nothing, or a certain event, decides.
chance(
    "bernoulli",
    "torch.bernoulli(({0} > 0).to({0}.dtype))",
    lambda b, f: Facts(0, 1, 0),
    operand=free("x", FLOATS, jumps=True),
    differentiable=False,
    saves="none",
)
chance(
    "bernoulli_p",
    "torch.bernoulli({0}, {p})",
    lambda b, f: constant(b.p),
    [values("p", boundary=(0.0, 1.0))],
    torch="torch.bernoulli",
    differentiable=False,
    stops_gradients=False,
)


chance(
    "rand_like",
    "(torch.rand_like({0}) >= 0)",
    lambda b, f: constant(1),
    infer=lambda b: b.x.with_dtype("bool"),
    operand=FLOATING,
    differentiable=False,
    saves="none",
)
chance(
    "rand",
    "(torch.rand({0}.shape, dtype={dtype}) < 2)",
    lambda b, f: constant(1),
    [values("dtype", other=tuple(map(Dtype, FLOATS)))],
    infer=lambda b: b.x.with_dtype("bool"),
    differentiable=False,
    saves="none",
)
chance(
    "randn_like",
    "torch.where(torch.randn_like({0}).abs() < 1e9, {0}, -{0})",
    kept,
    operand=FLOATING,
)
chance(
    "randn",
    # Without its sign, which the zero would keep.
    "(torch.randn({0}.shape, dtype={dtype}).abs() * 0)",
    lambda b, f: Facts(0, 0, 0),
    [values("dtype", other=tuple(map(Dtype, FLOATS)))],
    infer=lambda b: b.x.with_dtype(b.dtype.name),
    differentiable=False,
    saves="none",
)
chance(
    "randint_like",
    "torch.randint_like({0}, {low}, {low} + 1)",
    lambda b, f: constant(b.low),
    [values("low", boundary=(0,), other=(1, 5))],
    operand=free("x", NUMERIC),
    left_out={"bool": "truth values have no range"},
    differentiable=False,
    saves="none",
)
chance(
    "randint",
    "torch.randint({low}, {low} + 1, {0}.shape, dtype={dtype})",
    lambda b, f: constant(b.low),
    [
        values("low", boundary=(0,), other=(1, 5)),
        values("dtype", other=(Dtype("int64"), Dtype("int32"), Dtype("float32"))),
    ],
    infer=lambda b: b.x.with_dtype(b.dtype.name),
    differentiable=False,
    saves="none",
)
chance(
    "normal",
    "torch.normal({0}, 0.0)",
    kept,
    operand=FLOATING,
    differentiable=False,
    # torch.normal gives zeros as the gradient of its mean.
    stops_gradients=False,
    saves="none",
)
chance(
    "randperm",
    "torch.randperm({0}.shape[{dim}]).sort().values",
    lambda b, f: Facts(0, max(largest(b.x.shape[b.dim]) - 1, 0), 0),
    [Attribute("dim", lambda b: {"boundary": (0, b.x.rank - 1), "negative": (-1,)})],
    infer=lambda b: TensorType("int64", (b.x.shape[b.dim],)),
    operand=free("x", ALL, RANKED),
    differentiable=False,
    saves="none",
)
chance(
    "shuffled",
    "(lambda order: {0}[order][order.argsort()])(torch.randperm({0}.shape[0]))",
    kept,
    operand=free("x", ALL, RANKED),
    torch="torch.randperm",
)
chance(
    "multinomial",
    "torch.multinomial(torch.eye({0}.shape[0]), {n}, replacement=True)",
    lambda b, f: Facts(0, max(largest(b.x.shape[0]) - 1, 0), 0),
    [values("n", boundary=(1,), other=(3,))],
    infer=lambda b: drawn(b),
    operand=free("x", ALL, RANKED),
    differentiable=False,
    saves="none",
)
chance(
    "multinomial_all",
    "torch.multinomial(torch.ones({0}.shape[0]), {0}.shape[0]).sort().values",
    lambda b, f: Facts(0, max(largest(b.x.shape[0]) - 1, 0), 0),
    infer=lambda b: drawn(b).with_shape(b.x.shape[:1]),
    operand=free("x", ALL, RANKED),
    torch="torch.multinomial",
    differentiable=False,
    saves="none",
)


def drawn(b: Binding) -> TensorType:
    """As many as asked for of each row."""
    require(smallest(b.x.shape[0]) > 0, "nothing to draw")
    return TensorType("int64", (b.x.shape[0], getattr(b, "n", 1)))


chance(
    "rrelu",
    "torch.nn.functional.rrelu({0}, 0.25, 0.25, {training})",
    lambda b, f: Facts(min(f.x.low, 0.25 * f.x.low), max(f.x.high, 0.25 * f.x.high)),
    # There is no kernel for samples in float16.
    [hidden("training", lambda b: {"default": (False,), "other": (True,) if b.x.dtype != "float16" else ()})],
    operand=FLOATING,
    torch="torch.nn.functional.rrelu",
    error={"rrelu_with_noise_backward": rounded()},
)
chance(
    "gumbel_softmax",
    "torch.nn.functional.gumbel_softmax({0}, hard=True, dim=-1).sum(-1)",
    lambda b, f: Facts(1, 1),
    infer=lambda b: one_hot_rows(b),
    operand=free("x", ("float32", "float64"), RANKED),
    torch="torch.nn.functional.gumbel_softmax",
    left_out=dict.fromkeys(("float16", "bfloat16"), "the logarithm of a sample that is zero in 16 bits"),
    differentiable=False,
    stops_gradients=False,
)


def one_hot_rows(b: Binding) -> TensorType:
    """A one for each row."""
    require(smallest(b.x.shape[-1]) > 0, "rows of nothing")
    return b.x.with_shape(b.x.shape[:-1])  # type: ignore[no-any-return]


def filled(name: str, call: str, fact: float, dtypes: tuple[str, ...] = FLOATS) -> None:
    """A write in place, of what a spread of nothing decides."""
    operator(
        f"chance.{name}",
        operands=[free("x", dtypes)],
        infer=lambda b: b.x,
        facts=lambda b, f: constant(fact),
        torch=f"torch.Tensor.{name}",
        method=None,
        inplace=name,
        inplace_only=True,
        render=lambda operands, attributes: call.format(*operands),
        saves="none",
        error={name.rstrip("_"): PINNED},
    )


filled("normal_", "{0}.normal_(1.5, 0.0)", 1.5)
filled("uniform_", "{0}.uniform_(2.0, 2.0)", 2.0)
filled("bernoulli_", "{0}.bernoulli_(1.0)", 1.0, ALL)
filled("random_", "{0}.random_(3, 4)", 3.0, NUMERIC)
filled("exponential_", "{0}.exponential_().mul_(0)", 0.0)
