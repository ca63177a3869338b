"""What the backends of the torch.compile family share: compiling with options, counters, and putting everything
back."""

from __future__ import annotations

import importlib
import os
from typing import Any

import torch
import torch._dynamo

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


def unknown_settings(keys: tuple[str, ...]) -> list[str]:
    """Those of ``keys`` that this release does not have."""
    return [key for key in keys if _owner(key) is None]


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
    stats = counters.get("stats", {})
    inductor = {key: int(count) for key, count in counters.get("inductor", {}).items()}
    graphs, operators = int(stats.get("unique_graphs", 0)), int(stats.get("calls_captured", 0))
    compiles = getattr(torch._dynamo.convert_frame, "FRAME_COMPILE_COUNTER", {})
    found = {
        "graphs": graphs,
        "operators": operators,
        "graph_breaks": sum(breaks.values()),
        "break_reasons": [str(reason)[:200] for reason in list(breaks)[:3]],
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


def warm(backend: Any, training: bool = True) -> None:
    """Compile trivial programs, so that everything which a child needs is imported and initialised before the first
    fork."""

    def pointwise(x: Any) -> Any:
        return (torch.relu(x) * x).sum(-1)

    try:
        with torch.no_grad():
            torch.compile(pointwise, backend=backend)(torch.ones(4, 20))
        if training:
            out = torch.compile(pointwise, backend=backend)(torch.ones(4, 20, requires_grad=True))
            out.sum().backward()
            torch.compile(pointwise, backend=backend, dynamic=True)(torch.ones(4, 21))
    finally:
        reset()


def folder() -> str:
    """The worker's own temporary folder."""
    return os.environ["ASSAY_WORKER_FOLDER"]
