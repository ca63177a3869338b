"""Inductor's calls of the C++ compiler: without warnings, a tenth of a kernel's CPU goes into printing what nobody
reads; or refused, where what is looked for shows before there is code.

The compiled code is the same. Other linkers than GNU ld (gold, for one) save nothing.
"""

from __future__ import annotations

from typing import Any

_forbidden = False


class CodeReached(RuntimeError):
    """The compiler would have begun here, and was not to: what is looked for shows before, or not at all."""


def forbid(none: bool) -> None:
    """Whether inductor's C++ may not be compiled from now on."""
    global _forbidden
    _forbidden = none


def install() -> bool:
    """Put this between inductor and its compiler. False where this release calls it in another way."""
    try:
        from torch._inductor import cpp_builder

        run: Any = cpp_builder.run_compile_cmd
    except (ImportError, AttributeError):
        return False

    def run_quietly(command: str, *rest: Any, **named: Any) -> Any:
        if _forbidden:
            raise CodeReached("no machine code is made in this run")
        if " -shared " in command and " -o " in command:
            try:
                return run(f"{command} -w", *rest, **named)
            except Exception:
                # Whatever went wrong, the case sees what the unchanged command does.
                pass
        return run(command, *rest, **named)

    cpp_builder.run_compile_cmd = run_quietly
    return True
