"""What the backends of the torch.compile family share: compiling with options, counters, and putting everything
back."""

from __future__ import annotations

import importlib
import os
import warnings
from typing import Any

import torch
import torch._dynamo

from . import torch_shortcuts

# Where the settings of a case's options live: "inductor.cpp.simdlen", "dynamo.specialize_int",
# "functorch.activation_memory_budget".
CONFIGS = {
    "inductor": "torch._inductor.config",
    "dynamo": "torch._dynamo.config",
    "functorch": "torch._functorch.config",
}

_changed: list[tuple[Any, str, Any]] = []
_skipped: list[str] = []


def compiled(program: Any, backend: Any, options: dict[str, Any]) -> Any:
    """``torch.compile`` of a program under a case's options; settings stay in force until `reset`."""
    for key, value in sorted((options.get("config") or {}).items()):
        set_config(key, value)
    arguments: dict[str, Any] = {"backend": backend, "dynamic": options.get("dynamic")}
    if options.get("fullgraph"):
        arguments["fullgraph"] = True
    if options.get("mode") not in (None, "default"):
        arguments["mode"] = options["mode"]
    return torch.compile(program, **arguments)


def _owner(key: str) -> tuple[Any, str] | None:
    """The object and attribute that a setting's name stands for; None where this release has none such."""
    family, _, rest = key.partition(".")
    if family not in CONFIGS:
        return None
    try:
        owner: Any = importlib.import_module(CONFIGS[family])
        *path, name = rest.split(".")
        for part in path:
            owner = getattr(owner, part)
        getattr(owner, name)
    except (ImportError, AttributeError):
        return None
    return owner, name


def set_config(key: str, value: Any) -> None:
    """Change one setting until `reset`; one that this release does not know is noted and skipped."""
    found = _owner(key)
    if found is None:
        _skipped.append(key)
        return
    owner, name = found
    _changed.append((owner, name, getattr(owner, name)))
    setattr(owner, name, value)


_LIMIT = "Dynamo recompile limit exceeded"


def reset() -> None:
    """Forget everything compiled, all counters, and every changed setting."""
    while _changed:
        owner, name, value = _changed.pop()
        setattr(owner, name, value)
    _skipped.clear()
    torch._dynamo.reset()
    torch._dynamo.utils.counters.clear()
    metrics = _metrics()
    if metrics is not None:
        metrics.reset()


def _metrics() -> Any:
    """Inductor's counters, if inductor was loaded."""
    import sys

    return sys.modules.get("torch._inductor.metrics")


def engagement() -> dict[str, Any]:
    """What was compiled since the last reset."""
    counters = torch._dynamo.utils.counters
    breaks = counters.get("graph_break", {})
    # A branch on a tensor, and a frame that is left to Python whole, are not among Dynamo's breaks. That a limit of
    # recompilation is reached is what some cases are for.
    unimplemented = counters.get("unimplemented", {})
    given_up = {reason: count for reason, count in unimplemented.items() if not reason.startswith(_LIMIT)}
    stats = counters.get("stats", {})
    inductor = {key: int(count) for key, count in counters.get("inductor", {}).items()}
    graphs, operators = int(stats.get("unique_graphs", 0)), int(stats.get("calls_captured", 0))
    compiles = getattr(torch._dynamo.convert_frame, "FRAME_COMPILE_COUNTER", {})
    found = {
        "graphs": graphs,
        "operators": operators,
        "graph_breaks": sum(breaks.values()) + sum(given_up.values()),
        "break_reasons": [str(reason)[:200] for reason in [*breaks, *given_up][:3]],
        "recompiles": sum(max(0, int(count) - 1) for count in compiles.values()),
        "skipped_options": list(_skipped),
    }
    metrics = _metrics()
    if metrics is not None and metrics.generated_kernel_count:
        found.update(
            kernels=metrics.generated_kernel_count,
            vectorised=getattr(metrics, "generated_cpp_vec_kernel_count", 0),
            fused_from=getattr(metrics, "ir_nodes_pre_fusion", 0),
        )
    found["pattern_matches"] = inductor.get("pattern_matcher_count", 0)
    found["fallbacks"] = sum(count for key, count in inductor.items() if "fallback" in key or key == "extern_calls")
    found["inductor"] = inductor
    found["engaged"] = graphs > 0 and operators > 0 and not found["graph_breaks"]
    return found


