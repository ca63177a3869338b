"""Exceptions: statements in try blocks and handlers, results that travel in exceptions, chains, suppression."""

from __future__ import annotations

from assay.transforms.registry import Writing, run, value


def _error(w: Writing) -> str:
    return w.define(
        "Carried", "class {}(Exception):", "    def __init__(self, result=None):",
        "        super().__init__('carried')",
        "        self.result = result",
    )  # fmt: skip


@run("exceptions.finally_", extras=("str",))
def finally_(w: Writing) -> list[str]:
    """A finally runs after the statements, whatever they did."""
    log = w.fresh("log")
    return [f"{log} = []", "try:", *w.indented(), "finally:", f"    {log}.append('finally')",
            f"{w.extras[0]} = str({log})"]  # fmt: skip


@run("exceptions.else_", extras=("str",))
def else_(w: Writing) -> list[str]:
    """What stands in else runs where nothing was raised; then the finally."""
    log = w.fresh("log")
    return [
        f"{log} = []", "try:", f"    {log}.append('try')", "except ValueError:", f"    {log}.append('except')",
        "else:", *w.indented(), f"    {log}.append('else')", "finally:", f"    {log}.append('finally')",
        f"{w.extras[0]} = str({log})",
    ]  # fmt: skip


@run("exceptions.in_handler")
def in_handler(w: Writing) -> list[str]:
    """What is raised at once is caught, and the handler runs the statements."""
    return ["try:", "    raise ValueError('at once')", "except (KeyError, ValueError):", *w.indented()]


@run("exceptions.in_finally")
def in_finally(w: Writing) -> list[str]:
    """The statements stand in the finally of a block that does nothing."""
    return ["try:", "    pass", "finally:", *w.indented()]


@run("exceptions.carried")
def carried(w: Writing) -> list[str]:
    """The results arrive as an attribute of the exception."""
    error, caught, results = _error(w), w.fresh("caught"), w.fresh("results")
    return [
        "try:",
        *w.indented(),
        f"    raise {error}({w.packed if w.targets else '()'})",
        f"except {error} as {caught}:",
        f"    {results} = {caught}.result",
        w.unpack(results),
    ]


@run("exceptions.through_calls")
def through_calls(w: Writing) -> list[str]:
    """An exception passes through functions, whose finally blocks run, to the handler of its base class."""
    c = w.fresh("caught")
    f, g, error = w.fresh("inner"), w.fresh("outer"), _error(w)
    results = w.fresh("results")
    return [
        *w.def_(f, before=[]),
        f"def {g}(depth):",
        "    try:",
        "        if depth:",
        f"            return {g}(depth - 1)",
        f"        raise {error}({f}())",
        "    finally:",
        "        depth = None",
        "try:",
        f"    {g}({w.number % 4})",
        f"except Exception as {c}:",
        f"    {results} = {c}.result",
        w.bind(results),
    ]


@run("exceptions.raise_from", extras=("str",))
def raise_from(w: Writing) -> list[str]:
    """The cause is what ``from`` names, the context what was being handled."""
    c = w.fresh("caught")
    error = _error(w)
    return [
        "try:",
        "    try:",
        "        {}['missing']",
        "    except KeyError as missing:",
        f"        raise {error}() from missing",
        f"except {error} as {c}:",
        *w.indented(),
        f"    {w.extras[0]} = repr((type({c}.__cause__), {c}.__context__ is {c}.__cause__))",
    ]


@run("exceptions.context_suppressed", extras=("str",))
def context_suppressed(w: Writing) -> list[str]:
    """``from None`` keeps the context and says that it is not shown."""
    c = w.fresh("caught")
    return [
        "try:",
        "    try:",
        "        [][1]",
        "    except IndexError:",
        "        raise ValueError('second') from None",
        f"except ValueError as {c}:",
        *w.indented(),
        f"    {w.extras[0]} = repr(({c}.__suppress_context__, {c}.__cause__, type({c}.__context__), {c}.args))",
    ]


@run("exceptions.reraised")
def reraised(w: Writing) -> list[str]:
    """A bare raise raises what is handled, and the outer handler catches it."""
    return [
        "try:", "    try:", "        int('no number')", "    except ValueError:", "        raise",
        "except ValueError:", *w.indented(),
    ]  # fmt: skip


