"""Tensor subclasses and modes that change nothing, and custom operators."""

from __future__ import annotations

from typing import Any

from assay.transforms.registry import Writing, operation, run, value


@value("subclasses.as_subclass", unwritten=True)
def as_subclass(w: Writing) -> list[str]:
    """Of another class and back, the elements are the same."""
    same = w.define("Tagged", "class {}(torch.Tensor):", "    pass")
    return [f"{w.value}.as_subclass({same}).as_subclass(torch.Tensor)"]


@value("subclasses.torch_function", unwritten=True)
def torch_function(w: Writing) -> list[str]:
    """The override calls what it is told of."""
    heard = w.define(
        "Heard", "class {}(torch.Tensor):", "    @classmethod",
        "    def __torch_function__(cls, function, types, args=(), kwargs=None):",
        "        return super().__torch_function__(function, types, args, kwargs or dict())",
    )  # fmt: skip
    t = w.fresh("t")
    return [f"{t} = {w.value}.as_subclass({heard})", f"{t}[...].as_subclass(torch.Tensor)"]


@value("subclasses.same_by_all_routes", unwritten=True, extras=("bool",), training=False)
def same_by_all_routes(w: Writing) -> list[str]:
    """The override sees a function, a method and an operator alike."""
    counting = w.define(
        "Alike", "class {}(torch.Tensor):", "    @classmethod",
        "    def __torch_function__(cls, function, types, args=(), kwargs=None):",
        "        if function in (torch.add, torch.Tensor.add, torch.Tensor.__add__):", "            return 7",
        "        return super().__torch_function__(function, types, args, kwargs or dict())",
    )  # fmt: skip
    t = w.fresh("t")
    return [
        f"{t} = torch.ones(2).as_subclass({counting})",
        f"{w.extras[0]} = (torch.add({t}, 1), {t}.add(1), {t} + 1) == (7, 7, 7)",
        w.value,
    ]


@value("subclasses.wrapper_object", unwritten=True)
def wrapper_object(w: Writing) -> list[str]:
    """An object that is no tensor answers for functions of torch."""
    proxy = w.define(
        "Proxy", "class {}:", "    def __init__(self, value):", "        self.value = value", "    @classmethod",
        "    def __torch_function__(cls, function, types, args=(), kwargs=None):",
        "        args = [each.value if isinstance(each, cls) else each for each in args]",
        "        return function(*args, **(kwargs or dict()))",
    )  # fmt: skip
    return [f"torch.unsqueeze({proxy}({w.value}), 0)[0]"]


@run("subclasses.function_mode")
def function_mode(w: Writing) -> list[str]:
    """The mode calls what it is told of."""
    mode = w.define(
        "CallingMode", "class {}(torch.overrides.TorchFunctionMode):",
        "    def __torch_function__(self, function, types, args=(), kwargs=None):",
        "        return function(*args, **(kwargs or dict()))",
    )  # fmt: skip
    return [f"with {mode}():", *w.indented()]


@run("subclasses.two_modes")
def two_modes(w: Writing) -> list[str]:
    """The inner mode calls what it is told of, under the outer one."""
    mode = w.define("BaseMode", "class {}(torch.overrides.BaseTorchFunctionMode):", "    pass")
    return [f"with {mode}(), {mode}():", *w.indented()]


@run("subclasses.counting_mode", extras=("bool",))
def counting_mode(w: Writing) -> list[str]:
    """The mode hears of a call, and after it of no more."""
    mode = w.define(
        "CountingMode", "class {}(torch.overrides.TorchFunctionMode):", "    def __init__(self):",
        "        super().__init__()", "        self.count = 0",
        "    def __torch_function__(self, function, types, args=(), kwargs=None):", "        self.count += 1",
        "        return function(*args, **(kwargs or dict()))",
    )  # fmt: skip
    m, n = w.fresh("mode"), w.fresh("n")
    return [
        f"with {mode}() as {m}:", "    torch.ones(1)", *w.indented(), f"{n} = {m}.count", "torch.zeros(1)",
        f"{w.extras[0]} = {n} > 0 and {m}.count == {n}",
    ]  # fmt: skip


