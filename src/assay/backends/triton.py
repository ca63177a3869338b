"""Triton: kernels under its interpreter, against eager torch; or compiled for a GPU of one of two vendors, and run
where there is one."""

from __future__ import annotations

import builtins
import linecache
import os
import random
import re
import sys
import types
from collections.abc import Callable
from typing import Any

NAMES = ("triton",)
PREFIX = None
FRAMEWORK = "torch"
PACKAGES = ("triton", "torch")
RUNG = 4
DEAR = False
GRAPH_ONLY = True
PROMISES = ()
UNSUPPORTED = ("TritonGap",)

INTERPRETER = "interpreter"
GPUS = ("cuda:80", "cuda:90", "hip:gfx942")
DTYPES = {
    "bool": "i1",
    "uint8": "u8",
    "int8": "i8",
    "int16": "i16",
    "int32": "i32",
    "int64": "i64",
    "float16": "fp16",
    "bfloat16": "bf16",
    "float32": "fp32",
    "float64": "fp64",
}

_GAP = re.compile(
    r"not (?:yet |currently )?(?:be )?(?:supported|implemented)|[Uu]nsupported|does not (?:yet )?support"
    r"|[Oo]nly .{1,60} (?:is |are )?(?:currently )?supported|out of resource"
)
_copies: dict[bool, dict[str, Any]] = {}
_seen: dict[str, Any] = {}


class TritonGap(Exception):
    """What Triton says that it does not support."""


def options(draw: random.Random, training: bool) -> dict[str, Any]:
    """Where kernels go, how large their tiles are, and for a GPU how many warps and stages they have."""
    drawn: dict[str, Any] = {"on": draw.choice((INTERPRETER, INTERPRETER, *GPUS))}
    drawn["block"] = draw.choice((16, 32, 64, 128, 1024))
    drawn["rows"] = draw.choice((1, 2, 4, 16))
    if drawn["on"] != INTERPRETER:
        drawn["warps"] = draw.choice((1, 2, 4, 4, 8))
        drawn["stages"] = draw.choice((1, 2, 3, 4))
        drawn["aligned"] = draw.random() < 0.7
    return drawn


def plan(draw: random.Random, options: dict[str, Any]) -> dict[str, Any]:
    """How a program is parted into kernels, and whether bfloat16 is computed with as it is: the interpreter has no such
    operations (Triton's documentation, "Debugging Triton", limitations)."""
    native = options["on"] != INTERPRETER
    return {"seed": draw.randrange(1000), "fuse": draw.choice((0.3, 0.8, 1.0)), "native": native}


def source(name: str, options: dict[str, Any]) -> str:
    """Python text that defines ``compile_program(program)``, which runs or compiles the kernels of the text around
    it."""
    sizes = f"{options['block']}, {options['rows']}"
    if options["on"] == INTERPRETER:
        lines = [
            "import os",
            "",
            'os.environ["TRITON_INTERPRET"] = "1"',
            "import triton",
            "import triton.language as tl",
            "",
            "",
            "def compile_program(program):",
            "    def launch(kernel, grid, *arguments, **constants):",
            "        kernel[grid](*arguments, **constants)",
            "",
            f"    return lambda *arguments: launched(launch, {sizes}, *arguments)",
        ]
        return "\n".join(lines)
    backend, arch, warp = gpu(options["on"])
    pairs = ", ".join(f"torch.{dtype}: {'*' + short!r}" for dtype, short in DTYPES.items())
    aligned = options.get("aligned")
    lines = [
        "import triton",
        "import triton.language as tl",
        "from triton.backends.compiler import GPUTarget",
        "from triton.compiler import ASTSource",
        "",
        "",
        f"POINTERS = {{{pairs}}}",
        "",
        "",
        "def compile_program(program):",
        "    def launch(kernel, grid, *arguments, **constants):",
        '        types = [POINTERS[each.dtype] if hasattr(each, "dtype") else "i32" for each in arguments]',
        '        signature = dict(zip(kernel.arg_names, types + ["constexpr"] * len(constants)))',
        *(
            ['        attrs = {(k,): [["tt.divisibility", 16]] for k, each in enumerate(types) if each[0] == "*"}']
            if aligned
            else []
        ),
        f"        source = ASTSource(kernel, signature, constants{', attrs' if aligned else ''})",
        f"        target = GPUTarget({backend!r}, {arch!r}, {warp})",
        "        triton.compile(source, target=target, options="
        f'{{"num_warps": {options["warps"]}, "num_stages": {options["stages"]}}})',
        "",
        "    def run(*arguments):",
        f"        launched(launch, {sizes}, *arguments)",
        "        # What was compiled is not run.",
        "        return program(*arguments)",
        "",
        "    return run",
    ]
    return "\n".join(lines)


def gpu(on: str) -> tuple[str, int | str, int]:
    """What Triton calls a target: its backend, architecture and lanes in a warp."""
    backend, _, arch = on.partition(":")
    return (backend, int(arch), 32) if backend == "cuda" else (backend, arch, 64)


