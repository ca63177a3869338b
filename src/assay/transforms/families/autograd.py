"""Functions with derivatives of their own, hooks, checkpoints, transforms of `torch.func`: all of them identities."""

from __future__ import annotations

from typing import Any

from assay.ir.types import FLOATS
from assay.transforms.functional import taken_by
from assay.transforms.registry import Transform, Writing, run, value


@value("autograd.function", unwritten=True, dtypes=FLOATS)
def function(w: Writing) -> list[str]:
    """Forward returns a view of the whole, backward the gradient that it is given."""
    same = w.define(
        "SameGradient", "class {}(torch.autograd.Function):", "    @staticmethod", "    def forward(ctx, value):",
        "        ctx.shape = value.shape", "        return value.view_as(value)", "", "    @staticmethod",
        "    def backward(ctx, gradient):", "        assert gradient.shape == ctx.shape", "        return gradient",
    )  # fmt: skip
    return [f"{same}.apply({w.value})"]


@value("autograd.function_with_context", quiet=True, dtypes=FLOATS)
def function_with_context(w: Writing) -> list[str]:
    """The same with what is saved set up apart from forward."""
    same = w.define(
        "SameInTwo", "class {}(torch.autograd.Function):", "    @staticmethod", "    def forward(value, scale):",
        "        return value.clone()", "", "    @staticmethod", "    def setup_context(ctx, inputs, output):",
        "        value, ctx.scale = inputs", "        ctx.save_for_backward(value)", "", "    @staticmethod",
        "    def backward(ctx, gradient):", "        (value,) = ctx.saved_tensors",
        "        return gradient * ctx.scale, None",
    )  # fmt: skip
    return [f"{same}.apply({w.value}, 1)"]


@value("autograd.function_two_results", quiet=True, dtypes=FLOATS)
def function_two_results(w: Writing) -> list[str]:
    """One of two results is not differentiable, the other is the value."""
    two = w.define(
        "TwoResults", "class {}(torch.autograd.Function):", "    @staticmethod", "    def forward(ctx, value):",
        "        signs = value > 0", "        ctx.mark_non_differentiable(signs)",
        "        ctx.set_materialize_grads(False)",
        "        return value.clone(), signs", "", "    @staticmethod", "    def backward(ctx, gradient, _):",
        "        return gradient",
    )  # fmt: skip
    return [f"{two}.apply({w.value})[0]"]


@value("autograd.function_in_place", training=False, quiet=True, dtypes=FLOATS)
def function_in_place(w: Writing) -> list[str]:
    """A function that says that it has written its argument, and has written what was there."""
    dirty = w.define(
        "Dirty", "class {}(torch.autograd.Function):", "    @staticmethod", "    def forward(ctx, value):",
        "        ctx.mark_dirty(value)", "        value.copy_(value.clone())", "        return value", "",
        "    @staticmethod", "    def backward(ctx, gradient):", "        return gradient",
    )  # fmt: skip
    return [f"{dirty}.apply({w.value}.clone())"]


@value("autograd.tensor_hook", unwritten=True, dtypes=FLOATS)
def tensor_hook(w: Writing) -> list[str]:
    """A hook that returns the gradient, on a view of the value where it has one."""
    t = w.fresh("t")
    return [
        f"{t} = {w.value}.view_as({w.value})", f"if {t}.requires_grad:",
        f"    {t}.register_hook(lambda gradient: gradient)", t,
    ]  # fmt: skip


@value("autograd.scaled_and_back", exact=True, quiet=True, dtypes=("float32", "float64"))
def scaled_and_back(w: Writing) -> list[str]:
    """Twice the value, halved, forward and backward."""
    scale = w.define(
        "Scale", "class {}(torch.autograd.Function):", "    @staticmethod", "    def forward(ctx, value, factor):",
        "        ctx.factor = factor", "        return value * factor", "", "    @staticmethod",
        "    def backward(ctx, gradient):", "        return gradient * ctx.factor, None",
    )  # fmt: skip
    return [f"{scale}.apply({scale}.apply({w.value}, 2.0), 0.5)"]