@run("subclasses.dispatch_mode", breaks=True, training=False)
def dispatch_mode(w: Writing) -> list[str]:
    """A mode below autograd that calls what it is told of."""
    mode = w.define(
        "DispatchMode", "class {}(torch.utils._python_dispatch.TorchDispatchMode):",
        "    def __torch_dispatch__(self, function, types, args=(), kwargs=None):",
        "        return function(*args, **(kwargs or dict()))",
    )  # fmt: skip
    return [f"with {mode}():", *w.indented()]


def _defined(w: Writing, name: str, *body: str) -> str:
    """A custom operator, made once in a process."""
    return w.define(
        name, f"if not hasattr(torch.ops.assay, '{name}'):", *(f"    {line}" for line in body),
        f"{{}} = torch.ops.assay.{name}.default",
    )  # fmt: skip


@value("custom.copy", quiet=True, training=False)
def copy(w: Writing) -> list[str]:
    """An operator of one's own that returns a copy."""
    op = _defined(
        w, "copy", "@torch.library.custom_op('assay::copy', mutates_args=())",
        "def kernel(value: torch.Tensor) -> torch.Tensor:", "    return value.clone()", "@kernel.register_fake",
        "def _(value):", "    return value.clone()",
    )  # fmt: skip
    return [f"{op}({w.value})"]


@value("custom.copy_with_gradient", quiet=True)
def copy_with_gradient(w: Writing) -> list[str]:
    """The same, with a backward that hands the gradient on."""
    op = _defined(
        w, "copy_back", "@torch.library.custom_op('assay::copy_back', mutates_args=())",
        "def kernel_back(value: torch.Tensor) -> torch.Tensor:", "    return value.clone()",
        "@kernel_back.register_fake", "def _(value):", "    return value.clone()",
        "kernel_back.register_autograd(lambda ctx, gradient: gradient)",
    )  # fmt: skip
    return [f"{op}({w.value})"]


def _filling(w: Writing) -> str:
    return _defined(
        w, "fills", "@torch.library.custom_op('assay::fills', mutates_args={'target'})",
        "def filling(target: torch.Tensor, source: torch.Tensor) -> None:", "    target.copy_(source)",
    )  # fmt: skip


@value("custom.fills", quiet=True, training=False)
def fills(w: Writing) -> list[str]:
    """An operator of one's own that writes its first argument, as it says."""
    op = _filling(w)
    buf = w.fresh("buf")
    return [f"{buf} = torch.zeros_like({w.value})", f"{op}({buf}, {w.value})", buf]


@value("custom.fills_view", quiet=True, training=False, rank=1)
def fills_view(w: Writing) -> list[str]:
    """What it writes into a view the base shows."""
    op = _filling(w)
    buf = w.fresh("buf")
    return [
        f"{buf} = torch.zeros_like({w.value})", f"{op}({buf}[1:], {w.value}[1:])", f"{op}({buf}[:1], {w.value}[:1])",
        buf,
    ]  # fmt: skip


@value("custom.fills_list", quiet=True, training=False, rank=1)
def fills_list(w: Writing) -> list[str]:
    """What it writes into each tensor of a list, views of one base among them, is there."""
    op = _defined(
        w, "fills_list", "torch.library.define('assay::fills_list', '(Tensor(a!)[] targets, Tensor[] sources) -> ()')",
        "def filling_list(targets, sources):", "    for target, source in zip(targets, sources):",
        "        target.copy_(source)",
        "torch.library.impl('assay::fills_list', 'CompositeExplicitAutograd', filling_list)",
        "torch.library.register_fake('assay::fills_list', lambda targets, sources: None)",
    )  # fmt: skip
    buf = w.fresh("buf")
    parts = ("[:1]", "[1:]") if w.number % 2 else ("[::2]", "[1::2]")
    targets, sources = (", ".join(f"{name}{part}" for part in parts) for name in (buf, w.value))
    return [f"{buf} = torch.zeros_like({w.value})", f"{op}([{targets}], [{sources}])", buf]