def _leave_guards_untimed() -> None:
    """Dynamo times the guards of everything it compiles, for a debug log, after it has flushed the processor's cache:
    a third of the CPU of a case of ten operations on dynamo alone. It changes nothing that is compiled."""
    from torch._dynamo import guards

    if hasattr(guards, "profile_guard_manager"):
        setattr(guards, "profile_guard_manager", lambda *_: 0.0)  # noqa: B010 -- the checker wants the C++ function's type


class _Object:
    """What the program over Python of the warm-up reads."""

    def __init__(self) -> None:
        self.items = [3, 1, 2]

    @property
    def size(self) -> int:
        return len(self.items)

    def raises(self) -> None:
        raise ValueError("caught")

    def __enter__(self) -> None:
        self.items.append(0)

    def __exit__(self, *raised: object) -> None:
        self.items.pop()


def warm(backend: Any) -> dict[str, str]:
    """Compile a program of many kinds of operations, so that what a child needs is imported and initialised before a
    fork. Raises what an installation lacks; a compiler that fails at this program is there to be tested.

    What is first used in a child is paid for again in every child: 0.25 seconds with aot_eager_decomp.
    """

    _leave_guards_untimed()
    torch_shortcuts.silence_dynamo()

    def program(x: Any, weight: Any, index: Any) -> Any:
        y = torch.relu(torch.nn.functional.conv2d(x, weight)) * 2
        a = y.permute(0, 2, 3, 1).contiguous().view(-1, 4)
        b = torch.cat([a, a.sin().flip(0)], -1).sum(-1, keepdim=True)
        c = torch.softmax(a @ a.t(), -1)
        d = torch.zeros(7).scatter_add(0, index, index.float())
        e = x.clone()
        e[:, 0].add_(1)
        f = torch.where(x > 0, x, x.to(torch.bfloat16).float()).to(torch.int32).amax(-1)
        return b, c, d, e, f, x.var(-1), a[index], x[..., ::2], x.transpose(0, 1).reshape(3, -1).tanh()

    def arguments(width: int, training: bool) -> tuple[Any, ...]:
        x = torch.ones(2, 3, 4, width, requires_grad=training)
        return x, torch.ones(4, 3, 1, 1, requires_grad=training), torch.tensor([0, 1, 3])

    def python(x: Any, count: int, made: Any) -> Any:
        # A frame that breaks, goes on and is compiled again, and what Dynamo imports when it first meets an object.
        found = {"a": [count, *made.items], "b": {count}}
        try:
            made.raises()
        except ValueError as error:
            found["a"].append(len(error.args))
        torch._dynamo.graph_break()
        with torch.no_grad(), warnings.catch_warnings(), made:
            x = x * made.size + sum(value for value in found["a"])
        return x.reshape(-1)[: x.shape[0]], sorted(found["a"], key=lambda value: -value), f"{count:>4}", iter([1, 2])

    def derived(x: Any) -> Any:
        # The first derivative in forward mode compiles decompositions, half a second.
        rows = torch.func.vmap(torch.func.grad(lambda row: (row * row.exp()).sum()))(x)
        return rows, torch.func.jvp(torch.sin, (x,), (rows,)), torch.cond(x.sum() > 0, torch.sin, torch.cos, (x,))

    try:
        for count in (1, 2):
            torch.compile(python, backend=backend)(torch.ones(2 + count, 3), count, _Object())
        torch.compile(derived, backend=backend)(torch.ones(2, 3))
        with torch.no_grad():
            torch.compile(program, backend=backend)(*arguments(5, False))
        out = torch.compile(program, backend=backend)(*arguments(5, True))
        torch.autograd.backward([out[0].sum(), out[1].sum(), out[8].sum()])
        with torch.no_grad():
            torch.compile(program, backend=backend, dynamic=True)(*arguments(6, False))
    except Exception as error:
        return failed(error)
    finally:
        reset()
    return {}


def failed(error: Exception, lacking: tuple[str, ...] = ()) -> dict[str, str]:
    """What a backend says of itself when its warm-up raised; raises the error where the installation is to blame: a
    missing module, or a cause of a type that ``lacking`` names."""
    cause: BaseException | None = error
    while cause is not None:
        if type(cause).__name__ in lacking:
            raise error
        cause = cause.__cause__ or cause.__context__
    if isinstance(error, ImportError) or isinstance(error.__cause__, ImportError):
        raise error
    first = next((line.strip() for line in str(error).splitlines() if line.strip()), "")
    return {"warm_up": f"{type(error).__name__}: {first}"}


def folder() -> str:
    """The worker's own temporary folder."""
    return os.environ["ASSAY_WORKER_FOLDER"]