@value("autograd.straight_through", quiet=True, dtypes=FLOATS)
def straight_through(w: Writing) -> list[str]:
    """Forward leaves autograd; only the rule, which hands the gradient on, leads back to the value."""
    through = w.define(
        "StraightThrough", "class {}(torch.autograd.Function):", "    @staticmethod", "    def forward(ctx, value):",
        "        return value.detach().clone()", "", "    @staticmethod", "    def backward(ctx, gradient):",
        "        return gradient",
    )  # fmt: skip
    return [f"{through}.apply({w.value})"]


@value("autograd.rule_of_its_own", exact=True, quiet=True, dtypes=("float32", "float64"))
def rule_of_its_own(w: Writing) -> list[str]:
    """The rule of an identity doubles the gradient, of which half of the value then takes half."""
    doubled = w.define(
        "DoubledGradient", "class {}(torch.autograd.Function):", "    @staticmethod", "    def forward(ctx, value):",
        "        return value.view_as(value)", "", "    @staticmethod", "    def backward(ctx, gradient):",
        "        return gradient * 2",
    )  # fmt: skip
    half = w.fresh("half")
    return [f"{half} = {doubled}.apply({w.value}) * 0.5", f"{half} + {half}.detach()"]


@run("autograd.checkpoint", pure=True, fresh=True, unwritten=True, tensors=True)
def checkpoint(w: Writing) -> list[str]:
    """Backward runs the statements again instead of keeping what they saved."""
    f = w.fresh("inner")
    given = ", ".join([f, *w.reads])
    return [*w.def_(f, ", ".join(w.reads)), w.bind(f"torch.utils.checkpoint.checkpoint({given}, use_reentrant=False)")]


@run("autograd.checkpoint_reentrant", pure=True, fresh=True, unwritten=True, tensors=True, training=False)
def checkpoint_reentrant(w: Writing) -> list[str]:
    """The other implementation of the same."""
    f = w.fresh("inner")
    given = ", ".join([f, *w.reads])
    return [*w.def_(f, ", ".join(w.reads)), w.bind(f"torch.utils.checkpoint.checkpoint({given}, use_reentrant=True)")]


SMOOTH = ("unary", "activation", "binary", "ternary", "view", "move", "matmul", "join", "split", "part")
PLAIN = ("binary.floor_divide", "binary.remainder", "binary.fmod")


_VJP, _JVP = taken_by("vjp"), taken_by("jvp")


def _has_rules(told: Any) -> bool:
    """Whether the operation has all the derivatives that torch can have, and transforms of functions take it."""
    operator = told.operator
    if not (operator.differentiable and operator.family in SMOOTH and operator.name not in PLAIN):
        return False
    return _VJP(told) and _JVP(told)


def _func(name: str, expression: str, docstring: str, **needs: Any) -> Transform:
    def write(w: Writing) -> list[str]:
        if not w.reads:
            return [*w.body]
        f = w.fresh("inner")
        given = ", ".join(w.reads)
        zeros = ", ".join(f"torch.zeros_like({each}.contiguous())" for each in w.reads)
        dense = ", ".join(f"{each}.contiguous()" for each in w.reads)
        text = expression.format(f=f, given=given, tuple=f"({given},)", dense=f"({dense},)", zeros=f"({zeros},)")
        return [*w.def_(f, given), w.bind(text)]

    write.__doc__ = docstring
    write.__module__ = __name__
    return run(name, pure=True, fresh=True, unwritten=True, tensors=True, opaque=True, **needs)(write)


