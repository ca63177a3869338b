"""Classes: attributes and the protocols behind them, inheritance, special methods, class bodies."""

from __future__ import annotations

from assay.generate.python.feature import feature

FEATURES = (
    feature("class.property", "a:object r:int", """
class @C:
    def __init__(self, v):
        self._v = v

    @property
    def v(self):
        return self._v + 1

    @v.setter
    def v(self, new):
        self._v = new * 2

    @v.deleter
    def v(self):
        self._v = -1
---
@a = @C($int)
@a.v = $int
@r = @a.v
del @a.v
"""),
    feature("class.descriptor", "a:object r:tuple", """
class @D:
    def __set_name__(self, owner, name):
        self.name = "_" + name

    def __get__(self, instance, owner=None):
        return self if instance is None else getattr(instance, self.name, 0) + 100

    def __set__(self, instance, value):
        setattr(instance, self.name, value - 1)

class @C:
    x = @D()
    y = @D()
---
@a = @C()
@a.x = $int
@r = (@a.x, @a.y, vars(@a).get("_x"), type(@C.x).__name__)
""", "builtins.vars builtins.getattr"),
    feature("class.non-data descriptor", "a:object r:tuple", """
class @D:
    def __get__(self, instance, owner):
        return (instance is None, owner.__name__ if owner else None)

class @C:
    d = @D()
---
@a = @C()
@first = @a.d
@a.__dict__["d"] = $int
@r = (@first, @a.d, @C.d)
"""),
    feature("class.getattr", "r:tuple", """
class @C:
    def __getattr__(self, name):
        if name.startswith("n_"):
            return name[2:]
        raise AttributeError(name)
---
@a = @C()
@a.known = $int
@r = (@a.known, @a.n_other, hasattr(@a, "missing"), getattr(@a, "missing", -1))
""", "builtins.getattr"),
    feature("class.getattribute", "r:tuple", """
class @C:
    def __init__(self):
        self.calls = 0

    def __getattribute__(self, name):
        if name == "double":
            return object.__getattribute__(self, "calls") * 2
        return object.__getattribute__(self, name)
---
@a = @C()
@a.calls = $int
@r = (@a.double, @a.calls)
"""),
    feature("class.setattr", "a:object r:list", """
class @C:
    def __init__(self):
        object.__setattr__(self, "log", [])

    def __setattr__(self, name, value):
        self.log.append((name, value))
        object.__setattr__(self, name, value)

    def __delattr__(self, name):
        self.log.append(("del", name))
        object.__delattr__(self, name)
---
@a = @C()
@a.x = $int
setattr(@a, "y", $str)
del @a.x
@r = @a.log
"""),
    feature("class.slots", "a:object r:tuple", """
class @B:
    __slots__ = ("x", "y")

    def __init__(self, x):
        self.x = x

class @C(@B):
    __slots__ = ("z",)
---
@a = @C($int)
@a.z = $t
@r = (@a.x, hasattr(@a, "y"), hasattr(@a, "__dict__"))
"""),
    feature("class.method kinds", "r:tuple", """
class @C:
    count = 2

    def plain(self, v=1, *, w=3):
        return self.count + v * w

    @classmethod
    def of_class(cls, v):
        return (cls.__name__[0], cls.count * v)

    @staticmethod
    def alone(v):
        return v - 1
---
@a = @C()
@a.count = $int
@bound = @a.plain
@r = (@bound(w=$int), @a.of_class(2), @C.of_class($int), @a.alone($int), @C.plain(@a, 2))
"""),
    feature("class.super and order", "r:list", """
class @A:
    def f(self, log):
        log.append("A")
        return 1

class @B(@A):
    def f(self, log):
        log.append("B")
        return super().f(log) * 2

class @C(@A):
    def f(self, log):
        log.append("C")
        return super().f(log) + 5

class @D(@B, @C):
    def f(self, log):
        log.append("D")
        return super(@D, self).f(log) - 1
---
@log = []
@value = @D().f(@log)
@r = [@value, *@log, *[each.__name__[0] for each in @D.__mro__]]
""", "builtins.super"),
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

    def __matmul__(self, other):
        return ("at", self.v)

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
@r = (@a + 3, 3 + @a, @a + @b, @m, -@a, @a @ 2, divmod(@a, 4), @a is @b)
""", "builtins.divmod"),
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
@r = (min(@vs).v, max(@vs).v, [each.v for each in sorted(@vs, reverse=True)], @vs[0] == @vs[3], @V(3) in @vs, len(set(@vs)), @vs.index(@V(3)))
""", "builtins.min builtins.max builtins.sorted list.index"),
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
---
@r = (bool(@E()), not @F(), @E() or "other", 1 if @F() else 2, any([@E(), @F()]), all([object()]))
""", "builtins.bool builtins.any builtins.all operator.not_"),
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
@r = ([4, 5, 6][@I()], range(9)[@I()], int(@N()), float(@N()), round(@N()), round(@N(), 2), f"{@N():>3}", str(@N()), abs(@N()), hex(@I()))
""", "builtins.int builtins.float builtins.round builtins.str builtins.abs builtins.hex builtins.format"),
    feature("class.body", "r:tuple", """
class @C:
    items = [1, 2]
    items.append(3)
    for number in range(2):
        items.append(number * 10)
    total = sum(items)
    if total > 5:
        big = True
    else:
        small = True
    pairs = {key: key * 2 for key in range(3)}
---
@r = (@C.items, @C.total, @C.big, hasattr(@C, "small"), @C.number, @C.pairs)
""", "builtins.__build_class__ builtins.sum"),
    feature("class.attributes written", "a:object r:tuple", """
class @C:
    shared = []
    level = 1
---
@a, @b = @C(), @C()
@a.level = $int
@a.shared.append($int)
@C.extra = $str
@r = (@b.level, @a.level, @b.shared is @a.shared, list(@b.shared), @b.extra)
@C.level += 1
"""),
    feature("class.init_subclass", "r:tuple", """
class @B:
    seen = []

    def __init_subclass__(cls, *, tag=None, **rest):
        super().__init_subclass__(**rest)
        cls.tag = tag
        @B.seen.append(cls.__name__[0])

class @C(@B, tag="t"):
    pass
---
@r = (@C.tag, @B.seen, issubclass(@C, @B), isinstance(@C(), @B))
""", "builtins.issubclass builtins.isinstance builtins.super"),
    feature("class.metaclass", "r:tuple", """
class @M(type):
    def __call__(cls, *args):
        made = super().__call__(*args)
        made.made = "by M"
        return made

    def __len__(cls):
        return 5

    @property
    def title(cls):
        return cls.__name__[0]

class @C(metaclass=@M):
    def __init__(self, v):
        self.v = v
---
@a = @C($int)
@r = (@a.v, @a.made, len(@C), @C.title)
"""),
    feature("class.new", "r:tuple", """
class @C:
    made = 0

    def __new__(cls, v, *rest):
        if v is None:
            return "nothing"
        self = super().__new__(cls)
        self.early = v
        cls.made += 1
        return self

    def __init__(self, v, *rest):
        self.late = len(rest)
---
@a = @C($int, 1, 2)
@r = (@a.early, @a.late, @C(None), @C.made)
""", "builtins.super"),
    feature("class.dataclass", "a:object b:object r:tuple", """
import dataclasses

@dataclasses.dataclass(order=True)
class @P:
    x: int
    y: list = dataclasses.field(default_factory=list, compare=False)
    z: float = 0.5

    def __post_init__(self):
        self.w = self.x * 2
---
@a = @P($int)
@b = dataclasses.replace(@a, z=2.0)
@a.y.append($int)
@r = (@a == @b, @a < @b, dataclasses.astuple(@a), @b.w, [f.name for f in dataclasses.fields(@a)])
"""),
    feature("class.frozen dataclass", "a:object r:tuple", """
import dataclasses

@dataclasses.dataclass(frozen=True)
class @P:
    x: int
    t: object = None
---
@a = @P($int, $t)
try:
    @a.x = 3
    @e = None
except dataclasses.FrozenInstanceError as error:
    @e = type(error).__name__
@r = (@a.x, @e, hash(@P(1)) == hash(@P(1)), @P(1) in {@P(1): "k"})
""", "builtins.hash"),
    feature("class.namedtuple", "a:object r:tuple", """
import collections

@P = collections.namedtuple("@P", ["x", "y"], defaults=[7])
---
@a = @P($int)
@b = @a._replace(x=$int)
@x, @y = @b
@r = (@a, @b, @a[1:], @b._asdict(), @a + @b, @P._fields, @a == (@a.x, 7), @x + @y)
"""),
    feature("class.typed namedtuple", "a:object r:tuple", """
import typing

class @P(typing.NamedTuple):
    x: int
    t: object
    z: str = "z"

    def twice(self):
        return self.x * 2
---
@a = @P($int, $t)
@r = (@a.twice(), @a.z, len(@a), @a._replace(z="w").z)
"""),
    feature("class.enum", "r:tuple", """
import enum

class @E(enum.Enum):
    RED = 1
    BLUE = 2
    ALSO_RED = 1

class @I(enum.IntEnum):
    LOW = 1
    HIGH = 5
---
@e = @E.RED
@r = (@e.name, @e.value, @e is @E.ALSO_RED, @E(2).name, [each.name for each in @E], @I.HIGH > 3, @I.LOW + 1, @E["BLUE"].value)
"""),
    feature("class.context manager", "log:list", """
class @M:
    def __init__(self, log, swallow=False):
        self.log, self.swallow = log, swallow

    def __enter__(self):
        self.log.append("in")
        return self

    def __exit__(self, kind, error, trace):
        self.log.append(kind.__name__ if kind else "out")
        return self.swallow
---
@log = []
with @M(@log) as @m, @M(@log, True):
    @log.append($int)
    raise ValueError("inside")
@log.append(@m.swallow)
"""),
    feature("class.locals", "r:tuple", """
def @f(a, b=2):
    c = a + b
    return sorted(locals())
---
@r = (@f(1), "zzz" in locals())
""", "builtins.locals builtins.sorted"),
    feature("class.copy", "a:object b:object c:object r:tuple", """
import copy

class @C:
    def __init__(self, items, inner=None):
        self.items, self.inner = items, inner

class @D:
    def __init__(self, v):
        self.v = v

    def __copy__(self):
        return @D(self.v + 1)

    def __deepcopy__(self, memo):
        return @D(self.v + 2)
---
@a = @C([$int, 2], @D($int))
@b = copy.copy(@a)
@c = copy.deepcopy(@a)
@a.items.append(9)
@r = (@b.items is @a.items, @c.items, copy.copy(@a.inner).v - @a.inner.v, @c.inner.v - @a.inner.v)
"""),
)  # fmt: skip
