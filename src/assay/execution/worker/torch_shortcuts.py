"""What inductor computes again and again, computed once or more cheaply, with the same result: the kernels that it
generates are the same to the letter. And what Dynamo writes into logs that nobody reads, left out.

A case that runs alone (which confirms a finding) and the script of a finding take inductor's own way, as with
`torch_merge`.
"""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable
from typing import Any

_enabled = True


def enable(wanted: bool) -> None:
    """Whether shortcuts are taken from now on."""
    global _enabled
    _enabled = wanted
    # Dynamo looks for garbage after every frame that it compiles, a fortieth of the CPU of a program over Python.
    config = sys.modules.get("torch._dynamo.config")
    if config is not None and getattr(config, "run_gc_after_compile", None) is wanted:
        config.run_gc_after_compile = not wanted


def install() -> list[str]:
    """Put the shortcuts in place; the names of those that this release of inductor has a place for."""
    return [shortcut.__name__.strip("_") for shortcut in (_strides, _dtype_rules) if shortcut()]


def silence_dynamo() -> None:
    """Leave out of Dynamo's logs the stack above each graph break, and the settings of the compiler as text, made for
    every frame that is compiled: together a twelfth of the CPU of a program over Python."""
    from torch._dynamo import exc, utils

    def leave_out(module: Any, name: str, instead: Callable[[], Any]) -> None:
        current = getattr(module, name, None)
        if current is None:
            return
        # `assay check` loads a worker's modules into the process of a user a second time: the last that asks decides.
        original = getattr(current, "in_full", current)

        def shortened() -> Any:
            return instead() if _enabled else original()

        shortened.in_full = original  # type: ignore[attr-defined]
        setattr(module, name, shortened)

    leave_out(exc, "_extract_stack_with_positions", traceback.StackSummary)
    for family in ("_get_dynamo_config", "_scrubbed_inductor_config", "_compiler_config", "_functorch_config"):
        leave_out(utils, f"{family}_for_logging", lambda: None)


def _strides() -> bool:
    """By how much an index grows with a loop variable, asked for every index of every kernel that may be vectorised.

    Inductor has sympy simplify the whole index twice for that, which was a fifth of its Python time, and nine tenths
    where a pooling's bounds (Min, Max) are in the index. Terms without the variable do not grow with it, so they are
    left out first: what remains is short, and is the same for many indices, so that inductor's own cache knows it.
    Integer multiples of the variable need no simplification at all.
    """
    try:
        import sympy
        from torch._inductor.codegen import cpp

        original: Any = cpp.stride_at_vec_range
    except (ImportError, AttributeError):
        return False

    def stride_at_vec_range(index: Any, var: Any, vec_length: Any = None) -> Any:
        if not _enabled or index.has(sympy.Rel):
            return original(index, var, vec_length)
        terms = [term for term in sympy.Add.make_args(index) if var in term.free_symbols]
        factors = [factor for term in terms if (factor := _factor(term, var)) is not None]
        if len(factors) == len(terms):
            return sympy.Integer(sum(factors))
        return original(sympy.Add(*terms), var, vec_length)

    cpp.stride_at_vec_range = stride_at_vec_range
    return True


def _factor(term: Any, var: Any) -> int | None:
    """The integer of a term that is an integer multiple of ``var``."""
    if term == var:
        return 1
    if term.is_Mul and len(term.args) == 2 and term.args[0].is_Integer and term.args[1] == var:
        return int(term.args[0])
    return None


def _dtype_rules() -> bool:
    """The rules of dtypes: one object for all, whose 200 attributes are set anew for every operation of every kernel,
    a twenty-fifth of inductor's Python time. They change only when rules are added."""
    try:
        from torch._inductor import utils
        from torch._inductor.dtype_propagation import DtypePropagationOpsHandler as Handler

        original: Any = Handler.__init__
        rules = utils.op_dtype_propagation_rules
        if "_instance" not in vars(Handler):
            return False
    except (ImportError, AttributeError):
        return False
    known = -1

    def __init__(self: Any) -> None:
        nonlocal known
        if not _enabled or len(rules) != known:
            original(self)
            known = len(rules)

    Handler.__init__ = __init__  # type: ignore[method-assign]
    return True
