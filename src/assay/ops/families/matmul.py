"""Matrix products, with broadcasting, bias, scaling; attention."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from assay.ir.sizes import Shape, Size, smallest
from assay.ir.types import ALL, FLOATS, NUMERIC, RANKS, TensorType, is_float
from assay.ops.attributes import Classes, flag, values
from assay.ops.errors import smooth, sums
from assay.ops.facts import Facts, constant, require, total
from assay.ops.onnx_forms import Arg, Graph, wide
from assay.ops.operands import exactly, free, matching
from assay.ops.promotion import promote_dtypes
from assay.ops.protocol import Attribute, Binding, Draw, Operator, operator
from assay.ops.shapes import broadcast as broadcast_shapes
from assay.ops.shapes import broadcastable

NARROW_INTEGERS = ("uint8", "int8", "int16")


def multiplied(g: Graph, x: str, y: str) -> str:
    """MatMul; the integers that it lacks are multiplied in int32, which wraps as they do."""
    dtype = g.dtypes[x]
    held = "int32" if dtype in NARROW_INTEGERS else dtype
    return g.cast(g.node("MatMul", g.cast(x, held), g.cast(y, held)), dtype)


def filled(x: TensorType, y: TensorType) -> None:
    """Refuse operands without elements that would broadcast, or one of which is a vector: ONNX Runtime 1.31 says that
    they do not broadcast, or leaves the result unwritten."""
    alike = (x.rank == 1) == (y.rank == 1) and (y.rank == 2 or x.shape[:-2] == y.shape[:-2])
    require(alike or all(smallest(each.elements) > 0 for each in (x, y)), "no elements to broadcast")


def matmul_form(g: Graph, b: Binding, x: Arg, y: Arg) -> str:
    """One product."""
    filled(b.x, b.y)
    return multiplied(g, g.name(x), g.name(y))


def contracted(f: Any, inner: Size) -> Facts:
    """The sum of ``inner`` products."""
    return total(f.x * f.y, inner)


def product_operator(
    name: str,
    ranks: tuple[int, int],
    partner: Callable[[Binding, Draw], Shape],
    fits: Callable[[Binding, Shape], bool],
    shape: Callable[[Binding], Shape],
    **rest: Any,
) -> Operator:
    """A product of two tensors of fixed ranks and equal dtypes over the last dimension of the first."""
    return operator(
        f"matmul.{name}",
        operands=[free("x", NUMERIC, (ranks[0],)), matching("y", "x", partner, fits, ranks=(ranks[1],))],
        infer=lambda b: TensorType(b.x.dtype, shape(b)),
        facts=lambda b, f: contracted(f, b.x.shape[-1]),
        torch=f"torch.{name}",
        out=True,
        saves="inputs",
        error=sums(),
        onnx=matmul_form,
        **rest,
    )


def matmul_shape(b: Binding) -> Shape:
    """Leading dimensions broadcast; vectors lose theirs."""
    x, y = b.x.shape, b.y.shape
    inner = y[0] if len(y) == 1 else y[-2]
    require(x[-1] == inner, "inner sizes differ")
    if len(x) == 1 and len(y) == 1:
        return ()
    if len(x) == 1:
        return (*y[:-2], y[-1])
    if len(y) == 1:
        return tuple(x[:-1])
    return (*broadcast_shapes(x[:-2], y[:-2]), x[-2], y[-1])


def matmul_partner(b: Binding, draw: Draw) -> Shape:
    """A vector, a matrix, or batches of matrices that broadcast."""
    inner = b.x.shape[-1]
    way = draw.random.random()
    if way < 0.2:
        return (inner,)
    batch: Shape = b.x.shape[:-2] if way < 0.6 else ()
    if way < 0.35:
        batch = tuple(1 if draw.random.random() < 0.5 else size for size in batch)
    return (*batch, inner, draw.size())


def matmul_fits(b: Binding, shape: Shape) -> bool:
    """Inner sizes agree and leading ones broadcast."""
    if not shape or (shape[0] if len(shape) == 1 else shape[-2]) != b.x.shape[-1]:
        return False
    return len(shape) == 1 or b.x.rank == 1 or broadcastable(b.x.shape[:-2], shape[:-2])


def scales(b: Binding) -> Classes:
    """Factors: zero ignores the operand; fractions for floats."""
    beta = getattr(b, "beta", 1)
    # torch 2.13's bfloat16 kernel for larger products forgets beta where alpha is 0 (bugs/baddbmm-bfloat16-alpha-zero).
    nothing = beta == 0 or (beta != 1 and b.x.dtype == "bfloat16")
    return {
        "default": (1,),
        # Not both zero: what eager then leaves in the result is not always zero.
        "boundary": () if nothing else (0,),
        "negative": (-1,) if b.x.dtype != "uint8" else (),
        "other": (2, 0.5) if is_float(b.x.dtype) else (2, 3),
    }


def fused(b: Binding, f: Any) -> Facts:
    """beta·x + alpha·(y @ z)."""
    result: Facts = f.x * constant(b.beta) + total(f.y * f.z, b.y.shape[-1]) * constant(b.alpha)
    return result


def fused_form(g: Graph, b: Binding, x: Arg, y: Arg, z: Arg) -> str | tuple[str, ...]:
    """Gemm of matrices of floats."""
    if b.y.rank > 2 or not is_float(b.x.dtype):
        return scaled_sum(g, b, x, y, z)
    alpha, beta = (None if factor == 1 else float(factor) for factor in (b.alpha, b.beta))
    return g.node("Gemm", *map(g.name, (y, z, x)), alpha=alpha, beta=beta)


@wide
def scaled_sum(g: Graph, b: Binding, x: Arg, y: Arg, z: Arg) -> str:
    """A product and a sum, each times its factor; a factor of zero leaves the sum out."""
    product = times(g, multiplied(g, g.name(y), g.name(z)), b.alpha)
    return product if b.beta == 0 else g.node("Add", times(g, g.name(x), b.beta), product)


def times(g: Graph, name: str, factor: float) -> str:
    """A value times a number."""
    return name if factor == 1 else g.node("Mul", name, g.like(factor, name))


def fused_operator(name: str, ranks: tuple[int, ...], rank: int) -> None:
    """A product added to a tensor that broadcasts to its shape."""
    operator(
        f"matmul.{name}",
        operands=[
            free("x", NUMERIC, ranks),
            matching("y", "x", lambda b, d: _left(b, d, rank), lambda b, s: _fits_left(b, s, rank), ranks=(rank,)),
            matching("z", "x", lambda b, d: _right(b, d), lambda b, s: _fits_right(b, s), ranks=(rank,)),
        ],
        attributes=[Attribute("beta", scales, 1), Attribute("alpha", scales, 1)],
        infer=lambda b: b.x.with_shape((*b.y.shape[:-1], b.z.shape[-1])),
        facts=fused,
        torch=f"torch.{name}",
        out=True,
        inplace=f"{name}_",
        saves="inputs",
        error=sums(),
        onnx=fused_form,
    )


def _left(b: Binding, draw: Draw, rank: int) -> Shape:
    x = b.x.shape
    rows = x[-2] if len(x) > 1 and x[-2] != 1 else draw.size()
    batch: Shape = () if rank == 2 else (x[0] if len(x) == 3 and x[0] != 1 else draw.size(),)
    return (*batch, rows, draw.size())


def _fits_left(b: Binding, shape: Shape, rank: int) -> bool:
    return _reaches(b.x.shape[:-1], shape[:-1])


def _right(b: Binding, draw: Draw) -> Shape:
    x = b.x.shape
    columns = x[-1] if x and x[-1] != 1 else draw.size()
    return (*b.y.shape[:-2], b.y.shape[-1], columns)


def _fits_right(b: Binding, shape: Shape) -> bool:
    return shape[:-1] == (*b.y.shape[:-2], b.y.shape[-1]) and _reaches(b.x.shape[-1:], shape[-1:])


def _reaches(small: Shape, full: Shape) -> bool:
    return len(small) <= len(full) and all(
        a == 1 or a == b for a, b in zip(reversed(small), reversed(full), strict=False)
    )


product_operator(
    "mm",
    (2, 2),
    lambda b, draw: (b.x.shape[1], draw.size()),
    lambda b, s: s[0] == b.x.shape[1],
    lambda b: (b.x.shape[0], b.y.shape[1]),
    jax="jnp.matmul",
    tensorflow="tf.matmul",
)
product_operator(
    "bmm",
    (3, 3),
    lambda b, draw: (b.x.shape[0], b.x.shape[2], draw.size()),
    lambda b, s: s[:2] == (b.x.shape[0], b.x.shape[2]),
    lambda b: (*b.x.shape[:2], b.y.shape[2]),
    jax="jnp.matmul",
    tensorflow="tf.matmul",
)
product_operator(
    "mv",
    (2, 1),
    lambda b, draw: b.x.shape[1:],
    lambda b, s: s == b.x.shape[1:],
    lambda b: b.x.shape[:1],
    jax="jnp.matmul",
)
product_operator("dot", (1, 1), lambda b, draw: b.x.shape, lambda b, s: s == b.x.shape, lambda b: (), jax="jnp.dot")
operator(
    "matmul.matmul",
    operands=[
        free("x", NUMERIC, RANKS[1:]),
        matching("y", "x", matmul_partner, matmul_fits, ranks=RANKS[1:]),
    ],
    infer=lambda b: TensorType(b.x.dtype, matmul_shape(b)),
    facts=lambda b, f: contracted(f, b.x.shape[-1]),
    torch="torch.matmul",
    symbol="@",
    # No out=: into a tensor that is not contiguous eager torch 2.13 refuses the folded product.
    saves="inputs",
    onnx=matmul_form,
    jax="jnp.matmul",
    tensorflow="tf.matmul",
)


def linear_type(b: Binding) -> TensorType:
    """A weight of one dimension takes no bias."""
    require(b.bias is None or b.weight.rank == 2, "a vector as weight has no bias")
    result: TensorType = b.x.with_shape((*b.x.shape[:-1], *b.weight.shape[:-1]))
    return result


def linear_form(g: Graph, b: Binding, x: Arg, weight: Arg, bias: Arg | None) -> str | tuple[str, ...]:
    """Gemm of matrices of floats, else MatMul with the transposed weight, and a sum."""
    if b.x.rank == 2 and b.weight.rank == 2 and is_float(b.x.dtype):
        return g.node("Gemm", g.name(x), g.name(weight), None if bias is None else g.name(bias), transB=1)
    return projected(g, b, x, weight) if bias is None else biased(g, b, x, weight, bias)


def projected(g: Graph, b: Binding, x: Arg, weight: Arg) -> str:
    """The product with a weight, transposed if it is a matrix."""
    filled(b.x, b.weight)
    name = g.name(weight)
    return multiplied(g, g.name(x), g.node("Transpose", name, perm=(1, 0)) if b.weight.rank == 2 else name)


@wide
def biased(g: Graph, b: Binding, x: Arg, weight: Arg, bias: Arg) -> str:
    """The product and a bias."""
    return g.node("Add", projected(g, b, x, weight), g.name(bias))


operator(
    "matmul.linear",
    operands=[
        free("x", NUMERIC, RANKS[1:]),
        matching(
            "weight",
            "x",
            lambda b, d: (d.size(), b.x.shape[-1]) if d.random.random() < 0.85 else b.x.shape[-1:],
            lambda b, s: s[-1] == b.x.shape[-1],
            ranks=(1, 2),
        ),
        exactly("bias", lambda b: b.x.with_shape(b.weight.shape[:-1]), optional=True),
    ],
    infer=linear_type,
    facts=lambda b, f: total(f.x * f.weight, b.x.shape[-1]) + (f.bias or constant(0)),
    torch="torch.nn.functional.linear",
    saves="inputs",
    onnx=linear_form,
    jax="jnp.matmul",
    tensorflow="tf.matmul",
)
fused_operator("addmm", (0, 1, 2), 2)
fused_operator("baddbmm", (0, 1, 2, 3), 3)


def outer_form(g: Graph, b: Binding, x: Arg, y: Arg) -> str:
    """A column times a row."""
    dtype = g.out[0].dtype
    column = g.node("Unsqueeze", g.cast(x, dtype), g.constant([1]))
    return g.node("And" if dtype == "bool" else "Mul", column, g.cast(y, dtype))


operator(
    "matmul.outer",
    operands=[free("x", ALL, (1,)), free("y", ALL, (1,))],
    infer=lambda b: TensorType(promote_dtypes(b.x.dtype, b.y.dtype), (*b.x.shape, *b.y.shape)),
    facts=lambda b, f: f.x * f.y,
    torch="torch.outer",
    out=True,
    saves="inputs",
    onnx=outer_form,
    jax="jnp.outer",
)


EQUATIONS: dict[str, tuple[str, ...]] = {
    "i,j->ij": ("j",),
    "ij,jk->ik": ("jk",),
    "ij,ij->i": ("ij",),
    "ij,kj->ki": ("kj",),
    "bij,bjk->bik": ("bjk",),
    "bij,bkj->bik": ("bkj",),
    "bij,jk->bki": ("jk",),
    "bhqd,bhkd->bhqk": ("bhkd",),
    "ij,ij->": ("ij",),
    "ij,ij->ji": ("ij",),
}


def equations(b: Binding) -> Classes:
    """Those whose first term has the operand's rank."""
    fitting = tuple(each for each in EQUATIONS if len(each.split(",")[0]) == b.x.rank)
    return {"other": fitting}


