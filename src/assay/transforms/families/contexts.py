"""Context managers that leave everything as it was, and contexts of torch that equal what is there."""

from __future__ import annotations

from assay.transforms.registry import Writing, point, run


def _manager(w: Writing) -> str:
    return w.define(
        "Manager", "class {}:", "    def __init__(self, log, name, swallow=False):",
        "        self.log, self.name, self.swallow = log, name, swallow",
        "    def __enter__(self):", "        self.log.append('enter ' + self.name)", "        return self",
        "    def __exit__(self, kind, error, trace):",
        "        self.log.append('exit ' + self.name + str(kind is None))", "        return self.swallow",
    )  # fmt: skip


@run("contexts.class_", extras=("str",))
def class_(w: Writing) -> list[str]:
    """Entering and leaving are logged, once each and in order."""
    log = w.fresh("log")
    return [f"{log} = []", f"with {_manager(w)}({log}, 'a'):", *w.indented(), f"{w.extras[0]} = str({log})"]


@run("contexts.nested", extras=("str",))
def nested(w: Writing) -> list[str]:
    """Of two managers in one statement the second is entered last and left first."""
    log, manager, outer = w.fresh("log"), _manager(w), w.fresh("outer")
    return [
        f"{log} = []",
        f"with {manager}({log}, 'a') as {outer}, {manager}({log}, 'b'):",
        *w.indented(),
        f"    {log}.append({outer}.name)",
        f"{w.extras[0]} = str({log})",
    ]


@run("contexts.swallowed", extras=("str",))
def swallowed(w: Writing) -> list[str]:
    """The exception after the statements is swallowed by the exit that returns True."""
    log = w.fresh("log")
    return [
        f"{log} = []",
        f"with {_manager(w)}({log}, 'a', True):",
        *w.indented(),
        "    raise ValueError('swallowed')",
        f"{w.extras[0]} = str({log})",
    ]


@run("contexts.not_swallowed", extras=("str",))
def not_swallowed(w: Writing) -> list[str]:
    """The exception leaves the block through the exit, and is caught around it."""
    log = w.fresh("log")
    return [
        f"{log} = []",
        "try:",
        f"    with {_manager(w)}({log}, 'a'):",
        "        raise KeyError('out')",
        "except KeyError:",
        *w.indented(),
        f"{w.extras[0]} = str({log})",
    ]


@run("contexts.generator", extras=("str",))
def generator(w: Writing) -> list[str]:
    """The generator stands at its yield while the statements run."""
    around = w.define(
        "around", "@contextlib.contextmanager", "def {}(log):", "    log.append('in')", "    try:", "        yield log",
        "    finally:", "        log.append('out')",
    )  # fmt: skip
    log, same = w.fresh("log"), w.fresh("same")
    return [f"{log} = []", f"with {around}({log}) as {same}:", *w.indented(), f"    {same}.append('middle')",
            f"{w.extras[0]} = str({log})"]  # fmt: skip


@run("contexts.stack", extras=("str",))
def stack(w: Writing) -> list[str]:
    """A stack leaves what was entered, and calls what was given to it, in the reverse order."""
    log, manager = w.fresh("log"), _manager(w)
    return [
        f"{log} = []",
        "with contextlib.ExitStack() as stack:",
        f"    stack.enter_context({manager}({log}, 'a'))",
        f"    stack.callback({log}.append, 'called')",
        *w.indented(),
        f"{w.extras[0]} = str({log})",
    ]


@run("contexts.reentrant", extras=("int",))
def reentrant(w: Writing) -> list[str]:
    """Entered twice and left twice, the manager's depth is what it was."""
    depth = w.define(
        "Depth", "class {}:", "    def __init__(self):", "        self.depth = self.deepest = 0",
        "    def __enter__(self):", "        self.depth += 1", "        self.deepest = max(self.deepest, self.depth)",
        "        return self", "    def __exit__(self, *_):", "        self.depth -= 1",
    )  # fmt: skip
    d = w.fresh("d")
    return [f"{d} = {depth}()", f"with {d}:", f"    with {d}:", *w.indented(2),
            f"{w.extras[0]} = {d}.depth * 10 + {d}.deepest"]  # fmt: skip


