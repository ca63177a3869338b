"""Inductor in a worker: warm-up that leaves every precompiled header behind, and clearing of its caches between
cases."""

from __future__ import annotations

from typing import Any

from . import torch_backends, torch_cxx, torch_merge, torch_shortcuts


def prepare() -> dict[str, Any]:
    """Compile one vectorised kernel and one that cannot be, forward and backward: their flags differ, and so do
    their headers."""
    import torch._inductor.compile_fx
    import torch._inductor.config as config
    import torch._inductor.metrics

    config.fx_graph_cache = False
    config.compile_threads = 1
    quiet = torch_cxx.install()

    def scalar(x: Any, index: Any) -> Any:
        return x[index] + 1

    said: dict[str, str] = {}
    try:
        with torch.no_grad():
            torch.compile(scalar, backend="inductor")(torch.arange(7), torch.tensor([1, 2]))
    except Exception as error:
        # That not even this one can be compiled is the machine's compiler.
        said = torch_backends.failed(error, lacking=("InvalidCxxCompiler", "CppCompileError"))
    finally:
        reset()
    merged = torch_merge.MERGER.install()
    shortcuts = torch_shortcuts.install()
    said |= torch_backends.warm("inductor")
    reset()
    shortened = {"quiet_compiler": quiet, "merged_kernels": merged, "shortcuts": shortcuts}
    return {**shortened, "vector_isa": _vector_isa(), **said}


def _vector_isa() -> str:
    """The instructions that kernels are vectorised for; a set-up that lost them would test half of the code
    generator."""
    try:
        from torch._inductor.cpu_vec_isa import pick_vec_isa
    except ImportError:
        return "unknown"
    return str(pick_vec_isa())


def reset() -> None:
    """Forget compiled code, in memory too, so that a cleaned folder is never referred to."""
    torch_backends.reset()
    torch_merge.MERGER.clear()
    from torch._inductor import codecache

    for name in ("PyCodeCache", "CppCodeCache", "CppPythonBindingsCodeCache", "CppWrapperCodeCache"):
        cache = getattr(codecache, name, None)
        if cache is not None and hasattr(cache, "cache_clear"):
            cache.cache_clear()