def _letters(b: Binding) -> dict[str, Size]:
    return dict(zip(b.equation.split(",")[0], b.x.shape, strict=True))


def _partner(b: Binding, draw: Draw) -> Shape:
    known = _letters(b)
    return tuple(known[letter] if letter in known else draw.size() for letter in _second(b))


def _second(b: Binding) -> str:
    return str(b.equation.split(",")[1].split("->")[0])


def _partner_fits(b: Binding, shape: Shape) -> bool:
    known = _letters(b)
    second = _second(b)
    return len(second) == len(shape) and all(
        letter not in known or known[letter] == size for letter, size in zip(second, shape, strict=True)
    )


def einsum_type(b: Binding) -> TensorType:
    """The sizes of the letters after the arrow."""
    sizes = _letters(b) | dict(zip(_second(b), b.y.shape, strict=True))
    return TensorType(b.x.dtype, tuple(sizes[letter] for letter in b.equation.split("->")[1]))


def einsum_facts(b: Binding, f: Any) -> Facts:
    """Letters that are not in the result are summed over."""
    kept = b.equation.split("->")[1]
    inner: Size = 1
    for letter, size in _letters(b).items():
        inner = inner if letter in kept else inner * size
    return contracted(f, inner)


def einsum_form(g: Graph, b: Binding, x: Arg, y: Arg) -> str:
    """One node, which lacks bfloat16."""
    # ONNX Runtime 1.31 divides by zero and dies where it transposes an operand without elements.
    require(smallest(b.x.elements) > 0 and smallest(b.y.elements) > 0, "an operand without elements")
    dtype = g.out[0].dtype
    held = "float32" if dtype == "bfloat16" else dtype
    return g.cast(g.node("Einsum", g.cast(x, held), g.cast(y, held), equation=b.equation), dtype)