@run("contexts.suppress")
def suppress(w: Writing) -> list[str]:
    """What is raised after the statements is suppressed."""
    return ["with contextlib.suppress(ValueError, KeyError):", *w.indented(), "    raise KeyError('suppressed')"]


@run("contexts.null")
def null(w: Writing) -> list[str]:
    """A null context does nothing."""
    return [f"with contextlib.nullcontext({w.number % 9}):", *w.indented()]


@run("contexts.decorator", extras=("int",))
def decorator(w: Writing) -> list[str]:
    """A manager as a decorator is entered for each call."""
    counted = w.define(
        "Counted", "class {}(contextlib.ContextDecorator):", "    def __init__(self, log):", "        self.log = log",
        "    def __enter__(self):", "        self.log.append(1)", "    def __exit__(self, *_):",
        "        self.log.append(2)",
    )  # fmt: skip
    log, f = w.fresh("log"), w.fresh("inner")
    return [f"{log} = []", f"@{counted}({log})", *w.def_(f), w.bind(f"{f}()"), f"{w.extras[0]} = sum({log})"]


@run("contexts.closing", extras=("int",))
def closing(w: Writing) -> list[str]:
    """The resource is closed once, after the statements."""
    resource = w.define(
        "Resource", "class {}:", "    closed = 0", "    def close(self):", "        self.closed += 1",
    )  # fmt: skip
    r = w.fresh("resource")
    return [f"with contextlib.closing({resource}()) as {r}:", *w.indented(), f"{w.extras[0]} = {r}.closed"]


@run("contexts.restored_attribute", extras=("int",))
def restored_attribute(w: Writing) -> list[str]:
    """The attribute has another value while the statements run, and the old one afterwards."""
    settings = w.define("Settings", "class {}:", f"    level = {w.number % 7}")
    changed = w.define(
        "changed", "@contextlib.contextmanager", "def {}(owner, name, value):", "    old = getattr(owner, name)",
        "    setattr(owner, name, value)", "    try:", "        yield", "    finally:",
        "        setattr(owner, name, old)",
    )  # fmt: skip
    o = w.fresh("owner")
    return [f"{o} = {settings}()", f"with {changed}({o}, 'level', 99):", *w.indented(),
            f"{w.extras[0]} = {o}.level"]  # fmt: skip


@run("contexts.manual", extras=("str",))
def manual(w: Writing) -> list[str]:
    """Calling the two methods does what the statement does."""
    log, m = w.fresh("log"), w.fresh("manager")
    return [f"{log} = []", f"{m} = {_manager(w)}({log}, 'a')", f"{m}.__enter__()", *w.body,
            f"{m}.__exit__(None, None, None)", f"{w.extras[0]} = str({log})"]  # fmt: skip


@run("modes.ambient_grad")
def ambient_grad(w: Writing) -> list[str]:
    """Gradients are recorded as they were."""
    return ["with torch.set_grad_enabled(torch.is_grad_enabled()):", *w.indented()]


@run("modes.ambient_grad_called")
def ambient_grad_called(w: Writing) -> list[str]:
    """The setting is set to what it is, as a function and not as a context."""
    return ["torch._C._set_grad_enabled(torch.is_grad_enabled())", *w.body]


@run("modes.no_grad", training=False)
def no_grad(w: Writing) -> list[str]:
    """Nothing requires a gradient, so nothing is recorded anyway."""
    return ["with torch.no_grad():", *w.indented()]


@run("modes.no_grad_decorator", training=False)
def no_grad_decorator(w: Writing) -> list[str]:
    """Nothing requires a gradient, so nothing is recorded anyway."""
    f = w.fresh("inner")
    return ["@torch.no_grad()", *w.def_(f), w.bind(f"{f}()")]


@run("modes.enable_grad", training=False)
def enable_grad(w: Writing) -> list[str]:
    """Nothing requires a gradient, so nothing is recorded even where it could be."""
    return ["with torch.enable_grad():", *w.indented()]


