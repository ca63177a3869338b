"""Exceptions: which, from what, through which clauses, and what was done on the way."""

from __future__ import annotations

from assay.generate.python.feature import feature

FEATURES = (
    feature("exception.finally order", "log:list r:object", """
def @f(log, v):
    try:
        log.append("try")
        if v > 2:
            raise KeyError(v)
        return "returned"
    except KeyError as error:
        log.append(("except", error.args))
        return "caught"
    else:
        log.append("else")
    finally:
        log.append("finally")
---
@log = []
@r = (@f(@log, $int), @f(@log, 3))
"""),
    feature("exception.finally overrides", "r:tuple", """
def @f():
    try:
        raise ValueError("lost")
    finally:
        return "finally wins"

def @g():
    for number in range(3):
        try:
            continue
        finally:
            if number == 1:
                break
    return number
---
@r = (@f(), @g())
"""),
    feature("exception.from", "e:object r:tuple", """
try:
    try:
        {}["missing"]
    except KeyError as inner:
        raise ValueError("outer") from inner
except ValueError as error:
    @e = error
@r = (type(@e.__cause__).__name__, @e.__suppress_context__, type(@e.__context__).__name__)
"""),
    feature("exception.context", "e:object r:tuple", """
try:
    try:
        [][1]
    except IndexError:
        int("x")
except ValueError as error:
    @e = error
@r = (@e.__cause__ is None, type(@e.__context__).__name__)
"""),
    feature("exception.from none", "e:object r:tuple", """
try:
    try:
        1 // 0
    except ZeroDivisionError:
        raise RuntimeError("hidden", 4) from None
except RuntimeError as error:
    @e = error
@r = (@e.args, @e.__suppress_context__, @e.__cause__)
"""),
    feature("exception.own class", "e:object r:tuple", """
class @Error(ValueError):
    def __init__(self, code, *, note="none"):
        self.code, self.note = code, note

class @Narrow(@Error):
    pass
---
try:
    raise @Narrow($int, note=$str)
except @Error as error:
    @e = error
@r = (@e.code, @e.note, @e.args, isinstance(@e, ValueError))
"""),
    feature("exception.own text", "e:object r:tuple", """
class @Error(ValueError):
    def __str__(self):
        return f"shown {self.args}"
---
try:
    raise @Error($int)
except ValueError as error:
    @e = error
@r = (str(@e), f"{@e}", @e.args)
""", "builtins.str"),
    feature("exception.own initialiser", "e:object r:tuple", """
class @Error(ValueError):
    def __init__(self, code, *, note="none"):
        super().__init__(code)
        self.code, self.note = code, note

    def __str__(self):
        return f"{self.code}/{self.note}"

class @Narrow(@Error):
    pass
---
try:
    raise @Narrow($int, note=$str)
except @Error as error:
    @e = error
@r = (@e.code, str(@e), @e.args, isinstance(@e, ValueError))
""", breaks=True),
    feature("exception.reraise", "log:list", """
def @f(log):
    try:
        raise LookupError("x")
    except LookupError:
        log.append("seen")
        raise
---
@log = []
try:
    @f(@log)
except Exception as error:
    @log.append(type(error).__name__)
"""),
    feature("exception.name is gone", "r:tuple", """
try:
    raise ValueError
except ValueError as @e:
    @r = ("@e" in locals(),)
@r += ("@e" in locals(),)
""", "builtins.locals"),
    feature("exception.name is read when gone", "r:str", """
try:
    raise ValueError
except ValueError as @e:
    pass
try:
    @e
    @r = "still there"
except NameError as error:
    @r = type(error).__name__
""", breaks=True),
    feature("exception.of several", "r:list", """
@r = []
for @each in ("x", [], {}, None, 3):
    try:
        @r.append(int(@each))
    except (ValueError, TypeError) as error:
        @r.append(type(error).__name__)
    else:
        @r.append("fine")
"""),
    feature("exception.of builtins", "r:list", """
@r = []
for @each in (lambda: [1][5], lambda: {}["k"], lambda: 1 % 0, lambda: int("z"), lambda: (1).missing, lambda: "a" + 1,
              lambda: [].pop(), lambda: next(iter(())), lambda: set().pop(), lambda: (1,).index(2), lambda: len(3)):
    try:
        @each()
    except Exception as error:
        @r.append(type(error).__name__)
"""),
    feature("exception.stop iteration", "r:tuple", """
try:
    next(iter([]))
except StopIteration as stop:
    @r = ("stop", stop.value, stop.args)
""", "builtins.next"),
    feature("exception.assert", "r:object", """
try:
    assert $int < 5000, "too large"
    @r = "passed"
except AssertionError as error:
    @r = error.args
"""),
    feature("exception.assertion raised", "r:object", """
try:
    if $int < 5000:
        raise AssertionError("raised")
    @r = "passed"
except AssertionError as error:
    @r = error.args
"""),
    feature("exception.assert fails", "r:object", """
try:
    assert $int > 5000, "too small"
    @r = "passed"
except AssertionError as error:
    @r = error.args
""", breaks=True),
    feature("exception.suppress", "log:list", """
import contextlib
---
@log = []
with contextlib.suppress(KeyError, IndexError):
    @log.append("before")
    [][3]
    @log.append("never")
@log.append("after")
"""),
    feature("exception.exit replaces", "r:tuple", """
class @M:
    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        raise RuntimeError("from exit")
---
try:
    with @M():
        raise ValueError("first")
except RuntimeError as error:
    @r = (type(error).__name__, type(error.__context__).__name__)
"""),
    feature("exception.loop else", "r:list", """
@r = []
for @n in range(4):
    try:
        if @n == 1:
            continue
        if @n == 3:
            break
        @r.append(@n)
    finally:
        @r.append(("finally", @n))
else:
    @r.append("never")
while @n > 0:
    @n -= 2
else:
    @r.append(@n)
"""),
    feature("exception.tensor in between", "r:object log:list", """
def @f(t, log):
    y = t + 1
    try:
        log.append(int(y.shape[0]) if y.dim() else -1)
        raise ValueError(y)
    except ValueError as error:
        (inner,) = error.args
        return inner * 2
    finally:
        log.append("done")
---
@log = []
@r = @f($t, @log)
"""),
    feature("exception.group of cleanups", "log:list", """
import contextlib
---
@log = []
try:
    with contextlib.ExitStack() as @stack:
        @stack.callback(@log.append, 1)
        @stack.callback(@log.append, 2)
        raise KeyError("k")
except KeyError:
    @log.append("caught")
"""),
)  # fmt: skip