operator(
    "matmul.einsum",
    operands=[free("x", NUMERIC, (1, 2, 3, 4)), matching("y", "x", _partner, _partner_fits, ranks=(1, 2, 3, 4))],
    attributes=[Attribute("equation", equations)],
    order=("equation", "x", "y"),
    infer=einsum_type,
    facts=einsum_facts,
    torch="torch.einsum",
    left_out={"bool": "no product of matrices has bools, but one without sums"},
    method=None,
    saves="inputs",
    onnx=einsum_form,
    jax="jnp.einsum",
    tensorflow="tf.einsum",
)


def heads(b: Binding) -> TensorType:
    """As many queries as given, as wide as the values."""
    return TensorType(b.query.dtype, (*b.query.shape[:-1], b.value.shape[-1]))


def mask_shape(b: Binding) -> TensorType:
    """An additive mask over queries and keys."""
    return TensorType(b.query.dtype, (b.query.shape[-2], b.key.shape[-2]))


def attended(b: Binding, f: Any) -> Facts:
    """Weighted means of the values; rows that see no key are none of ours."""
    require(not (b.is_causal and b.attn_mask is not None), "a causal mask beside another")
    require(all(smallest(size) > 0 for size in (*b.query.shape, *b.value.shape, *b.key.shape)), "attention to nothing")
    require(f.query.magnitude * f.key.magnitude < 2**10, "scores are large")
    return Facts(f.value.low, f.value.high)


