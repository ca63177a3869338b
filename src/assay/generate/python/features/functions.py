"""Functions: arguments of every kind, closures, decorators, recursion, what functools makes of them."""

from __future__ import annotations

from assay.generate.python.feature import feature

FEATURES = (
    feature("function.argument kinds", "r:tuple", """
def @f(a, /, b, c=3, *rest, d, e=5, **named):
    return (a, b, c, rest, d, e, sorted(named.items()))
---
@r = (@f(1, 2, d=4), @f(1, *[2, 3, 4], **{"d": $int, "x": 9}), @f($int, c=0, b=1, d=2, a=8))
"""),
    feature("function.mutable default", "r:list", """
def @f(v, seen=[]):
    seen.append(v)
    return seen
---
@r = [list(@f(1)), list(@f($int)), @f(2, [])]
"""),
    feature("function.defaults replaced", "r:tuple", """
def @f(a, b=2, *, c=3):
    return (a, b, c)
@first = @f(1)
@f.__defaults__ = ($int,)
@f.__kwdefaults__ = {"c": "new"}
@r = (@first, @f(1), @f.__defaults__)
"""),
    feature("function.defaults of a global replaced", "r:tuple", """
def @f(a, b=2, *, c=3):
    return (a, b, c)
---
@first = @f(1)
@f.__defaults__ = ($int,)
@f.__kwdefaults__ = {"c": "new"}
@r = (@first, @f(1))
""", breaks=True),
    feature("function.closure cells", "r:tuple", """
def @make(start):
    total = start

    def add(v):
        nonlocal total
        total += v
        return total

    def read():
        return total
    return add, read
---
@add, @read = @make($int)
@other, _ = @make(100)
@r = (@add(1), @add(2), @read(), @other(1), @read())
"""),
    feature("function.one code, other captures", "r:list", """
def @make(k, t):
    return lambda v: v * k + t
---
@fs = [@make(k, $t) for k in (1, 2, -3)]
@r = [f(2) for f in @fs]
"""),
    feature("function.late binding", "r:tuple", """
@fs = [lambda: k for k in range(3)]
@gs = [lambda k=k: k for k in range(3)]
@r = ([f() for f in @fs], [g() for g in @gs])
"""),
    feature("function.decorators", "r:tuple log:list", """
import functools

def @twice(f):
    @@functools.wraps(f)
    def inner(*args, **kwargs):
        return f(f(*args, **kwargs))
    return inner

def @logged(log):
    def wrap(f):
        def inner(v):
            log.append(f.__name__)
            return f(v)
        return inner
    return wrap
---
@log = []

@@@logged(@log)
@@@twice
def @f(v):
    return v * 2 + 1
@r = (@f(1), @f($int))
"""),
    feature("function.recursion", "r:tuple", """
def @walk(tree, depth=0):
    if isinstance(tree, list):
        return sum(@walk(each, depth + 1) for each in tree)
    return tree * 10 ** depth

def @fib(n):
    return n if n < 2 else @fib(n - 1) + @fib(n - 2)
---
@r = (@walk([1, [2, [3]], []]), @fib(7))
"""),
    feature("function.partial", "p:object r:tuple", """
import functools
---
@p = functools.partial(lambda a, b, c=0: (a, b, c), $int, c=7)
@q = functools.partial(@p, 2)
@r = (@p(5), @q(), @q(c=1), @q.args, @q.keywords)
""", "functools.partial"),
    feature("function.reduce", "r:tuple", """
import functools
---
@r = (functools.reduce(lambda a, b: a * 2 + b, $list, 1), functools.reduce(max, [3, 9, 2]))
try:
    functools.reduce(max, [])
except TypeError:
    @r += ("empty",)
""", "functools.reduce"),
    feature("function.cache", "r:tuple", """
import functools

@@functools.lru_cache(maxsize=2)
def @f(v, w=1):
    return v * w
---
@r = (@f(2), @f(2), @f(3, w=2))
"""),
    feature("function.singledispatch", "r:list", """
import functools

@@functools.singledispatch
def @f(v):
    return "other"

@@@f.register
def _(v: int):
    return "int"

@@@f.register(list)
def _(v):
    return "list"
---
@r = [@f([]), @f.dispatch(int)($int), @f.dispatch(list)([])]
"""),
    feature("function.singledispatch by inheritance", "r:list", """
import functools

@@functools.singledispatch
def @f(v):
    return "other"

@@@f.register
def _(v: int):
    return "int"

@@@f.register(list)
def _(v):
    return "list"
---
@r = [@f(1), @f([]), @f("x"), @f(True)]
""", breaks=True),
    feature("function.in containers", "r:list", """
@table = {"neg": lambda v: -v, "add": lambda v, w=4: v + w, "len": len, "abs": abs}
@r = [@table["neg"]($int), @table["add"](1), @table["len"]($list), @table["abs"](-3), sorted(@table)]
""", "builtins.len builtins.abs builtins.sorted"),
    feature("function.attributes", "r:tuple", """
def @g(v, b=2, *, c=3):
    "what it is for"
    return (v, b, c)
@g.note = [7]
---
def @f(v):
    return v + 1
@f.calls = 0
@f.calls += $int
@r = (@f.calls, @f.__name__[0], @g.note, @g.__doc__, @g.__defaults__, @g.__kwdefaults__, @g.__code__.co_varnames, hasattr(@g, "none"), hasattr(@f, "calls"))
"""),
    feature("function.attributes of a global written", "r:tuple", """
def @f(v):
    @f.calls += 1
    return v + @f.calls
@f.calls = 0
---
@r = (@f(1), @f($int), @f.calls, @f.__name__[0])
""", breaks=True),
    feature("function.walrus and conditional", "r:tuple", """
@r = tuple((y, z) for v in $list if (y := v * 2) > 2 and (z := y - 1))
@n = 10 if (@m := len($str)) > 2 else -10
@r += (@n, @m, 0 < @m <= 5 != 6, not @m or "or", @m and "and")
"""),
    feature("function.globals", "r:tuple", """
@G = [1]
@N = 5

def @f(v):
    global @N
    @N += v
    @G.append(@N)
    return @N
---
@r = (@f(1), @f(2), list(@G))
"""),
    feature("function.match", "r:list", """
class @P:
    __match_args__ = ("x", "y")

    def __init__(self, x, y):
        self.x, self.y = x, y

def @f(value):
    match value:
        case 0 | 1:
            return "small"
        case int(n) if n > 50:
            return ("big", n)
        case [a, *rest]:
            return ("list", a, len(rest))
        case {"k": v, **others}:
            return ("dict", v, sorted(others))
        case @P(x, y=2):
            return ("point", x)
        case str() as s:
            return s.upper()
        case None:
            return "none"
        case _:
            return "other"
---
@r = [@f(v) for v in (1, 99, [3, 4], {"k": 1, "z": 0}, @P($int, 2), @P(1, 3), "abc", None, 2.5, ())]
"""),
    feature("function.operators by name", "r:tuple", """
import operator
---
@get = operator.itemgetter(1, -1)
@attr = operator.attrgetter("real", "imag")
@call = operator.methodcaller("count", 1)
@r = (@get([4, 5, 6]), @attr(3), @call([1, 2, 1]), operator.concat([1], [2]), operator.countOf("abca", "a"))
""", "operator.itemgetter operator.attrgetter operator.methodcaller operator.concat operator.countOf"),
    feature("function.strings", "r:tuple", """
@n = $int
@r = (f"{@n:>4}|{@n!r}|{$str:_<6}|{2.5:.1f}", "%d-%s" % (@n, "s"), "{0[1]} {k}".format([1, 2], k=@n), "a,b,,c".split(","), "-".join(["x", "y"]), "abc"[::-2], "abcabc".rfind("b"), "ß".upper(), "x".isidentifier())
""", "str.format str.split str.join str.rfind str.upper str.isidentifier"),
    feature("function.numbers", "r:tuple", """
@n = $int
@r = (-7 // 2, -7 % 3, 7 % -3, divmod(-7, 2), -7.5 // 2, round(2.5), round(-3.5), round(1234, -2), 2 ** -1, pow(3, 4, 5), int("-0x1f", 16), int(-2.7), True + True, @n << 2, ~@n, 5 & -2, 0.1 + 0.2, (5).bit_length(), 1e16 + 1, int.from_bytes(b"\\x01\\x02", "big"), (1 + 2j) * 2j)
""", "builtins.divmod builtins.round builtins.pow builtins.int int.bit_length"),
    feature("function.ties", "r:tuple", """
@pairs = [(1, "b"), (0, "x"), (1, "a"), (0, "y")]
@key = lambda pair: pair[0]
@r = (sorted(@pairs, key=@key), sorted(@pairs, key=@key, reverse=True), min(@pairs, key=@key), max(@pairs, key=@key), max([], default="none"), min(3, 1, 2, key=lambda v: -v), sum([[1], [2]], []))
""", "builtins.sorted builtins.min builtins.max builtins.sum"),
    feature("function.random", "r:tuple", """
import random
---
@r = (random.randint(1, 6), random.uniform(0, 2), random.randrange(0, 10, 3))
""", "random.randint random.uniform random.randrange"),
    feature("function.random number", "r:object", """
import random
---
@r = random.random()
""", "random.random", breaks=True),
    feature("function.own generator of numbers", "g:object r:tuple", """
import random
---
@g = random.Random(7)
@r = (@g.random(), @g.randint(1, 9))
"""),
    feature("function.warnings caught", "r:list", """
import warnings
---
@r = []
with warnings.catch_warnings():
    @r.append($int)
"""),
    feature("function.warning", "r:str", """
import warnings
---
warnings.warn("something about " + $str, UserWarning)
@r = "warned"
""", breaks=True),
    feature("function.typing cast", "r:object", """
import typing
---
@r = typing.cast(int, $str)
""", "typing.cast"),
    feature("function.struct", "r:tuple", """
import struct
---
@r = struct.unpack("<hI", struct.pack("<hI", -2, 70000))
""", "struct.pack struct.unpack"),
)  # fmt: skip
