"""Operations whose sizes the data decide, each led back to a shape that types can state.

torch.compile leaves them out of its graphs, or captures them with sizes that are symbols without a value; so the rest
of a program is built of either.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from assay.ir.sizes import Shape, Size, largest, product, smallest
from assay.ir.types import ALL, BOOL, FLOATS, INTEGERS, RANKS, TensorType, is_float
from assay.ops.attributes import dim, values
from assay.ops.errors import moves, steps, sums
from assay.ops.facts import Facts, Interval, constant, hull, require, upto
from assay.ops.operands import broadcast, exactly, free
from assay.ops.protocol import Attribute, Binding, Operand, operator
from assay.ops.shapes import broadcast as broadcast_shapes
from assay.ops.shapes import normal_dim

RANKED = RANKS[1:]
Text = Callable[[Sequence[str], Any], str]


def determined(
    name: str,
    operands: Sequence[Operand],
    text: Text,
    infer: Callable[[Binding], TensorType],
    facts: Callable[[Binding, Any], Facts],
    attributes: Sequence[Attribute] = (),
    **rest: Any,
) -> None:
    """An operation and what leads its result back to a known shape, written as one expression."""
    operator(
        f"determined.{name}",
        operands=operands,
        attributes=attributes,
        infer=infer,
        facts=facts,
        torch=rest.pop("torch", f"torch.{name}"),
        method=None,
        render=text,
        saves=rest.pop("saves", "both"),
        **rest,
    )


def formatted(text: str) -> Text:
    """Names of operands in braces."""
    return lambda operands, attributes: text.format(*operands)


def summed(dtype: str) -> str:
    """The dtype of a sum."""
    return dtype if is_float(dtype) else "int64"


COUNTS: dict[str, Any] = {"differentiable": False, "saves": "none", "error": steps()}
determined(
    "nonzero",
    [free("x", jumps=True)],
    lambda p, a: f"torch.nonzero({p[0]}).sum(0)",
    lambda b: TensorType("int64", (b.x.rank,)),
    lambda b, f: Facts(0, largest(b.x.elements) * max((largest(size) for size in b.x.shape), default=1), 0),
    **COUNTS,
)
determined(
    "argwhere",
    [free("x", jumps=True)],
    lambda p, a: f"torch.argwhere({p[0]}).sum(0)",
    lambda b: TensorType("int64", (b.x.rank,)),
    lambda b, f: Facts(0, largest(b.x.elements) * max((largest(size) for size in b.x.shape), default=1), 0),
    **{**COUNTS, "error": {}},
)
determined(
    "nonzero_as_tuple",
    [free("x", ALL, RANKED, jumps=True)],
    lambda p, a: f"{p[0]}[torch.nonzero({p[0]}, as_tuple=True)].sum()",
    lambda b: TensorType(summed(b.x.dtype), ()),
    # What is zero does not count, and adds nothing.
    lambda b, f: upto(f.x, b.x.elements),
    torch="torch.nonzero",
    error={},
)
operator(
    "determined.nonzero_static",
    operands=[free("x", jumps=True)],
    attributes=[values("size", boundary=(0, 1), other=(3, 8)), values("fill_value", -1, other=(0, 7))],
    infer=lambda b: TensorType("int64", (b.size, b.x.rank)),
    facts=lambda b, f: Facts(min(b.fill_value, 0), max(b.fill_value, *(largest(size) for size in b.x.shape), 0), 0),
    torch="torch.nonzero_static",
    differentiable=False,
    saves="none",
    error={"nonzero_static": steps()},
)
determined(
    "masked_select",
    [free("x"), broadcast("mask", "x", dtypes=BOOL, scalars=())],
    lambda p, a: f"torch.masked_select({p[0]}, {p[1]}).sum()",
    lambda b: TensorType(summed(b.x.dtype), ()),
    lambda b, f: replace(upto(f.x, product(expanded(b))), holds=0.0 if smallest(product(expanded(b))) < 2 else None),
    error={},
)


def expanded(b: Binding) -> Shape:
    """The common shape of x and its mask."""
    return broadcast_shapes(b.x.shape, b.mask.shape)


determined(
    "mask",
    [free("x", ALL, RANKED), exactly("mask", lambda b: TensorType("bool", b.x.shape[:1]))],
    lambda p, a: f"{p[0]}[{p[1]}].sum(0)",
    lambda b: TensorType(summed(b.x.dtype), b.x.shape[1:]),
    lambda b, f: upto(f.x, b.x.shape[0]),
    torch="torch.Tensor.__getitem__",
    error={},
)
determined(
    "mask_twice",
    [free("x", ALL, RANKED), exactly("mask", lambda b: TensorType("bool", b.x.shape[:1]))],
    lambda p, a: f"torch.cat([{p[0]}[{p[1]}], {p[0]}[~{p[1]}]]).sum(0)",
    lambda b: TensorType(summed(b.x.dtype), b.x.shape[1:]),
    lambda b, f: upto(f.x, b.x.shape[0]),
    torch="torch.Tensor.__getitem__",
    error={},
)

# torch has no order of NaN; there is none. What was taken apart is put together again.
REMADE = {
    "unique": "(lambda found: found[0][found[1]])(torch.unique({0}, return_inverse=True))",
    "unique_unsorted": "(lambda found: found[0][found[1]])(torch.unique({0}, sorted=False, return_inverse=True))",
    "unique_consecutive": "(lambda found: found[0][found[1]])(torch.unique_consecutive({0}, return_inverse=True))",
    "sorted_runs": "(lambda found: found[0].repeat_interleave(found[1]))"
    "(torch.unique_consecutive({0}.reshape(-1), return_counts=True)).reshape({0}.shape)",
}
for name, text in REMADE.items():
    determined(
        name,
        [free("x")],
        formatted(text),
        lambda b: b.x,
        lambda b, f: Facts(f.x.low, f.x.high, f.x.scale),
        torch="torch.unique",
        differentiable=False,
        # Backward is not implemented.
        stops_gradients=False,
        error={"unique_consecutive" if "consecutive" in text else "_unique2": steps()},
    )
determined(
    "unique_dim",
    [free("x", ALL, RANKED)],
    lambda p, a: (
        "(lambda found: found[0].index_select({1}, found[1]))(torch.unique({0}, dim={1}, return_inverse=True))".format(
            p[0], a["dim"]
        )
    ),
    lambda b: nonempty(b),
    lambda b, f: Facts(f.x.low, f.x.high, f.x.scale),
    [dim(nonempty=True)],
    torch="torch.unique",
    differentiable=False,
    stops_gradients=False,
    error={"unique_dim": steps()},
)


def nonempty(b: Binding) -> TensorType:
    """torch refuses tensors without elements here."""
    require(smallest(b.x.elements) > 0, "nothing to tell apart")
    return b.x  # type: ignore[no-any-return]


SMALL = Interval(0, 6)
determined(
    "bincount",
    [free("x", INTEGERS, (1,), domain=SMALL, jumps=True)],
    lambda p, a: f"torch.bincount({p[0]}, minlength={a['minlength']})[{p[0]}.long()]",
    lambda b: b.x.with_dtype("int64"),
    lambda b, f: Facts(1, max(largest(b.x.elements), 1), 0),
    [values("minlength", boundary=(0, 7), other=(3, 12))],
    **{**COUNTS, "error": {"bincount": sums()}},
)


def weighted(b: Binding) -> TensorType:
    """The weights' dtype; of none, torch gives integers."""
    require(smallest(b.x.elements) > 0, "nothing is counted")
    return TensorType(b.weights.dtype, ())