@wide
def attention_form(g: Graph, b: Binding, query: Arg, key: Arg, value: Arg, mask: Arg | None) -> str:
    """Attention, of one head where there are none; its parts before opset 23, and in float64, since ONNX scales by a
    float32. It is wide since ONNX rounds scores to the type of the query."""
    if g.opset < 23 or b.query.dtype == "float64":
        return attention_parts(g, b, query, key, value, mask)
    heads = 1 if b.query.rank == 3 else None
    return g.node(
        "Attention",
        *map(g.name, (query, key, value)),
        None if mask is None else g.name(mask),
        is_causal=b.is_causal or None,
        scale=b.scale,
        q_num_heads=heads,
        kv_num_heads=heads,
    )


def attention_parts(g: Graph, b: Binding, query: Arg, key: Arg, value: Arg, mask: Arg | None) -> str:
    """softmax(query @ keyᵀ · scale + mask) @ value."""
    rank, dtype = b.query.rank, g.out[0].dtype
    turned = g.node("Transpose", g.name(key), perm=(*range(rank - 2), rank - 1, rank - 2))
    scores = g.node("Mul", g.node("MatMul", g.name(query), turned), attention_scale(g, b, dtype))
    if mask is not None:
        scores = g.node("Add", scores, g.name(mask))
    if b.is_causal:
        square = g.node("Expand", g.constant(True, "bool"), g.shape([b.query.shape[-2], b.key.shape[-2]]))
        seen = g.node("Trilu", square, upper=0)
        scores = g.node("Where", seen, scores, g.constant(-math.inf, dtype), dtype=dtype)
    return g.node("MatMul", g.node("Softmax", scores, axis=-1), g.name(value))


