"""Autograd functions in the new style (forward and setup_context apart) with rules for vmap and jvp of their own: by
themselves, under the transforms of `torch.func`, nested, and around what is compiled.

    product(s, v) = s * v, by a function with rules
    product(1, v) = v, and so is what any layer of `LAYERS` makes of it
"""

from __future__ import annotations

from typing import Any

from assay.ir.types import FLOATS
from assay.transforms.families.autograd import DIFFERENTIABLE
from assay.transforms.families.higher import of_arguments
from assay.transforms.families.nested import LAYERS as TRANSFORMED
from assay.transforms.functional import taken_by
from assay.transforms.registry import Transform, Writing, run, value

HAS_RULES, BATCHED = DIFFERENTIABLE["accepts"], taken_by("vmap")
CLASS = "class {}(torch.autograd.Function):"
GENERATED = "    generate_vmap_rule = True"
STATIC = "    @staticmethod"
SAVING = (
    STATIC, "    def setup_context(ctx, inputs, output):", "        ctx.save_for_backward(*inputs)",
    "        ctx.save_for_forward(*inputs)",
)  # fmt: skip
PRODUCT = (STATIC, "    def forward(s, v):", "        return s * v")
BACKWARD = (
    STATIC, "    def backward(ctx, gradient):", "        s, v = ctx.saved_tensors",
    "        return gradient * v, gradient * s",
)  # fmt: skip
JVP = (
    STATIC, "    def jvp(ctx, s_tangent, v_tangent):", "        s, v = ctx.saved_tensors",
    "        return s_tangent * v + s * v_tangent",
)  # fmt: skip
# Each operand has the mapped dimension first, or gets it.
ROWS = (
    "        rows = [", "            t.expand(info.batch_size, *t.shape) if d is None else t.movedim(d, 0)",
    "            for t, d in zip((s, v), in_dims)", "        ]",
)  # fmt: skip
PARTS = (
    STATIC, "    def forward(s, v):", "        above, p = v > 0, s * v", "        zero = torch.zeros_like(p)",
    "        return torch.where(above, p, zero), torch.where(above, zero, p), above", STATIC,
    "    def setup_context(ctx, inputs, output):", "        ctx.mark_non_differentiable(output[2])",
    "        ctx.save_for_backward(*inputs, output[2])", "        ctx.save_for_forward(*inputs, output[2])", STATIC,
    "    def backward(ctx, upper, lower, _):", "        s, v, above = ctx.saved_tensors",
    "        gradient = torch.where(above, upper, lower)", "        return gradient * v, gradient * s",
)  # fmt: skip
PARTS_JVP = (
    STATIC, "    def jvp(ctx, s_tangent, v_tangent):", "        s, v, above = ctx.saved_tensors",
    "        t = s_tangent * v + s * v_tangent", "        zero = torch.zeros_like(t)",
    "        return torch.where(above, t, zero), torch.where(above, zero, t), None",
)  # fmt: skip
APPLIED = ("    return {apply}(s, v)",)
JOINED = ("    upper, lower, above = {apply}(s, v)", "    return torch.where(above, upper, lower)")