determined(
    "bincount_weights",
    [
        free("x", INTEGERS, (1,), domain=SMALL, jumps=True),
        Operand(
            "weights",
            ("float32", "float64"),
            accepts=lambda b, t: t.shape == b.x.shape,
            make=lambda b, draw: TensorType(draw.random.choice(("float32", "float64")), b.x.shape),
            no_gradient=True,
        ),
    ],
    lambda p, a: f"torch.bincount({p[0]}, {p[1]}, {a['minlength']}).sum()",
    weighted,
    lambda b, f: upto(f.weights, b.x.elements),
    [values("minlength", boundary=(0, 7), other=(3, 12))],
    torch="torch.bincount",
    differentiable=False,
    stops_gradients=False,
    error={"bincount": sums()},
)


def counted(b: Binding, f: Any) -> Facts:
    """How many lie in a bin: none of its borders is rounded."""
    require(f.x.exact, "a rounded number is put in a bin")
    return Facts(0, largest(b.x.elements), 0)


operator(
    "determined.histc",
    operands=[free("x", ("float32", "float64", "float16", "bfloat16"), jumps=True)],
    attributes=[
        values("bins", boundary=(1,), other=(4, 8, 16)),
        values("min", boundary=(-8,), other=(0,)),
        values("max", other=(8,)),
    ],
    infer=lambda b: TensorType(b.x.dtype, (b.bins,)),
    facts=counted,
    torch="torch.histc",
    out=True,
    differentiable=False,
    saves="none",
    jax="jnp.histogram",
    tensorflow="tf.histogram_fixed_width",
    error=steps(),
)


