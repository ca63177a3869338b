"""Special methods: operators, comparisons, conversions, and what builtins make of objects that have them."""

from __future__ import annotations

from assay.generate.python.feature import feature

FEATURES = (
    feature("class.arithmetic", "r:tuple", """
class @V:
    def __init__(self, v):
        self.v = v

    def __add__(self, other):
        return ("add", self.v, getattr(other, "v", other))

    def __radd__(self, other):
        return ("radd", self.v, other)

    def __iadd__(self, other):
        self.v += 10
        return self

    def __mul__(self, other):
        return NotImplemented if isinstance(other, str) else self.v * other

    def __neg__(self):
        return -self.v

    def __pos__(self):
        return ("positive", self.v)

    def __divmod__(self, other):
        return (self.v, other)
---
@a = @V($int)
@b = @a
@b += 1
try:
    @m = @a * "x"
except TypeError as error:
    @m = type(error).__name__
@r = (@a + 3, 3 + @a, @a + @b, @m, -@a, +@a, divmod(@a, 4), @a is @b)
""", "builtins.divmod"),
    feature("class.matmul and invert", "r:tuple", """
class @V:
    def __matmul__(self, other):
        return ("at", other)

    def __invert__(self):
        return "inverted"
---
@a = @V()
@r = (@a @ $int, ~@a)
""", "operator.matmul operator.invert", breaks=True),
    feature("class.reflected by subclass", "r:tuple", """
class @B:
    def __add__(self, other):
        return "B.add"

    def __lt__(self, other):
        return "B.lt"

class @C(@B):
    def __radd__(self, other):
        return "C.radd"

    def __gt__(self, other):
        return "C.gt"
---
@r = (@B() + @C(), @C() + @B(), @B() < @C())
"""),
    feature("class.comparison", "r:tuple", """
import functools

@functools.total_ordering
class @V:
    def __init__(self, v):
        self.v = v

    def __eq__(self, other):
        return isinstance(other, @V) and self.v == other.v

    def __lt__(self, other):
        return self.v < other.v

    def __hash__(self):
        return self.v % 3
---
@vs = [@V(3), @V($int), @V(-1), @V(3)]
@r = (@vs[0] == @vs[3], @vs[0] != @vs[2], @vs[0] < @vs[1], @vs[0] >= @vs[1], @vs[2] > @vs[0], @V(3) in @vs, @vs.index(@V(3)), @vs.count(@V(3)), @vs[:1] == [@V(3)], (1, @V(1)) < (1, @V(2)), hash(@V(5)))
""", "list.index list.count builtins.hash"),
    feature("class.in sets and dicts", "r:tuple", """
class @V:
    def __init__(self, v):
        self.v = v

    def __eq__(self, other):
        return isinstance(other, @V) and self.v == other.v

    def __hash__(self):
        return self.v % 3
---
@vs = [@V(3), @V($int), @V(3)]
try:
    @found = {@V(3): "found"}[@V(3)]
except KeyError as error:
    @found = type(error).__name__
@r = (len(set(@vs)), len({each: 1 for each in @vs}), @V(3) in {@vs[0]}, @found)
"""),
    feature("class.min and max", "r:tuple", """
class @V:
    def __init__(self, v):
        self.v = v

    def __lt__(self, other):
        return self.v < other.v

    def __gt__(self, other):
        return self.v > other.v
---
@vs = [@V(3), @V($int), @V(-1)]
@r = (min(@vs).v, max(@vs).v)
""", "builtins.min builtins.max", breaks=True),
    feature("class.sorted", "r:list", """
class @V:
    def __init__(self, v):
        self.v = v

    def __lt__(self, other):
        return self.v < other.v
---
@r = [each.v for each in sorted([@V(3), @V($int), @V(-1), @V(3)], reverse=True)]
""", "builtins.sorted", breaks=True),
    feature("class.container protocol", "a:object r:tuple", """
class @C:
    def __init__(self, items):
        self.items = items

    def __len__(self):
        return len(self.items)

    def __getitem__(self, key):
        if isinstance(key, slice):
            return ("slice", key.start, key.stop, key.step)
        return self.items[key]

    def __setitem__(self, key, value):
        self.items[key] = value

    def __delitem__(self, key):
        del self.items[key]

    def __contains__(self, value):
        return value == 99 or value in self.items
---
@a = @C([5, 6, 7])
@a[-1] = $int
del @a[0]
@r = (len(@a), @a[0], @a[::-2], 99 in @a, 6 in @a, list(@a), bool(@a), list(reversed(@a)))
""", "builtins.len builtins.bool builtins.list builtins.reversed"),
    feature("class.truth", "r:tuple", """
class @E:
    def __len__(self):
        return 0

class @F:
    def __bool__(self):
        return False

    def __len__(self):
        return 3

class @P:
    pass
---
@r = (bool(@E()), not @F(), @E() or "other", 1 if @F() else 2, any([@E(), @F()]), all([@P(), 1]), not @P())
""", "builtins.bool builtins.any builtins.all operator.not_"),
    feature("class.bare object", "r:tuple", """
@o = object()
@r = (bool(@o), @o == @o, type(@o).__name__)
""", breaks=True),
    feature("class.callable", "a:object r:tuple", """
class @C:
    def __init__(self, step):
        self.step, self.seen = step, []

    def __call__(self, v, *rest, scale=1, **named):
        self.seen.append(v)
        return v * scale + self.step + len(rest) + len(named)
---
@a = @C($int)
@r = (@a(1), @a(2, 3, 4, scale=5), @a(*[6, 7], **{"scale": 2, "x": 1}), callable(@a))
""", "builtins.callable"),
    feature("class.index and conversions", "r:tuple", """
import operator

class @I:
    def __index__(self):
        return 2

class @N:
    def __int__(self):
        return 7

    def __float__(self):
        return 0.25

    def __round__(self, digits=None):
        return ("round", digits)

    def __format__(self, spec):
        return f"<{spec}>"

    def __str__(self):
        return "N"

    def __abs__(self):
        return 11
---
@r = ([4, 5, 6][@I()], range(9)[@I()], int(@N()), float(@N()), round(@N()), round(@N(), 2), f"{@N():>3}", str(@N()), abs(@N()), int(@I()), "ab" * @I(), (4, 5, 6)[@I()], operator.index(@I()))
""", "builtins.int builtins.float builtins.round builtins.str builtins.abs builtins.format operator.index"),
    feature("class.index taken by builtins", "r:tuple", """
class @I:
    def __index__(self):
        return 2

    def __complex__(self):
        return 1j
---
@r = (hex(@I()), bin(@I()), list(range(@I())), complex(@I()))
""", "builtins.hex builtins.bin builtins.range builtins.complex", breaks=True),
)  # fmt: skip
