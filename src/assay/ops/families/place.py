"""Writing where a mask or several indices say: masked_scatter, put, index_reduce, index_put by tuples and masks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from assay.ir.sizes import Shape, Size, largest, product, smallest
from assay.ir.types import ALL, BOOL, NUMERIC, TensorType, is_float
from assay.ops.attributes import dim, flag
from assay.ops.errors import ADDED, WRITTEN, moves, smooth
from assay.ops.facts import Facts, hull, upto
from assay.ops.families.scatter import RANKED, length, reduced_facts, rows
from assay.ops.families.view import reshape
from assay.ops.onnx_forms import Arg, Graph, wide
from assay.ops.operands import broadcast, exactly, free, index, matching
from assay.ops.protocol import Attribute, Binding, Draw, Operand, operator

operator(
    "place.masked_scatter",
    operands=[
        free("x", ALL),
        broadcast("mask", "x", dtypes=BOOL, scalars=(), expands=False),
        matching(
            "source",
            "x",
            lambda b, d: b.x.shape if d.random.random() < 0.6 else (b.x.elements,),
            # As many elements as the mask may ask for.
            lambda b, s: smallest(product(s) - b.x.elements) >= 0 if s != b.x.shape else True,
        ),
    ],
    infer=lambda b: b.x,
    facts=lambda b, f: hull(f.x, f.source),
    torch="torch.masked_scatter",
    inplace="masked_scatter_",
    saves="inputs",
    error={"masked_scatter": moves(), "masked_scatter_backward": moves()},
    jax="jnp.where",
    tensorflow="tf.tensor_scatter_nd_update",
)


def put_form(g: Graph, b: Binding, x: Arg, index: Arg, source: Arg) -> str:
    """ScatterElements in all elements as a row."""
    flat = reshape(g, g.name(x), [b.x.elements])
    places, values = (reshape(g, g.name(arg), [b.index.elements]) for arg in (index, source))
    found = g.node("ScatterElements", flat, places, values, axis=0, reduction="add" if b.accumulate else None)
    return reshape(g, found, b.x.shape)


def put(accumulate: bool) -> None:
    """torch.put: places are counted over all elements in a row; only sums may meet in one place."""

    def elements(b: Binding) -> Size:
        size: Size = b.x.elements
        return size

    def shape(b: Binding, draw: Draw) -> Shape:
        if accumulate:
            return draw.shape(draw.random.randint(0, 3))
        return (draw.random.randint(0, min(smallest(elements(b)), 6)),)

    def fits(b: Binding, candidate: Shape) -> bool:
        return accumulate or largest(product(candidate)) <= smallest(elements(b))

    def facts(b: Binding, f: Any) -> Facts:
        result: Facts = f.x + upto(f.source, b.index.elements) if accumulate else hull(f.x, f.source)
        return result

    operator(
        "place.put" + ("_accumulate" if accumulate else ""),
        operands=[
            free("x", ALL),
            index("index", elements, shape, fits, negative=accumulate, distinct=not accumulate),
            matching("source", "x", lambda b, d: b.index.shape, lambda b, s: s == b.index.shape),
        ],
        attributes=[Attribute("accumulate", lambda b: {"other": (accumulate,)}, False)],
        infer=lambda b: b.x,
        facts=facts,
        torch="torch.put",
        inplace="put_",
        saves="inputs",
        onnx=wide(put_form) if accumulate else put_form,
        jax="jnp.put",
        error={"put": ADDED, "take": moves()},
    )


put(False)
put(True)
operator(
    "place.index_reduce",
    operands=[
        free("x", NUMERIC, RANKED),
        index("index", length, lambda b, d: (d.size(),), lambda b, s: len(s) == 1, ("int64", "int32")),
        # Of an expanded one eager asserts in float16 (bugs/index-reduce-expanded).
        matching("src", "x", lambda b, d: rows(b), lambda b, s: s == rows(b), no_overlap=True),
    ],
    attributes=[
        dim(nonempty=True),
        Attribute("reduce", lambda b: {"other": ("prod", "amax", "amin", *(("mean",) if is_float(b.x.dtype) else ()))}),
        flag("include_self", True),
    ],
    order=("x", "dim", "index", "src", "reduce"),
    infer=lambda b: b.x,
    facts=lambda b, f: reduced_facts(_as_scatter(b), f),
    torch="torch.index_reduce",
    inplace="index_reduce_",
    out=True,
    saves="both",
    # Backward fills by index, which eager torch 2.13 does with int64 alone.
    trains=lambda b: b.index.dtype == "int64" or b.include_self,
    tensorflow="tf.tensor_scatter_nd_max",
    error={
        # Eager keeps sums and products in the dtype of the result.
        "index_reduce": smooth(4.0, narrow=True),
        "index_reduce:amax": WRITTEN,
        "index_reduce:amin": WRITTEN,
    },
)


def _as_scatter(b: Binding) -> Binding:
    """The same binding with an index of as many dimensions as x, as `reduced_facts` counts."""
    wide_index = Binding()
    vars(wide_index).update(vars(b))
    vars(wide_index)["index"] = TensorType(b.index.dtype, rows(b))
    return wide_index


def pairs(accumulate: bool) -> None:
    """x[i, j] = v or x[i, j] += v."""

    def first(b: Binding, draw: Draw) -> Shape:
        return (draw.size(),) if accumulate else (draw.random.randint(0, smallest(b.x.shape[0])),)

    def fits_first(b: Binding, shape: Shape) -> bool:
        return len(shape) == 1 and (accumulate or shape[0] <= smallest(b.x.shape[0]))

    def second(b: Binding, draw: Draw) -> Shape:
        # Places that differ in the first coordinate differ.
        return (1,) if draw.random.random() < 0.2 else tuple(b.i.shape)

    def whole(b: Binding) -> Shape:
        return (*b.i.shape, *b.x.shape[2:])

    def facts(b: Binding, f: Any) -> Facts:
        result: Facts = f.x + upto(f.src, b.i.shape[0]) if accumulate else hull(f.x, f.src)
        return result

    def render(operands: Sequence[str], attributes: Any) -> str:
        tail = ", accumulate=True" if accumulate else ""
        return f"torch.index_put({operands[0]}, ({operands[1]}, {operands[2]}), {operands[3]}{tail})"

    def form(g: Graph, b: Binding, x: Arg, i: Arg, j: Arg, src: Arg) -> str:
        column = g.constant([1])
        rows_, columns = (g.node("Unsqueeze", g.cast(each, "int64"), column) for each in (i, j))
        if b.j.shape != b.i.shape:
            columns = g.node("Expand", columns, g.shape((*b.i.shape, 1)))
        places = g.node("Concat", rows_, columns, axis=1)
        source = g.name(src) if b.src.shape == whole(b) else g.node("Expand", g.name(src), g.shape(whole(b)))
        return g.node("ScatterND", g.name(x), places, source, reduction="add" if accumulate else None)

    operator(
        "place.index_put_pairs" + ("_accumulate" if accumulate else ""),
        operands=[
            free("x", ALL, RANKED[1:]),
            index("i", lambda b: b.x.shape[0], first, fits_first, negative=accumulate, distinct=not accumulate),
            index("j", lambda b: b.x.shape[1], second, lambda b, s: s in ((1,), b.i.shape), negative=True),
            matching(
                "src",
                "x",
                lambda b, d: whole(b) if d.random.random() < 0.8 else (),
                lambda b, s: s in ((), whole(b)),
            ),
        ],
        infer=lambda b: b.x,
        facts=facts,
        torch="torch.index_put",
        method=None,
        render=render,
        saves="inputs",
        error={"index_put": ADDED, "index": moves()},
        onnx=wide(form) if accumulate else form,
        jax="jnp.ndarray.at.add" if accumulate else "jnp.ndarray.at.set",
        tensorflow="tf.tensor_scatter_nd_add" if accumulate else "tf.tensor_scatter_nd_update",
    )


pairs(False)
pairs(True)


def leading(b: Binding, draw: Draw) -> Shape:
    """The first dimensions of x, all of them at most."""
    return tuple(b.x.shape[: draw.random.randint(1, b.x.rank)])


def masked_form(g: Graph, b: Binding, x: Arg, mask: Arg, src: Arg) -> str:
    """Where."""
    behind = list(range(b.mask.rank, b.x.rank))
    chosen = g.node("Unsqueeze", g.name(mask), g.constant(behind)) if behind else g.name(mask)
    return g.node("Where", chosen, g.name(src), g.name(x), dtype=x.dtype)


operator(
    "place.index_put_mask",
    operands=[
        free("x", ALL, RANKED),
        Operand(
            "mask",
            BOOL,
            RANKED,
            accepts=lambda b, t: t.shape == b.x.shape[: t.rank],
            make=lambda b, draw: TensorType("bool", leading(b, draw)),
        ),
        exactly("src", lambda b: b.x.with_shape(())),
    ],
    infer=lambda b: b.x,
    facts=lambda b, f: hull(f.x, f.src),
    torch="torch.index_put",
    method=None,
    render=lambda operands, attributes: f"torch.index_put({operands[0]}, ({operands[1]},), {operands[2]})",
    saves="inputs",
    onnx=masked_form,
    jax="jnp.where",
    tensorflow="tf.where",
)
