"""Classes: attributes and the protocols behind them, inheritance, class bodies, what makes classes."""

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
@r = (@first, @a.d)
"""),
    feature("class.descriptor of the class", "r:object", """
class @D:
    def __get__(self, instance, owner):
        return (instance is None, owner.__name__[0])

class @C:
    d = @D()
---
@r = @C.d
"""),
    feature("class.descriptor of both", "r:tuple", """
class @D:
    def __get__(self, instance, owner):
        return (instance is None, owner.__name__[0])

class @C:
    d = @D()
---
@a = @C()
@r = (@a.d, @C.d)
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
""", breaks=True),
    feature("class.setattr", "a:object r:list", """
class @C:
    def __init__(self):
        object.__setattr__(self, "log", [])

    def __setattr__(self, name, value):
        self.log.append((name, value))
        object.__setattr__(self, name, value)
---
@a = @C()
@a.x = $int
setattr(@a, "y", $str)
@r = [*@a.log, @a.x]
"""),
    feature("class.attributes deleted", "a:object r:tuple", """
class @C:
    x = "of the class"

    def __init__(self, v):
        self.x = self.y = v
---
@a = @C($int)
del @a.x
delattr(@a, "y")
try:
    del @a.none
    @e = None
except AttributeError as error:
    @e = type(error).__name__
@r = (@a.x, hasattr(@a, "y"), @e, list(vars(@a)))
""", "builtins.delattr builtins.vars"),
    feature("class.attribute deleted twice", "a:object r:object", """
class @C:
    def __init__(self, v):
        self.x = v
---
@a = @C($int)
del @a.x
try:
    del @a.x
    @r = None
except AttributeError as error:
    @r = type(error).__name__
""", breaks=True),
    feature("class.delattr", "a:object r:list", """
class @C:
    def __init__(self):
        self.log = []

    def __delattr__(self, name):
        self.log.append(("del", name))
        object.__delattr__(self, name)
---
@a = @C()
@a.x = $int
del @a.x
@r = [*@a.log, hasattr(@a, "x")]
""", breaks=True),
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
    feature("class.attributes of an object", "a:object r:tuple", """
class @C:
    shared = []
    level = 1
---
@a, @b = @C(), @C()
@a.level = $int
@a.shared.append($int)
@r = (@b.level, @a.level, @b.shared is @a.shared, list(@b.shared))
"""),
    feature("class.attributes written", "a:object r:tuple", """
class @C:
    level = 1
---
@a, @b = @C(), @C()
@a.level = $int
@C.level += 1
@r = (@C.level, @a.level, @b.level)
"""),
    feature("class.attributes added", "a:object r:tuple", """
class @C:
    pass
---
@a = @C()
@C.extra = $str
try:
    @read = @a.extra
except AttributeError as error:
    @read = type(error).__name__
@r = (@C.extra, @read, hasattr(@a, "extra"))
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
    def __new__(mcls, name, bases, body):
        made = super().__new__(mcls, name, bases, body)
        made.extra = len(bases)
        return made

    def __len__(cls):
        return 5

    def __contains__(cls, value):
        return value == 3

    def __getitem__(cls, key):
        return key * 2

    def __iter__(cls):
        yield cls.__name__[0]

    @property
    def title(cls):
        return cls.__name__[0]

    def plain(cls):
        return cls.extra

class @C(metaclass=@M):
    def __init__(self, v):
        self.v = v
---
@a = @C($int)
@r = (@a.v, @a.extra, len(@C), @C.title, @C.plain(), 3 in @C, @C[$int], list(@C), isinstance(@C, @M), type(@C) is @M)
"""),
    feature("class.metaclass makes objects", "r:tuple", """
class @M(type):
    def __call__(cls, *args):
        made = super().__call__(*args)
        made.made = "by M"
        return made

class @C(metaclass=@M):
    def __init__(self, v):
        self.v = v
---
@a = @C($int)
try:
    @made = @a.made
except AttributeError as error:
    @made = type(error).__name__
@r = (@a.v, @made, hasattr(@a, "made"))
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
