"""Products of vectors and matrices beyond those of `matmul`, and what is built of them block by block."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from assay.ir.sizes import Shape, Size, largest, product
from assay.ir.types import ALL, NUMERIC, RANKS, TensorType, is_float
from assay.ops.attributes import Classes, values
from assay.ops.errors import ErrorRule, Rules, moves, rounded, smooth, sums
from assay.ops.facts import Facts, constant, hull, require, total
from assay.ops.families.matmul import scales
from assay.ops.onnx_forms import Arg, Graph
from assay.ops.operands import free, matching, several
from assay.ops.promotion import promote_dtypes, result_dtype
from assay.ops.protocol import Attribute, Binding, Draw, operator
from assay.ops.shapes import broadcast as broadcast_shapes


def contraction(
    name: str,
    dtypes: tuple[str, ...],
    ranks: tuple[int, ...],
    others: Sequence[Any],
    infer: Callable[[Binding], TensorType],
    facts: Callable[[Binding, Any], Facts],
    attributes: Sequence[Attribute] = (),
    error: ErrorRule | Rules | None = None,
    **rest: Any,
) -> None:
    """A sum of products of tensors of one dtype."""
    rest.setdefault("torch", f"torch.{name}")
    operator(
        f"contract.{name}",
        operands=[free("x", dtypes, ranks), *others],
        attributes=attributes,
        infer=infer,
        facts=facts,
        saves=rest.pop("saves", "inputs"),
        error=sums() if error is None else error,
        **rest,
    )


def threes(b: Binding) -> Classes:
    """Dimensions of three elements."""
    rank = b.x.rank
    found = [d for d in range(rank) if b.x.shape[d] == 3]
    return {"other": tuple(found), "negative": tuple(d - rank for d in found)}


def of_three(b: Binding) -> TensorType:
    """The common shape."""
    return b.x.with_shape(broadcast_shapes(b.x.shape, b.y.shape))  # type: ignore[no-any-return]


operator(
    "contract.cross",
    operands=[
        free("x", NUMERIC, RANKS[1:], no_overlap=False),
        matching("y", "x", lambda b, d: b.x.shape, lambda b, s: s == b.x.shape),
    ],
    attributes=[Attribute("dim", threes)],
    infer=of_three,
    facts=lambda b, f: f.x * f.y - f.x * f.y,
    torch="torch.linalg.cross",
    out=True,
    saves="inputs",
    # Both products may cancel.
    error={"linalg_cross": smooth(16.0, operand=16.0, narrow=True)},
    jax="jnp.cross",
    tensorflow="tf.linalg.cross",
)


def kronecker(b: Binding) -> TensorType:
    """Sizes multiply, the last with the last."""
    rank = max(b.x.rank, b.y.rank)
    a, c = ((1,) * (rank - each.rank) + each.shape for each in (b.x, b.y))
    return TensorType(promote_dtypes(b.x.dtype, b.y.dtype), tuple(m * n for m, n in zip(a, c, strict=True)))


contraction(
    "kron",
    ALL,
    RANKS,
    [matching("y", "x", lambda b, d: d.shape(d.random.choice((1, 2))), lambda b, s: True, (0, 1, 2))],
    kronecker,
    lambda b, f: f.x * f.y,
    # The view that it ends with fails where an operand has its dimensions in another order (pytorch#185650).
    render=lambda operands, attributes: f"torch.kron({operands[0]}.contiguous(), {operands[1]}.contiguous())",
    method=None,
    jax="jnp.kron",
    tensorflow="tf.linalg.LinearOperatorKronecker",
    error={"mul": rounded()},
)


def contracted(b: Binding) -> Classes:
    """How many of the last dimensions meet the first ones of the other."""
    rank = b.x.rank
    return {"default": (2,) if rank > 1 else (), "boundary": (0, rank), "other": (1,) if rank else ()}


def partner(b: Binding, draw: Draw) -> Shape:
    """The dimensions that meet, and more."""
    return (*b.x.shape[b.x.rank - b.dims :], *draw.shape(draw.random.choice((0, 1, 1, 2))))


contraction(
    "tensordot",
    NUMERIC,
    RANKS,
    [matching("y", "x", partner, lambda b, s: s[: b.dims] == b.x.shape[b.x.rank - b.dims :] and len(s) >= b.dims)],
    lambda b: b.x.with_shape((*b.x.shape[: b.x.rank - b.dims], *b.y.shape[b.dims :])),
    lambda b, f: total(f.x * f.y, product(b.y.shape[: b.dims])),
    [Attribute("dims", contracted, 2)],
    out=True,
    method=None,
    jax="jnp.tensordot",
    tensorflow="tf.tensordot",
    error={"mm": sums()},
)


def chained(b: Binding) -> TensorType:
    """The first rows and the last columns."""
    return b.x.with_shape((b.x.shape[0], b.z.shape[1]))  # type: ignore[no-any-return]


for name, last in (("multi_dot", False), ("chain_matmul", True)):
    torch_name = "torch.chain_matmul" if last else "torch.linalg.multi_dot"
    contraction(
        name,
        NUMERIC,
        (2,),
        [
            matching("y", "x", lambda b, d: (b.x.shape[1], d.size()), lambda b, s: s[0] == b.x.shape[1], (2,)),
            matching("z", "x", lambda b, d: (b.y.shape[1], d.size()), lambda b, s: s[0] == b.y.shape[1], (2,)),
        ],
        chained,
        lambda b, f: total(total(f.x * f.y, b.x.shape[1]) * f.z, b.y.shape[1]),
        torch=torch_name,
        method=None,
        # Under a torch-function mode chain_matmul leaves out= unwritten (bugs/chain-matmul-out-mode).
        out=False,
        render=lambda operands, attributes, name=torch_name, last=last: (
            f"{name}({', '.join(operands)})" if last else f"{name}([{', '.join(operands)}])"
        ),
        saves="both",
        jax="jnp.linalg.multi_dot",
        # The order of the products follows from the sizes; the one in between is rounded.
        error={"mm": sums()},
    )


def scaled(b: Binding, f: Any, terms: Size) -> Facts:
    """beta·x + alpha·(y · z)."""
    result: Facts = f.x * constant(b.beta) + total(f.y * f.z, terms) * constant(b.alpha)
    return result


FACTORS = (Attribute("beta", scales, 1), Attribute("alpha", scales, 1))
contraction(
    "addmv",
    NUMERIC,
    (1,),
    [
        matching("y", "x", lambda b, d: (b.x.shape[0], d.size()), lambda b, s: s[0] == b.x.shape[0], (2,)),
        matching("z", "x", lambda b, d: b.y.shape[1:], lambda b, s: s == b.y.shape[1:], (1,)),
    ],
    lambda b: b.x,
    lambda b, f: scaled(b, f, b.y.shape[1]),
    FACTORS,
    inplace="addmv_",
    out=True,
    # Eager rounds the product to the 16-bit types before it is scaled.
    error={"addmv": sums(inside=3.0)},
    jax="jnp.matmul",
)
contraction(
    "addr",
    NUMERIC,
    (2,),
    [
        matching("y", "x", lambda b, d: b.x.shape[:1], lambda b, s: s == b.x.shape[:1], (1,)),
        matching("z", "x", lambda b, d: b.x.shape[1:], lambda b, s: s == b.x.shape[1:], (1,)),
    ],
    lambda b: b.x,
    lambda b, f: scaled(b, f, 1),
    FACTORS,
    inplace="addr_",
    left_out={"bool": "a disjunction with numbers for truth values"},
    out=True,
    jax="jnp.outer",
    # Eager rounds each product to the 16-bit types.
    error={"addr": rounded(3.0, absolute=True, inside=2.0)},
)
contraction(
    "addbmm",
    NUMERIC,
    (2,),
    [
        matching("y", "x", lambda b, d: (d.size(), b.x.shape[0], d.size()), lambda b, s: s[1] == b.x.shape[0], (3,)),
        matching(
            "z",
            "x",
            lambda b, d: (b.y.shape[0], b.y.shape[2], b.x.shape[1]),
            lambda b, s: s == (b.y.shape[0], b.y.shape[2], b.x.shape[1]),
            (3,),
        ),
    ],
    lambda b: b.x,
    lambda b, f: scaled(b, f, b.y.shape[0] * b.y.shape[2]),
    FACTORS,
    inplace="addbmm_",
    out=True,
    # Eager adds the products up one after the other, in the dtype of the result.
    error={"addbmm": sums(narrow=True)},
    jax="jnp.einsum",
)
contraction(
    "vdot",
    NUMERIC,
    (1,),
    [matching("y", "x", lambda b, d: b.x.shape, lambda b, s: s == b.x.shape, (1,))],
    lambda b: b.x.with_shape(()),
    lambda b, f: total(f.x * f.y, b.x.shape[0]),
    out=True,
    jax="jnp.vdot",
    error={},
)
contraction(
    "inner",
    NUMERIC,
    RANKS[1:],
    [
        matching(
            "y",
            "x",
            lambda b, d: (*d.shape(d.random.choice((0, 1, 2))), b.x.shape[-1]),
            lambda b, s: s[-1] == b.x.shape[-1],
            (1, 2, 3),
        )
    ],
    lambda b: b.x.with_shape((*b.x.shape[:-1], *b.y.shape[:-1])),
    lambda b, f: total(f.x * f.y, b.x.shape[-1]),
    out=True,
    jax="jnp.inner",
    tensorflow="tf.tensordot",
    error={"mm": sums()},
)


def square_sizes(b: Binding) -> Size:
    """As many rows as columns."""
    require(b.x.shape[-1] == b.x.shape[-2], "no square matrix")
    size: Size = b.x.shape[-1]
    return size


def trace_form(g: Graph, b: Binding, x: Arg) -> str:
    """The sum of a product with the identity."""
    dtype = g.out[0].dtype
    kept = g.node("Mul", g.cast(x, dtype), g.cast(g.node("EyeLike", g.cast(x, "float32")), dtype))
    return g.node("ReduceSum", kept, keepdims=0)


operator(
    "contract.trace",
    operands=[free("x", NUMERIC, (2,))],
    infer=lambda b: TensorType(b.x.dtype if is_float(b.x.dtype) else "int64", ()),
    facts=lambda b, f: hull(constant(0), f.x.summed(min(map(largest, b.x.shape)))),
    torch="torch.trace",
    onnx=trace_form,
    saves="none",
    jax="jnp.trace",
    tensorflow="tf.linalg.trace",
    error={"trace": sums()},
)


def powers(b: Binding, f: Any) -> Facts:
    """Products of as many matrices."""
    result = constant(1) if b.n == 0 else f.x
    for _ in range(b.n - 1):
        result = total(result * f.x, b.x.shape[-1])
    return hull(constant(0), result)


def squared_shape(b: Binding, draw: Draw) -> TensorType:
    """A square matrix or a batch of them."""
    size = draw.size()
    return TensorType(draw.random.choice(SQUARE), (*draw.shape(draw.random.choice((0, 1))), size, size))


SQUARE = NUMERIC
operator(
    "contract.matrix_power",
    operands=[
        free("x", SQUARE, (2, 3, 4), make=squared_shape, accepts=lambda b, t: t.shape[-1] == t.shape[-2]),
    ],
    attributes=[values("n", boundary=(0, 1), other=(2, 3, 4))],
    order=("x", "n"),
    infer=lambda b: b.x.with_shape((*b.x.shape[:-2], square_sizes(b), square_sizes(b))),
    facts=powers,
    torch="torch.linalg.matrix_power",
    left_out={"bool": "it has the identity and itself, but no product"},
    out=True,
    saves="both",
    jax="jnp.linalg.matrix_power",
    error={},
)


def blocks(b: Binding) -> TensorType:
    """Rows and columns add up; a row stands for a matrix of one row, a number for one element."""
    rows: Size = 0
    columns: Size = 0
    for each in b.tensors:
        shape = (1,) * (2 - each.rank) + each.shape
        rows, columns = rows + shape[0], columns + shape[1]
    return TensorType(result_dtype(*b.tensors), (rows, columns))


operator(
    "contract.block_diag",
    operands=[several("tensors", "dtype", (1, 3), lambda first, each: each.rank <= 2, ranks=(0, 1, 2))],
    infer=blocks,
    facts=lambda b, f: hull(constant(0), *f.tensors),
    torch="torch.block_diag",
    method=None,
    render=lambda operands, attributes: f"torch.block_diag(*{operands[0]})",
    saves="none",
    error={"block_diag": moves()},
    jax="jax.scipy.linalg.block_diag",
    tensorflow="tf.linalg.LinearOperatorBlockDiag",
)


def stacked_columns(b: Binding) -> TensorType:
    """Rows become columns beside those of matrices."""
    shapes = [each.shape if each.rank > 1 else (*each.shape, *(1,) * (2 - each.rank)) for each in b.tensors]
    return joined(b, [(1, 1) if each.rank == 0 else shape for each, shape in zip(b.tensors, shapes, strict=True)], 1)


def stacked_in_depth(b: Binding) -> TensorType:
    """Along a third dimension."""

    def deep(shape: Shape) -> Shape:
        if len(shape) > 2:
            return shape
        return (*shape, 1) if len(shape) == 2 else (1, *shape, *(1,) * (2 - len(shape)))

    return joined(b, [deep(each.shape) for each in b.tensors], 2)


def joined(b: Binding, shapes: Sequence[Shape], axis: int) -> TensorType:
    """One behind the other; the other sizes are equal."""
    size: Size = 0
    for shape in shapes:
        require(len(shape) == len(shapes[0]), "other ranks")
        rest = zip(shape, shapes[0], strict=True)
        require(all(a == c for d, (a, c) in enumerate(rest) if d != axis), "other sizes")
        size = size + shape[axis]
    dtype = b.tensors[0].dtype
    for each in b.tensors[1:]:
        dtype = promote_dtypes(dtype, each.dtype)
    return TensorType(dtype, (*shapes[0][:axis], size, *shapes[0][axis + 1 :]))


for name, infer in (("column_stack", stacked_columns), ("dstack", stacked_in_depth)):
    operator(
        f"contract.{name}",
        operands=[several("tensors", "same", (1, 3), lambda first, each: True)],
        infer=infer,
        facts=lambda b, f: hull(*f.tensors),
        torch=f"torch.{name}",
        method=None,
        out=True,
        saves="none",
        jax=f"jnp.{name}",
        tensorflow="tf.concat",
        error={"cat": moves()},
    )


def grid(b: Binding) -> tuple[TensorType, ...]:
    """As many results as rows, each of the shape of all; by xy the first two are exchanged."""
    sizes = [1 if each.rank == 0 else each.shape[0] for each in b.tensors]
    if b.indexing == "xy" and len(sizes) > 1:
        sizes[0], sizes[1] = sizes[1], sizes[0]
    return tuple(each.with_shape(tuple(sizes)) for each in b.tensors)


operator(
    "contract.meshgrid",
    operands=[several("tensors", "dtype", (2, 3), lambda first, each: each.dtype == first.dtype, ranks=(0, 1))],
    attributes=[Attribute("indexing", lambda b: {"other": ("ij", "xy")})],
    infer=grid,
    facts=lambda b, f: tuple(Facts(each.low, each.high, each.scale) for each in f.tensors),
    torch="torch.meshgrid",
    method=None,
    results=0,
    # Each is a view of its own operand; of which one a value shares memory with, a program says.
    render=lambda operands, attributes: (
        f"[each.clone() for each in torch.meshgrid({operands[0]}, indexing={attributes['indexing']!r})]"
    ),
    saves="none",
    jax="jnp.meshgrid",
    tensorflow="tf.meshgrid",
    error={},
)


def columns_of_powers(b: Binding, f: Any) -> Facts:
    """Powers up to the number of columns."""
    result = constant(1)
    found = [result]
    for _ in range(columns(b) - 1):
        result = result * f.x
        found.append(result)
    return hull(*found)


def columns(b: Binding) -> int:
    """How many powers there are; the first alone has no gradient."""
    if b.N is None:
        require(isinstance(b.x.shape[0], int) and b.x.shape[0] > 1, "a symbolic number of powers, or none")
        return int(b.x.shape[0])
    return int(b.N)


operator(
    "contract.vander",
    operands=[free("x", NUMERIC, (1,))],
    attributes=[values("N", None, boundary=(2,), other=(3, 4)), values("increasing", False, other=(True,))],
    infer=lambda b: TensorType(b.x.dtype if is_float(b.x.dtype) else "int64", (b.x.shape[0], columns(b))),
    facts=columns_of_powers,
    torch="torch.vander",
    method=None,
    # Backward raises whenever it is asked (pytorch#60197).
    differentiable=False,
    stops_gradients=False,
    saves="both",
    jax="jnp.vander",
    error={},
)


def triangle(b: Binding, upper: bool) -> int:
    """How many places there are."""
    rows, columns = b.row, b.col
    return sum((c - r >= b.offset) if upper else (c - r <= b.offset) for r in range(rows) for c in range(columns))


def triangle_places(upper: bool, b: Binding) -> TensorType:
    """Row and column of each."""
    return TensorType("int64", (2, triangle(b, upper)))


def places(call: str) -> Callable[[Sequence[str], Any], str]:
    """A call with numbers alone; the operand only gives it a place in a program."""

    def render(operands: Sequence[str], attributes: Any) -> str:
        return f"torch.{call}({attributes['row']}, {attributes['col']}, {attributes['offset']})"

    return render


for name in ("tril_indices", "triu_indices"):
    operator(
        f"contract.{name}",
        operands=[free("x", ALL)],
        attributes=[
            values("row", boundary=(1,), other=(3, 4)),
            values("col", boundary=(1,), other=(2, 5)),
            values("offset", 0, negative=(-1, -2), other=(1, 2)),
        ],
        infer=partial(triangle_places, name == "triu_indices"),
        facts=lambda b, f: Facts(0, max(b.row, b.col) - 1, 0),
        torch=f"torch.{name}",
        method=None,
        render=places(name),
        differentiable=False,
        saves="none",
        jax=f"jnp.{name}",
    )