@run("modes.off_and_on", training=False, extras=("bool",))
def off_and_on(w: Writing) -> list[str]:
    """The inner context ends the outer one's setting; each restores what it found."""
    return [
        "with torch.no_grad():", "    with torch.enable_grad():", *w.indented(2),
        f"    {w.extras[0]} = torch.is_grad_enabled()",
    ]  # fmt: skip


@run("modes.grad_restored_on_error", extras=("bool",))
def grad_restored_on_error(w: Writing) -> list[str]:
    """An exception that leaves the context restores the mode, in which the statements then run."""
    flip = "torch.no_grad()" if w.number % 2 else "torch.enable_grad()"
    return [
        "try:", f"    with {flip}:", "        raise ValueError", "except ValueError:", *w.indented(),
        f"{w.extras[0]} = torch.is_grad_enabled()",
    ]  # fmt: skip


@run("modes.inference_off")
def inference_off(w: Writing) -> list[str]:
    """Inference mode is off as it was."""
    return ["with torch.inference_mode(False):", *w.indented()] if w.number % 2 else [
        "with torch.inference_mode(torch.is_inference_mode_enabled()):", *w.indented(),
    ]  # fmt: skip


@run("modes.autocast_off")
def autocast_off(w: Writing) -> list[str]:
    """Autocasting that is not enabled casts nothing."""
    return ['with torch.autocast("cpu", enabled=False):', *w.indented()]


@run("modes.default_dtype", extras=("str",))
def default_dtype(w: Writing) -> list[str]:
    """The default is set to what it is, by its own name."""
    old = w.fresh("old")
    return [
        f"{old} = torch.get_default_dtype()", f"torch.set_default_dtype({old})", *w.body,
        f"{w.extras[0]} = str(torch.get_default_dtype())",
    ]  # fmt: skip


@run("modes.deterministic")
def deterministic(w: Writing) -> list[str]:
    """The flag is set to what it is."""
    flag = w.fresh("flag")
    return [f"{flag} = torch.are_deterministic_algorithms_enabled()", f"torch.use_deterministic_algorithms({flag})",
            *w.body]  # fmt: skip


@run("modes.device")
def device(w: Writing) -> list[str]:
    """What is made is made where it would be."""
    return ['with torch.device("cpu"):', *w.indented()]


@run("modes.record_function")
def record_function(w: Writing) -> list[str]:
    """A label for a profiler that does not run."""
    return ['with torch.profiler.record_function("label"):', *w.indented()]


@run("modes.multithreading")
def multithreading(w: Writing) -> list[str]:
    """How backward divides its work changes no result."""
    return ["with torch.autograd.set_multithreading_enabled(True):", *w.indented()]


@run("modes.saved_tensors_hooks")
def saved_tensors_hooks(w: Writing) -> list[str]:
    """What backward saves is packed and unpacked as it is."""
    return ["with torch.autograd.graph.saved_tensors_hooks(lambda t: t, lambda t: t):", *w.indented()]


@run("modes.no_function_subclasses")
def no_function_subclasses(w: Writing) -> list[str]:
    """No tensor is of a subclass, so nothing is left out."""
    return ["with torch._C.DisableTorchFunctionSubclass():", *w.indented()]


@run("modes.forward_ad")
def forward_ad(w: Writing) -> list[str]:
    """No tensor has a tangent at the level that is entered."""
    return ["with torch.autograd.forward_ad.dual_level():", *w.indented()]


@run("modes.warnings")
def warnings_(w: Writing) -> list[str]:
    """Which warnings are shown changes no value."""
    return ["with warnings.catch_warnings():", "    warnings.simplefilter('ignore')", *w.indented()]


@point("modes.grad_toggled", extras=("str",))
def grad_toggled(w: Writing) -> list[str]:
    """The mode is turned over and back."""
    old = w.fresh("old")
    return [
        f"{old} = torch.is_grad_enabled()", f"torch.set_grad_enabled(not {old})",
        f"{w.extras[0]} = str(torch.is_grad_enabled())", f"torch.set_grad_enabled({old})",
    ]  # fmt: skip