# Of each: the class, its rule for tangents, the body of a function of a scale and a value that is their product.
FUNCTIONS: dict[str, tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]] = {
    "Generated": ((CLASS, GENERATED, *PRODUCT, *SAVING, *BACKWARD), JVP, APPLIED),
    "ByHand": (
        # The rules are the function again; what is mapped over comes out last.
        (
            CLASS, *PRODUCT, *SAVING, *BACKWARD[:-1], "        return {}.apply(gradient, v), {}.apply(gradient, s)",
            STATIC, "    def vmap(info, in_dims, s, v):", *ROWS, "        return {}.apply(*rows).movedim(0, -1), -1",
        ),
        (*JVP[:-1], "        return {}.apply(s_tangent, v) + {}.apply(s, v_tangent)"),
        APPLIED,
    ),
    "ByHandInPlace": (
        # What is mapped over stays where it is in one operand, and the other is led there.
        (
            CLASS, *PRODUCT, *SAVING, *BACKWARD, STATIC, "    def vmap(info, in_dims, s, v):",
            "        a, b = in_dims", "        if a is None:",
            "            return {}.apply(s.unsqueeze(b).expand_as(v), v), b",
            "        v = v.unsqueeze(a).expand_as(s) if b is None else v.movedim(b, a)",
            "        return {}.apply(s, v), a",
        ),
        JVP,
        APPLIED,
    ),
    "Quotient": (
        # Saves what it returns.
        (
            CLASS, GENERATED, STATIC, "    def forward(v, d):", "        return v / d", STATIC,
            "    def setup_context(ctx, inputs, output):", "        ctx.save_for_backward(inputs[1], output)",
            "        ctx.save_for_forward(inputs[1], output)", STATIC, "    def backward(ctx, gradient):",
            "        d, q = ctx.saved_tensors", "        return gradient / d, -gradient * q / d",
        ),
        (
            STATIC, "    def jvp(ctx, v_tangent, d_tangent):", "        d, q = ctx.saved_tensors",
            "        return (v_tangent - q * d_tangent) / d",
        ),
        ("    return {apply}(v, 1 / s)",),
    ),
    "Parts": ((CLASS, GENERATED, *PARTS), PARTS_JVP, JOINED),
    "PartsByHand": (
        # Of three results, each comes out with what is mapped over at another place.
        (
            CLASS, *PARTS, STATIC, "    def vmap(info, in_dims, s, v):", *ROWS,
            "        upper, lower, above = {}.apply(*rows)",
            "        return (upper, lower.movedim(0, -1), above), (0, -1, 0)",
        ),
        PARTS_JVP,
        JOINED,
    ),
}  # fmt: skip

LAYERS = {
    **{name: text for name, text in TRANSFORMED.items() if name != "functionalize"},
    "vmap_first": "lambda s, v: torch.func.vmap(f, in_dims=(0, None))(torch.stack((s, s)), v)[1]",
    "vmap_second": "lambda s, v: torch.func.vmap(f, in_dims=(None, 1), out_dims=-1)(s, torch.stack((v, v), 1))[..., 0]",
    "vmap_last": "lambda s, v: torch.func.vmap(f, in_dims=(-1, 0), out_dims=-1)(s.movedim(0, -1), v).movedim(-1, 0)",
}
FORWARD = ("jvp", "jacfwd", "hessian")
"""Layers of forward mode. One in another has no derivative: eager mode takes the tangents of a jvp of one's own for
constants."""


def _product(w: Writing, name: str, tangents: bool) -> str:
    """The name of a function of the module that is the product, by a function with rules, one for tangents or not."""
    lines, jvp, body = FUNCTIONS[name]
    lines = (*lines, *jvp) if tangents else tuple(line for line in lines if "save_for_forward" not in line)
    apply = w.define(name, *lines) + ".apply"
    return w.define("product", "def {}(s, v):", *(line.format(apply=apply) for line in body))


def _plain(name: str, function: str, docstring: str, tangents: bool = False) -> Transform:
    def write(w: Writing) -> list[str]:
        return [f"{_product(w, function, tangents)}(torch.ones_like({w.value}), {w.value})"]

    write.__doc__ = docstring
    write.__module__ = __name__
    return value(name, quiet=True, dtypes=FLOATS, breaks=tangents)(write)


generated = _plain("rules.generated", "Generated", "The product with one is the value; torch makes the rule of vmap.")
with_jvp = _plain("rules.with_jvp", "Generated", "The product with one is the value; jvp has a rule too.", True)
by_hand = _plain("rules.by_hand", "ByHand", "The product with one is the value; its rules apply the function again.")
saved_output = _plain("rules.saved_output", "Quotient", "The quotient by one is the value; its result is saved.")
two_results = _plain(
    "rules.two_results", "Parts", "Of the parts above and not above zero, the third result says which is the value."
)