DIFFERENTIABLE: dict[str, Any] = {"training": False, "dtypes": ("float32", "float64"), "accepts": _has_rules}
vjp = _func(
    "func.vjp",
    "torch.func.vjp({f}, *{tuple})[0]",
    "The first of what ``vjp`` gives is the function's value.",
    # Whether matmul folds a batch, and so how it rounds, follows from whether something is recorded.
    exact=True,
    **DIFFERENTIABLE,
)
jvp = _func(
    "func.jvp",
    "torch.func.jvp({f}, {dense}, {zeros})[0]",
    "The first of what ``jvp`` gives is the function's value.",
    # Forward AD writes into what it makes like its operands, which must not overlap themselves.
    quiet=True,
    exact=True,
    **DIFFERENTIABLE,
)
linearize = _func(
    "func.linearize",
    "torch.func.linearize({f}, *{dense})[0]",
    "The first of what ``linearize`` gives is the function's value.",
    exact=True,
    breaks=True,
    **DIFFERENTIABLE,
)
functionalize = _func(
    "func.functionalize",
    "torch.func.functionalize({f})({given})",
    "Without writes there is nothing to make functional.",
    training=False,
    accepts=taken_by("functionalize"),
)


@run("func.grad_with_aux", pure=True, fresh=True, unwritten=True, tensors=True, opaque=True, **DIFFERENTIABLE)
def grad_with_aux(w: Writing) -> list[str]:
    """What is handed along beside the number that is differentiated is handed out."""
    f, g = w.fresh("inner"), w.fresh("total")
    given = ", ".join(w.reads)
    if not w.reads:
        return [*w.body]
    return [
        *w.def_(f, given),
        f"def {g}({given}):",
        f"    return sum(t.sum() for t in ({given},)), {f}({given})",
        w.bind(f"torch.func.grad_and_value({g}, has_aux=True)({given})[1][1]"),
    ]


ROWS: dict[str, Any] = {"training": False, "exact": True, "dtypes": ("float32", "float64", "int32", "int64")}
OVER_A_ROW: dict[str, Any] = {
    "pure": True, "fresh": True, "unwritten": True, "tensors": True, "one": True, "opaque": True,
    "accepts": taken_by("vmap"), **ROWS,
}  # fmt: skip


@run("func.vmap", **OVER_A_ROW)
def vmap(w: Writing) -> list[str]:
    """Over one row the function is called for that row."""
    f = w.fresh("inner")
    if not w.reads:
        return [*w.body]
    given = ", ".join(w.reads)
    rows = ", ".join(f"{name}.unsqueeze(0)" for name in w.reads)
    return [*w.def_(f, given), w.bind(f"torch.func.vmap({f})({rows}).squeeze(0)")]


@run("func.vmap_of_vmap", **{**OVER_A_ROW, "accepts": taken_by("vmap_of_vmap")})
def vmap_of_vmap(w: Writing) -> list[str]:
    """Over one row of one row, each along another dimension, the function is called for that row."""
    f = w.fresh("inner")
    if not w.reads:
        return [*w.body]
    given = ", ".join(w.reads)
    rows = ", ".join(f"{name}.unsqueeze(0).unsqueeze(-1)" for name in w.reads)
    twice = f"torch.func.vmap(torch.func.vmap({f}), in_dims=-1, out_dims=-1)"
    return [*w.def_(f, given), w.bind(f"{twice}({rows}).squeeze(0).squeeze(-1)")]


@value("func.vmap_rows", quiet=True, rank=1, filled=True, training=False)
def vmap_rows(w: Writing) -> list[str]:
    """The identity, row by row, along any dimension."""
    dim = -(w.number % 2)
    return [f"torch.func.vmap(lambda row: row.clone(), in_dims={dim}, out_dims={dim})({w.value})"]


@value("func.jacobian_of_identity", quiet=True, filled=True, rank=1, **{**ROWS, "dtypes": ("float32", "float64")})
def jacobian_of_identity(w: Writing) -> list[str]:
    """The gradient of the sum of products with the value, by the other factor, is the value."""
    ones = f"torch.ones({w.value}.shape, dtype={w.value}.dtype)"
    return [f"torch.func.grad(lambda t: (t * {w.value}).sum())({ones})"]
