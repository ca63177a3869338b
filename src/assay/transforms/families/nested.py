"""Transforms of `torch.func` in each other, inside of the compiled region and around it: what is differentiated is a
product with a value, whose derivatives are the value.

    base(s, v) = s * v
    layer(f)(s, v) = s * v again: vmap, grad, vjp, jvp, jacrev, jacfwd, hessian, functionalize
    outer(inner(base))(1, v) = v
"""

from __future__ import annotations

from typing import Any

from assay.transforms.registry import Transform, Writing, value

# Each makes of a function of a scale and a value that is their product another such function. ``vjp``: the transpose of
# a diagonal is the diagonal. ``hessian``: the second derivative of half a square is one.
LAYERS = {
    "vmap": "lambda s, v: torch.func.vmap(f)(s, v)",
    "vmap_in_chunks": "lambda s, v: torch.func.vmap(f, chunk_size=2)(s, v)",
    "grad": "lambda s, v: torch.func.grad(lambda a: (f(a, v) * s).sum())(torch.ones_like(s))",
    "vjp": "lambda s, v: torch.func.vjp(lambda a: f(a, v), torch.ones_like(s))[1](s)[0]",
    "jvp": "lambda s, v: torch.func.jvp(lambda a: f(a, v), (torch.ones_like(s),), (s,))[1]",
    "jacrev": "lambda s, v: torch.func.jacrev(lambda k: f(k * s, v))(torch.ones((), dtype=s.dtype))",
    "jacfwd": "lambda s, v: torch.func.jacfwd(lambda k: f(k * s, v))(torch.ones((), dtype=s.dtype))",
    "hessian": "lambda s, v: torch.func.hessian(lambda k: f(k * k * 0.5 * s, v))(torch.ones((), dtype=s.dtype))",
    "functionalize": "lambda s, v: torch.func.functionalize(f)(s, v)",
}
TRACED = [name for name in LAYERS if name != "functionalize"]
"""Those that Dynamo has a model of."""

NEEDS: dict[str, Any] = {
    "quiet": True, "exact": True, "filled": True, "training": False, "rank": 2, "static": True, "small": True,
    "dtypes": ("float32", "float64"),
}  # fmt: skip


def _composed(w: Writing, outer: str, inner: str) -> str:
    """The name of a function of the module: a layer in another."""
    f = w.define("product", "def {}(s, v):", "    return s * v")
    for name in (inner, outer):
        layer = w.define(f"{name}_of", "def {}(f):", f"    return {LAYERS[name]}")
        f = w.define("composed", f"{{}} = {layer}({f})")
    return f


def _nested(outer: str) -> Transform:
    def write(w: Writing) -> list[str]:
        inner = TRACED[w.number % len(TRACED)]
        return [f"{_composed(w, outer, inner)}(torch.ones_like({w.value}), {w.value})"]

    write.__doc__ = f"Under {outer.replace('_', ' ')} of another transform the product with one is the value."
    write.__module__ = __name__
    return value(f"nested.{outer}_of", breaks=outer == "functionalize", **NEEDS)(write)


vmap_of = _nested("vmap")
vmap_in_chunks_of = _nested("vmap_in_chunks")
grad_of = _nested("grad")
vjp_of = _nested("vjp")
jvp_of = _nested("jvp")
jacrev_of = _nested("jacrev")
jacfwd_of = _nested("jacfwd")
hessian_of = _nested("hessian")
functionalize_of = _nested("functionalize")


@value("nested.of_functionalize", breaks=True, **NEEDS)
def of_functionalize(w: Writing) -> list[str]:
    """Under any transform the product with one is the value, though it is made functional first."""
    outer = TRACED[w.number % len(TRACED)]
    return [f"{_composed(w, outer, 'functionalize')}(torch.ones_like({w.value}), {w.value})"]


@value("nested.around", breaks=True, **NEEDS)
def around(w: Writing) -> list[str]:
    """A function that is not compiled transforms one that is; in eager mode neither is."""
    name = list(LAYERS)[w.number % len(LAYERS)]
    # AOTAutograd makes functional itself, and does not take what is so already.
    backend = "eager" if name == "functionalize" or w.number // len(LAYERS) % 2 else "aot_eager"
    layer = w.define(f"{name}_of", "def {}(f):", f"    return {LAYERS[name]}")
    outside = w.define(
        "outside", "@torch.compiler.disable", "def {}(compiling, f, scale, value):",
        f"    f = torch.compile(f, backend={backend!r}) if compiling else f", f"    return {layer}(f)(scale, value)",
    )  # fmt: skip
    f = w.define("inside", "def {}(s, v):", "    return (s * v).clone()")
    return [f"{outside}(torch.compiler.is_compiling(), {f}, torch.ones_like({w.value}), {w.value})"]
