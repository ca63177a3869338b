"""A cheaper link of inductor's kernels: what is compiled is unchanged, and what is linked is the same at run time.

Linking one small kernel spends a third of its CPU time reading the symbols of the framework's libraries, and a tenth
goes into printing warnings that nobody reads. The link is done against empty libraries of the same names (and sonames),
so the kernel needs and finds the real ones when it is loaded. Measured for one kernel with a precompiled header, g++
12: 1.15 s of CPU before, 0.7 s after.
"""

from __future__ import annotations

import os
import subprocess
from typing import Any

LIBRARIES = ("torch", "torch_cpu", "torch_python")


def _stub_libraries(folder: str, compiler: str) -> str | None:
    """A folder of empty libraries; None where the compiler does not make them."""
    stubs = os.path.join(folder, "stubs")
    os.makedirs(stubs, exist_ok=True)
    for name in LIBRARIES:
        command = [compiler, "-shared", "-nostdlib", "-x", "c++", os.devnull, f"-Wl,-soname,lib{name}.so"]
        made = subprocess.run([*command, "-o", os.path.join(stubs, f"lib{name}.so")], capture_output=True, check=False)
        if made.returncode != 0:
            return None
    return stubs


def install(folder: str) -> bool:
    """Have inductor link its kernels so, where this release builds them as we know it. Says whether it does."""
    import torch
    from torch._inductor import cpp_builder

    run: Any = getattr(cpp_builder, "run_compile_cmd", None)
    if run is None or os.uname().sysname != "Linux":
        return False
    try:
        stubs = _stub_libraries(folder, os.environ.get("CXX", "g++"))
    except OSError:
        return False
    if stubs is None:
        return False
    libraries = f"-L{os.path.join(os.path.dirname(torch.__file__), 'lib')}"

    def run_cheaper(command: str, *rest: Any, **named: Any) -> Any:
        if " -shared " in command and libraries in command and "-ltorch_cpu" in command:
            try:
                return run(command.replace(libraries, f"-L{stubs} {libraries} -w"), *rest, **named)
            except Exception:
                pass
        return run(command, *rest, **named)

    cpp_builder.run_compile_cmd = run_cheaper
    return True
