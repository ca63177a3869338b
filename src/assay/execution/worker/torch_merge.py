"""All C++ kernels of a graph in one translation unit: one run of the compiler where inductor makes one a kernel.

A run of g++ costs 0.7 s before it sees the first line of a kernel, and a program of fifty operations has a dozen
kernels. The kernels
and the flags are inductor's own; what changes is that their functions get names of their own, that they are compiled
together, and that
they are called through ctypes and not through inductor's generated binding. A case that runs alone (which confirms a
finding) and the
script of a finding use inductor's own way.
"""

from __future__ import annotations

import ctypes
import re
from typing import Any, ClassVar

_ENTRY = re.compile(r'extern "C"\s+void\s+kernel\(')
_MESSAGE_BYTES = 1024
_PREFIX = """
#include <exception>
#include <cstring>
"""
_WRAPPER = """
extern "C" int assay_call_{number}(void** pointers, const int64_t* integers, char* message) {{
    try {{
        kernel_{number}({arguments});
        return 0;
    }} catch (const std::exception& error) {{
        std::strncpy(message, error.what(), {last});
        return 1;
    }}
}}
"""


class Kernel:
    """A kernel that is compiled with the others of its graph, or by itself if it is called before."""

    def __init__(self, argtypes: list[str], source: str, alone: Any) -> None:
        self.argtypes, self.source, self.alone = argtypes, source, alone
        self.function: Any = None

    def __call__(self, *arguments: Any) -> Any:
        if self.function is None:
            self.function = self.alone()
        return self.function(*arguments)


class Merger:
    """Collects the kernels of a module while inductor loads it, and compiles them when it waits for them."""

    def __init__(self) -> None:
        self.enabled = True
        self.used = False  # since whoever asks set it so
        self.pending: list[Kernel] = []
        self._known: dict[str, Any] = {}
        self._cache: Any = None

    def install(self) -> bool:
        """Put this between inductor and its compiler. False where this release's inductor is not as we know it."""
        try:
            from torch._inductor.async_compile import AsyncCompile
            from torch._inductor.codecache import CppCodeCache, CppPythonBindingsCodeCache

            bind, wait = AsyncCompile.cpp_pybinding, AsyncCompile.wait
        except (ImportError, AttributeError):
            return False

        class MergedCodeCache(CppCodeCache):
            cache: ClassVar[dict[str, Any]] = {}
            cpp_compile_command_flags = CppPythonBindingsCodeCache.cpp_compile_command_flags
            _get_uncompiled_header = CppPythonBindingsCodeCache._get_uncompiled_header

        self._cache = MergedCodeCache

        def cpp_pybinding(compiler: Any, argtypes: list[str], source_code: str) -> Any:
            known = all(argtype.rstrip().endswith(("*", "int64_t")) for argtype in argtypes)
            if not self.enabled or not known or len(_ENTRY.findall(source_code)) != 1:
                return bind(compiler, argtypes, source_code)
            kernel = Kernel(argtypes, source_code, lambda: bind(compiler, argtypes, source_code))
            self.pending.append(kernel)
            return kernel

        def wait_for_all(compiler: Any, scope: Any) -> None:
            pending, self.pending = self.pending, []
            self._compile(pending)
            wait(compiler, scope)

        AsyncCompile.cpp_pybinding = cpp_pybinding  # type: ignore[method-assign]
        AsyncCompile.wait = wait_for_all  # type: ignore[method-assign]
        return True

    def clear(self) -> None:
        """Forget what was compiled, with the folder that held it."""
        self.pending = []
        self._known.clear()
        if self._cache is not None:
            self._cache.cache.clear()

    def _compile(self, kernels: list[Kernel]) -> None:
        """Compile what this case has not compiled before: a recompilation repeats most kernels as they were."""
        new = list({kernel.source: kernel for kernel in kernels if kernel.source not in self._known}.values())
        if len(new) == 1:
            # One kernel alone is compiled as inductor would.
            self._known[new[0].source] = new[0].alone()
        elif new:
            self.used = True
            library = self._cache.load(_PREFIX + "".join(_renamed(kernel, number) for number, kernel in enumerate(new)))
            for number, kernel in enumerate(new):
                self._known[kernel.source] = _caller(getattr(library, f"assay_call_{number}"), kernel.argtypes)
        for kernel in kernels:
            kernel.function = self._known[kernel.source]


def _renamed(kernel: Kernel, number: int) -> str:
    """A kernel's text under a name of its own, with the function that calls it."""
    includes, rest = [], []
    for line in _ENTRY.sub(f'extern "C" void kernel_{number}(', kernel.source).splitlines():
        (includes if line.lstrip().startswith("#include") else rest).append(line)
    arguments = [
        f"static_cast<{argtype}>(pointers[{position}])" if argtype.rstrip().endswith("*") else f"integers[{position}]"
        for position, argtype in enumerate(kernel.argtypes)
    ]
    body = "\n".join([*includes, f"namespace assay_{number} {{", *rest])
    call = _WRAPPER.format(number=number, arguments=", ".join(arguments), last=_MESSAGE_BYTES - 1)
    return f"{body}\n{call}}}\n"


def _caller(function: Any, argtypes: list[str]) -> Any:
    """Call a compiled kernel with tensors and integers."""
    count = len(argtypes)
    is_pointer = [argtype.rstrip().endswith("*") for argtype in argtypes]
    pointers_type, integers_type = ctypes.c_void_p * count, ctypes.c_int64 * count
    function.restype = ctypes.c_int

    def call(*arguments: Any) -> None:
        pointers, integers = pointers_type(), integers_type()
        for position, argument in enumerate(arguments):
            if is_pointer[position]:
                pointers[position] = argument.data_ptr()
            else:
                integers[position] = int(argument)
        message = ctypes.create_string_buffer(_MESSAGE_BYTES)
        if function(pointers, integers, message):
            raise RuntimeError(message.value.decode("utf-8", "replace"))

    return call


MERGER = Merger()