@run("exceptions.hierarchy")
def hierarchy(w: Writing) -> list[str]:
    """The first handler of a base class of what was raised is the one."""
    derived = w.define(
        "Derived", "class {}(KeyError, ValueError):", "    pass",
    )  # fmt: skip
    return [
        "try:", f"    raise {derived}('both')", "except IndexError:", "    raise AssertionError",
        "except LookupError:", *w.indented(), "except ValueError:", "    raise AssertionError",
    ]  # fmt: skip


@run("exceptions.dead_handler")
def dead_handler(w: Writing) -> list[str]:
    """Nothing is raised, so the handlers do not run."""
    c = w.fresh("caught")
    dead = [f"    {name} = None" for name in w.targets]
    return ["try:", *w.indented(), f"except AssertionError as {c}:", *dead, f"    raise RuntimeError from {c}"]


@run("exceptions.finally_returns")
def finally_returns(w: Writing) -> list[str]:
    """A return in finally takes the place of what was being raised."""
    f = w.fresh("inner")
    return [
        f"def {f}():",
        "    try:",
        "        raise ValueError",
        "    finally:",
        *w.indented(2),
        f"        {w.returned}",
        w.bind(f"{f}()"),
    ]


@run("exceptions.group")
def group(w: Writing) -> list[str]:
    """``except*`` takes the part of a group that is of its class."""
    return [
        "try:",
        "    raise ExceptionGroup('both', [ValueError(1), ValueError(2)])",
        "except* ValueError:",
        *w.indented(),
    ]


@run("exceptions.stop_iteration")
def stop_iteration(w: Writing) -> list[str]:
    """Asking an exhausted iterator raises StopIteration."""
    return ["try:", "    next(iter(()))", "except StopIteration:", *w.indented()]


@run("exceptions.loop_retry", extras=("int",))
def loop_retry(w: Writing) -> list[str]:
    """Every attempt but the last raises; the last runs the statements and leaves the loop."""
    attempt = w.fresh("attempt")
    return [
        f"for {attempt} in range(5):", "    try:", f"        if {attempt} < {w.number % 4}:",
        "            raise RuntimeError('again')", "    except RuntimeError:", "        continue",
        *w.indented(), "    break", f"{w.extras[0]} = {attempt}",
    ]  # fmt: skip


@run("exceptions.attribute_error")
def attribute_error(w: Writing) -> list[str]:
    """Without the attribute, asking raises, and hasattr says no."""
    bare = w.define("Bare", "class {}:", "    __slots__ = ()")
    return [
        "try:", f"    {bare}().missing", "except AttributeError:", f"    if not hasattr({bare}(), 'missing'):",
        *w.indented(2),
    ]  # fmt: skip


@run("exceptions.notes", extras=("str",))
def notes(w: Writing) -> list[str]:
    """Notes are kept with the exception, in order."""
    c = w.fresh("caught")
    return [
        "try:", "    raise ValueError('noted')", f"except ValueError as {c}:", f"    {c}.add_note('one')",
        *w.indented(), f"    {w.extras[0]} = str({c}.__notes__) + str({c})",
    ]  # fmt: skip


@value("exceptions.argument")
def argument(w: Writing) -> list[str]:
    """The arguments of an exception are a tuple of what it was made with."""
    return [f"ValueError('text', {w.value}).args[1]"]


@value("exceptions.raised_value")
def raised_value(w: Writing) -> list[str]:
    """What is handled is what was raised."""
    c = w.fresh("caught")
    kept = w.fresh("kept")
    return ["try:", f"    raise LookupError({w.value})", f"except LookupError as {c}:", f"    {kept} = {c}.args[0]",
            kept]  # fmt: skip


@value("exceptions.missing_key")
def missing_key(w: Writing) -> list[str]:
    """Where the key is missing, the handler gives the value."""
    kept = w.fresh("kept")
    return ["try:", f"    {kept} = {{'a': None}}['b']", "except KeyError:", f"    {kept} = {w.value}", kept]