@value("custom.fills_tensors", quiet=True, training=False)
def fills_tensors(w: Writing) -> list[str]:
    """The same by the annotation of a function, into memory of their own."""
    op = _defined(
        w, "fills_tensors", "@torch.library.custom_op('assay::fills_tensors', mutates_args={'targets'})",
        "def filling_tensors(targets: list[torch.Tensor], source: torch.Tensor) -> None:",
        "    for target in targets:", "        target.copy_(source)",
    )  # fmt: skip
    a, b = w.fresh("buf"), w.fresh("buf")
    return [
        f"{a}, {b} = torch.zeros_like({w.value}), torch.ones_like({w.value})", f"{op}([{a}, {b}], {w.value})",
        b if w.number % 2 else a,
    ]  # fmt: skip


@value("custom.fills_two_views", quiet=True, training=False, rank=1)
def fills_two_views(w: Writing) -> list[str]:
    """Two arguments that it writes, views of one base that share no element or the same ones, show what was written."""
    op = _defined(
        w, "fills_two", "@torch.library.custom_op('assay::fills_two', mutates_args={'left', 'right'})",
        "def filling_two(left: torch.Tensor, right: torch.Tensor, one: torch.Tensor, two: torch.Tensor) -> None:",
        "    left.copy_(one)", "    right.copy_(two)",
    )  # fmt: skip
    buf = w.fresh("buf")
    left, right = (("[:1]", "[1:]"), ("[::2]", "[1::2]"), ("[:]", "[1:]"))[w.number % 3]
    return [
        f"{buf} = torch.zeros_like({w.value})",
        f"{op}({buf}{left}, {buf}{right}, {w.value}{left}, {w.value}{right})",
        buf,
    ]


@value("custom.copy_with_rules", exact=True, quiet=True, rank=1, filled=True, dtypes=("float32", "float64"))
def copy_with_rules(w: Writing) -> list[str]:
    """An operator of one's own with rules for the gradient and for vmap, mapped over the rows of the value."""
    op = _defined(
        w, "copy_rows", "@torch.library.custom_op('assay::copy_rows', mutates_args=())",
        "def kernel_rows(value: torch.Tensor) -> torch.Tensor:", "    return value.clone()",
        "@kernel_rows.register_fake", "def _(value):", "    return value.clone()",
        "kernel_rows.register_autograd(lambda ctx, gradient: gradient)",
        "kernel_rows.register_vmap(lambda info, in_dims, value: (torch.ops.assay.copy_rows(value), in_dims[0]))",
    )  # fmt: skip
    dim = -(w.number % 2)
    return [f"torch.func.vmap(lambda row: {op}(row), in_dims={dim}, out_dims={dim})({w.value})"]


@value("custom.library", quiet=True, training=False)
def library(w: Writing) -> list[str]:
    """An operator that is defined by its schema."""
    op = _defined(
        w, "twin", "torch.library.define('assay::twin', '(Tensor value) -> Tensor')",
        "torch.library.impl('assay::twin', 'CompositeExplicitAutograd', lambda value: value.clone())",
        "torch.library.register_fake('assay::twin', lambda value: value.clone())",
    )  # fmt: skip
    return [f"{op}({w.value})"]


def _is_unary(told: Any) -> bool:
    return told.operator.family in ("unary", "activation") and told.statement.form in ("function", "method")


@operation("custom.wraps_operation", accepts=_is_unary, training=False)
def wraps_operation(w: Writing) -> list[str]:
    """The overload that the dispatcher has computes what the function computes."""
    return [f"torch.ops.aten.clone.default({w.expression}, memory_format=torch.preserve_format)"]