@value("rules.needs_gradient", quiet=True, dtypes=FLOATS)
def needs_gradient(w: Writing) -> list[str]:
    """The product with one is the value; a gradient is computed where one is asked for, and numbers and None get
    none."""
    lines = (
        CLASS, GENERATED, STATIC, "    def forward(v, s, power, nothing):", "        return v * s**power", STATIC,
        "    def setup_context(ctx, inputs, output):", "        ctx.save_for_backward(*inputs[:2])",
        "        ctx.power = inputs[2]", "        ctx.set_materialize_grads(False)", STATIC,
        "    def backward(ctx, gradient):", "        v, s = ctx.saved_tensors",
        "        to_v = gradient * s**ctx.power if ctx.needs_input_grad[0] else None",
        "        to_s = gradient * v * ctx.power if ctx.needs_input_grad[1] else None",
        "        return to_v, to_s, None, None",
    )  # fmt: skip
    f = w.define("Needed", *lines)
    return [f"{f}.apply({w.value}, torch.ones_like({w.value}), {1 + w.number % 3}, None)"]


@value("rules.once_differentiable", quiet=True, dtypes=FLOATS)
def once_differentiable(w: Writing) -> list[str]:
    """The product with one is the value; its gradient has no gradient, for which nothing asks."""
    lines = (
        CLASS, GENERATED, *PRODUCT, *SAVING[:-1], STATIC, "    @torch.autograd.function.once_differentiable",
        *BACKWARD[1:],
    )  # fmt: skip
    f = w.define("Once", *lines)
    return [f"{f}.apply(torch.ones_like({w.value}), {w.value})"]


@value("rules.unused_result", quiet=True, dtypes=FLOATS)
def unused_result(w: Writing) -> list[str]:
    """Of two results one is not used, and no gradient comes of it."""
    lines = (
        CLASS, GENERATED, STATIC, "    def forward(v):", "        return v.clone(), v.sin()", STATIC,
        "    def setup_context(ctx, inputs, output):", "        ctx.set_materialize_grads(False)",
        "        ctx.save_for_backward(inputs[0])", STATIC, "    def backward(ctx, gradient, other):",
        "        (v,) = ctx.saved_tensors", "        return gradient if other is None else gradient + other * v.cos()",
    )  # fmt: skip
    f = w.define("Unused", *lines)
    return [f"{f}.apply({w.value})[0]"]


NEEDS: dict[str, Any] = {
    "quiet": True, "exact": True, "filled": True, "rank": 2, "static": True, "small": True,
    "dtypes": ("float32", "float64"),
}  # fmt: skip


def _layered(w: Writing, f: str, *layers: str) -> str:
    """The name of a function of the module: a function under layers, the innermost first."""
    for name in layers:
        layer = w.define(f"{name}_of", "def {}(f):", f"    return {LAYERS[name]}")
        f = w.define("composed", f"{{}} = {layer}({f})")
    return f