def prepare(name: str) -> dict[str, Any]:
    """Import Triton twice, since whether kernels are interpreted is decided where it is imported; run and compile a
    trivial kernel. Raises ImportError."""
    os.environ.setdefault("TRITON_DEFAULT_FP_FUSION", "1")
    # A kernel that was compiled before would hide that the compiler under test has changed.
    os.environ["TRITON_ALWAYS_COMPILE"] = "1"
    for interpreted in (False, True):
        _load(interpreted)
    import torch
    import triton

    has = "run on " + torch.cuda.get_device_name() if _has_gpu() else "compiled, not run: there is no GPU here"
    return {"version": triton.__version__, "gpu": f"kernels for a GPU are {has}"}


def _load(interpreted: bool) -> None:
    """Import a copy of Triton of its own; its library is loaded once."""
    _leave()
    os.environ["TRITON_INTERPRET"] = str(int(interpreted))
    import triton
    import triton.backends.compiler
    import triton.compiler
    import triton.language
    import triton.runtime.interpreter  # noqa: F401

    _copies[interpreted] = {each: module for each, module in sys.modules.items() if _is_triton(each)}


def _is_triton(name: str) -> bool:
    return name == "triton" or (name.startswith("triton.") and not name.startswith("triton._C"))


def _leave() -> None:
    for each in [each for each in sys.modules if _is_triton(each)]:
        del sys.modules[each]


def _enter(interpreted: bool) -> None:
    """Have imports find a copy."""
    _leave()
    sys.modules.update(_copies[interpreted])
    os.environ["TRITON_INTERPRET"] = str(int(interpreted))


def _has_gpu() -> bool:
    import torch

    return bool(torch.cuda.is_available())


def compile(program: Callable[..., Any], name: str, options: dict[str, Any]) -> Callable[..., Any]:
    """The kernels of the program's module as a function of its arguments. Raises TritonGap."""
    interpreted = options["on"] == INTERPRETER
    file = program.__code__.co_filename
    os.environ["TRITON_CACHE_DIR"] = os.path.join(os.environ.get("TORCHINDUCTOR_CACHE_DIR", "/tmp"), "triton")
    _enter(interpreted)
    # The text once more, with the copy of Triton that it is meant for.
    module = types.ModuleType("kernels")
    exec(_compile("".join(linecache.getlines(file)), file, "exec"), module.__dict__)
    _seen.update(on=options["on"], kernels=0, ran=interpreted)
    launch = _interpret if interpreted else _Compiler(options)

    def run(*arguments: Any) -> Any:
        try:
            made = module.launched(launch, options["block"], options["rows"], *arguments)
        except Exception as error:
            raise _declared(error) from None
        if interpreted:
            return made
        if not _has_gpu():
            # Compiled, and there is nothing to run it on.
            return program(*arguments)
        return _on_gpu(module, options, arguments)

    return run


_compile = builtins.compile


def _interpret(kernel: Any, grid: Any, *arguments: Any, **constants: Any) -> None:
    kernel[grid](*arguments, **constants)
    _seen["kernels"] += 1


class _Compiler:
    """Compiles what it is to launch."""

    def __init__(self, options: dict[str, Any]) -> None:
        self.options = options

    def __call__(self, kernel: Any, grid: Any, *arguments: Any, **constants: Any) -> None:
        import torch
        import triton
        from triton.backends.compiler import GPUTarget
        from triton.compiler import ASTSource

        pointers = {getattr(torch, dtype): "*" + short for dtype, short in DTYPES.items()}
        types = [pointers[each.dtype] if hasattr(each, "dtype") else "i32" for each in arguments]
        signature = dict(zip(kernel.arg_names, types + ["constexpr"] * len(constants), strict=False))
        attrs = {}
        if self.options.get("aligned"):
            attrs = {(k,): [["tt.divisibility", 16]] for k, each in enumerate(types) if each[0] == "*"}
        settings = {"num_warps": self.options["warps"], "num_stages": self.options["stages"]}
        target = GPUTarget(*gpu(self.options["on"]))
        triton.compile(ASTSource(kernel, signature, constants, attrs), target=target, options=settings)
        _seen["kernels"] += 1


def _on_gpu(module: Any, options: dict[str, Any], arguments: tuple[Any, ...]) -> Any:
    """The same kernels on the GPU that is here, whatever it is; results come back."""
    from torch.utils._pytree import tree_map

    def launch(kernel: Any, grid: Any, *given: Any, **constants: Any) -> None:
        kernel[grid](*given, **constants, num_warps=options["warps"], num_stages=options["stages"])

    def moved(device: str) -> Callable[[Any], Any]:
        return lambda leaf: leaf.to(device) if hasattr(leaf, "device") else leaf

    try:
        made = module.launched(launch, options["block"], options["rows"], *tree_map(moved("cuda"), arguments))
    except Exception as error:
        raise _declared(error) from None
    _seen["ran"] = True
    return tree_map(moved("cpu"), made)


def _declared(error: Exception) -> Exception:
    if _GAP.search(str(error)):
        return TritonGap(f"{type(error).__name__}: {error}")
    inner: Any = error
    while isinstance(inner.__cause__, type(error)):
        inner = inner.__cause__
    if hasattr(inner, "error_message"):
        # Its message is the text of the kernel, with what is wrong at the end.
        inner.message = str(inner.error_message or inner.__cause__ or inner.message)
    return inner if isinstance(inner, type(error)) else error


def engagement() -> dict[str, Any]:
    """How many kernels there were, where they went, and whether they ran."""
    return {"engaged": bool(_seen.get("kernels")), **_seen}


def reset() -> None:
    """Forget what was run."""
    _seen.clear()