def attention_scale(g: Graph, b: Binding, dtype: str) -> str:
    """The factor of the scores: one over the root of the size of a head, if none is given."""
    size: Size = b.query.shape[-1]
    if b.scale is not None:
        return g.constant(b.scale, dtype)
    if isinstance(size, int):
        return g.constant(1 / math.sqrt(size), dtype)
    return g.node("Reciprocal", g.node("Sqrt", g.cast(g.size(size), dtype)))


operator(
    "matmul.scaled_dot_product_attention",
    operands=[
        free("query", FLOATS, (3, 4)),
        matching(
            "key",
            "query",
            lambda b, d: (*b.query.shape[:-2], d.size(), b.query.shape[-1]),
            lambda b, s: (*s[:-2], s[-1]) == (*b.query.shape[:-2], b.query.shape[-1]),
            ranks=(3, 4),
        ),
        matching(
            "value",
            "query",
            lambda b, d: (*b.key.shape[:-1], d.size()),
            lambda b, s: s[:-1] == b.key.shape[:-1],
            ranks=(3, 4),
        ),
        exactly("attn_mask", mask_shape, optional=True),
    ],
    attributes=[
        flag("is_causal"),
        values("scale", None, other=(0.5, 1.0, 0.25)),
    ],
    infer=heads,
    facts=attended,
    torch="torch.nn.functional.scaled_dot_product_attention",
    onnx=attention_form,
    jax="jax.nn.dot_product_attention",
    error={
        "_safe_softmax": smooth(8.0, inside=2.0),
        # The probabilities are rounded to the 16-bit types before they meet the values.
        "_scaled_dot_product_flash_attention_for_cpu": smooth(8.0, inside=2.0),
        "_scaled_dot_product_flash_attention_for_cpu_backward": smooth(8.0, inside=2.0),
    },
)