def _drawn(w: Writing, outer: str) -> tuple[str, str]:
    """A function with the rules that two layers need, and the inner one of these. Dynamo has no model of a rule for
    tangents, and breaks the graph; so most functions that need none have none."""
    within = ["", "", *(name for name in LAYERS if outer not in FORWARD or name not in FORWARD)]
    inner, number = within[w.number % len(within)], w.number // len(within)
    name = list(FUNCTIONS)[number % len(FUNCTIONS)]
    forward = outer in FORWARD or inner in FORWARD
    return _product(w, name, forward or number // len(FUNCTIONS) % 4 == 0), inner


def _under(outer: str) -> Transform:
    def write(w: Writing) -> list[str]:
        f, inner = _drawn(w, outer)
        f = _layered(w, f, *([inner] if inner else []), outer)
        return [f"{f}(torch.ones_like({w.value}), {w.value})"]

    write.__doc__ = f"Under {outer.replace('_', ' ')}, of another transform too, the product with one is the value."
    write.__module__ = __name__
    return value(f"rules.under_{outer}", **NEEDS)(write)


under_vmap = _under("vmap")
under_vmap_first = _under("vmap_first")
under_vmap_second = _under("vmap_second")
under_vmap_last = _under("vmap_last")
under_vmap_in_chunks = _under("vmap_in_chunks")
under_grad = _under("grad")
under_vjp = _under("vjp")
under_jvp = _under("jvp")
under_jacrev = _under("jacrev")
under_jacfwd = _under("jacfwd")
under_hessian = _under("hessian")


@value("rules.around", breaks=True, training=False, **NEEDS)
def around(w: Writing) -> list[str]:
    """What is not compiled transforms a function with rules that is; in eager mode neither is."""
    outer = list(LAYERS)[w.number // 64 % len(LAYERS)]
    f, inner = _drawn(w, outer)
    f = _layered(w, f, *([inner] if inner else []))
    layer = w.define(f"{outer}_of", "def {}(f):", f"    return {LAYERS[outer]}")
    outside = w.define(
        "outside", "@torch.compiler.disable", "def {}(compiling, f, scale, value):",
        "    f = torch.compile(f, backend='aot_eager') if compiling else f", f"    return {layer}(f)(scale, value)",
    )  # fmt: skip
    return [f"{outside}(torch.compiler.is_compiling(), {f}, torch.ones_like({w.value}), {w.value})"]


def _takes(told: Any) -> bool:
    return bool(HAS_RULES(told) and BATCHED(told))


def _recomputed(name: str, call: str, docstring: str, *rules: str, dense: bool = False, **needs: Any) -> Transform:
    def write(w: Writing) -> list[str]:
        inner, given = of_arguments(w)
        if not given:
            return [*w.body]
        f = w.fresh("inner")
        apply = w.define(
            "Recomputed", CLASS, STATIC, "    def forward(f, *given):", "        return f(*given)", STATIC,
            "    def setup_context(ctx, inputs, output):", "        ctx.f = inputs[0]",
            "        ctx.save_for_backward(*inputs[1:])", "        ctx.save_for_forward(*inputs[1:])", STATIC,
            "    def backward(ctx, gradient):",
            "        return None, *torch.func.vjp(ctx.f, *ctx.saved_tensors)[1](gradient)", *rules,
        )  # fmt: skip
        lines = ["    given = tuple(t.contiguous() for t in given)"] if dense else []
        lines.append(f"    return {call.format(apply=f'{apply}.apply')}")
        apply = w.define("recomputed", "def {}(f, *given):", *lines)
        return [*inner.def_(f, ", ".join(inner.reads)), w.bind(f"{apply}({f}, {given})")]

    write.__doc__ = docstring
    write.__module__ = __name__
    return run(
        name, pure=True, fresh=True, unwritten=True, tensors=True, one=True, exact=True, opaque=True,
        **{"dtypes": ("float32", "float64"), "accepts": HAS_RULES, **needs},
    )(write)  # fmt: skip


recomputed = _recomputed(
    "rules.recomputed", "{apply}(f, *given)", "The rule of the statements is what ``vjp`` gives for them."
)
recomputed_rows = _recomputed(
    "rules.recomputed_rows",
    "torch.func.vmap(lambda *rows: {apply}(f, *rows))(*(t.unsqueeze(0) for t in given)).squeeze(0)",
    "Over one row the function is called for that row, by the rule that ``vmap`` gives.",
    STATIC,
    "    def vmap(info, in_dims, f, *given):",
    "        return torch.func.vmap(f, in_dims=in_dims[1:])(*given), 0",
    accepts=_takes,
)
recomputed_tangents = _recomputed(
    "rules.recomputed_tangents",
    "torch.func.jvp(lambda *t: {apply}(f, *t), given, tuple(torch.zeros_like(t) for t in given))[0]",
    "The first of what ``jvp`` gives is the function's value; its rule is what ``jvp`` gives for the statements.",
    STATIC,
    "    def jvp(ctx, _, *tangents):",
    "        return torch.func.jvp(ctx.f, ctx.saved_tensors, tangents)[1]",
    # Forward AD writes into what it makes like its operands, which must not overlap themselves.
    dense=True,
    quiet=True,
    training=False,
)