def along(b: Binding) -> Size:
    """The size of the dimension."""
    size: Size = b.x.shape[normal_dim(b.dim, b.x.rank)]
    return size


determined(
    "repeat_interleave",
    [
        free("x", ALL, RANKED),
        exactly("repeats", lambda b: TensorType("int64", (along(b),)), domain=Interval(0, 3), jumps=True),
    ],
    lambda p, a: f"torch.repeat_interleave({p[0]}, {p[1]}, dim={a['dim']}).sum({a['dim']})",
    lambda b: TensorType(
        summed(b.x.dtype), tuple(s for d, s in enumerate(b.x.shape) if d != normal_dim(b.dim, b.x.rank))
    ),
    lambda b, f: hull(*(hull(constant(0), f.x.summed(largest(along(b)) * n)) for n in (0, 1, 3))),
    [dim()],
    error={"repeat_interleave": moves(), "index_select": moves()},
)

# A number of the data as a size: in a graph it is a symbol without a value.
BELOW = Interval(0, 6)
ONE_NUMBER = dict.fromkeys(
    (*FLOATS, *(f"rank {rank}" for rank in RANKED)), "a number of the data is one that is whole and has no dimension"
)
determined(
    "arange",
    [free("n", INTEGERS, (0,), domain=BELOW, jumps=True)],
    lambda p, a: f"torch.arange({p[0]}.item()).sum()",
    lambda b: TensorType("int64", ()),
    lambda b, f: Facts(0, 15, 0),
    left_out=ONE_NUMBER,
    **{**COUNTS, "error": {}},
)
determined(
    "ones",
    [free("n", INTEGERS, (0,), domain=Interval(1, 6), jumps=True)],
    lambda p, a: f"(torch.ones({p[0]}.item(), 3) * 2).mean(0)",
    lambda b: TensorType("float32", (3,)),
    lambda b, f: constant(2),
    left_out=ONE_NUMBER,
    torch="torch.ones",
    **{**COUNTS, "error": {}},
)


def within(b: Binding) -> Interval:
    """A length that every dimension has."""
    return Interval(0, smallest(b.x.shape[0]))


for name, text in (
    ("sliced", "{0}[: {1}.item()].sum(0)"),
    ("narrowed", "torch.narrow({0}, 0, 0, {1}.item()).sum(0)"),
    ("split", "torch.split({0}, [{1}.item(), {0}.shape[0] - {1}.item()])[0].sum(0)"),
):
    determined(
        name,
        [
            free("x", ALL, RANKED),
            Operand(
                "n",
                ("int64",),
                (0,),
                accepts=lambda b, t: t.shape == (),
                make=lambda b, draw: TensorType("int64", ()),
                domain=within,
                jumps=True,
            ),
        ],
        formatted(text),
        lambda b: TensorType(summed(b.x.dtype), b.x.shape[1:]),
        lambda b, f: upto(f.x, b.x.shape[0]),
        torch="torch.narrow",
        error={},
    )
