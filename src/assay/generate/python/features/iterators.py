"""Iterators and generators: exhausted, half used, infinite, with values sent and thrown into them."""

from __future__ import annotations

from assay.generate.python.feature import feature

FEATURES = (
    feature("iterator.half used generator", "g:object r:list", """
def @gen(n, t):
    for number in range(n):
        yield t + number
    return "end"
---
@g = @gen(4, $int)
@r = [next(@g), next(@g)]
"""),
    feature("iterator.generator with tensors", "r:list", """
def @gen(t, n):
    while n > 0:
        yield t * n
        n -= 1
---
@r = [each.sum() for each in @gen($t, 3)]
"""),
    feature("iterator.send", "r:list", """
def @gen():
    total = 0
    while True:
        got = yield total
        if got is None:
            return total
        total += got
---
@g = @gen()
@r = [next(@g), @g.send($int), @g.send(5)]
try:
    @g.send(None)
except StopIteration as stop:
    @r.append(("stopped", stop.value))
""", "generator.send builtins.next"),
    feature("iterator.throw", "r:list", """
def @gen(log):
    try:
        yield 1
    except ValueError as error:
        log.append(type(error).__name__)
        yield 2
    finally:
        log.append("finally")
---
@r = []
@g = @gen(@r)
@r.append(next(@g))
@r.append(@g.throw(ValueError("in")))
@g.close()
@r.append(next(@g, "none left"))
""", "generator.throw generator.close builtins.next"),
    feature("iterator.yield from", "r:list", """
def @inner(n):
    for number in range(n):
        yield number
    return n * 10

def @outer(n):
    got = yield from @inner(n)
    yield ("got", got)
    yield from (7, 8)
---
@r = list(@outer(3))
"""),
    feature("iterator.close runs finally", "log:list", """
def @gen(log):
    try:
        for number in range(5):
            log.append(number)
            yield number
    finally:
        log.append("closed")
---
@log = []
@g = @gen(@log)
next(@g)
@g.close()
""", "generator.close"),
    feature("iterator.class", "a:object r:list", """
class @Count:
    def __init__(self, stop):
        self.at, self.stop = 0, stop

    def __iter__(self):
        return self

    def __next__(self):
        if self.at >= self.stop:
            raise StopIteration(self.at)
        self.at += 1
        return self.at
---
@a = @Count(5)
@r = [next(@a), *zip(@a, "xy"), sum(@a), next(@a, None)]
""", "builtins.zip builtins.sum builtins.next"),
    feature("iterator.by getitem", "r:tuple", """
class @S:
    def __getitem__(self, index):
        if index >= 4:
            raise IndexError(index)
        return index * index
---
@r = (list(@S()), 9 in @S(), 5 in @S(), max(@S()), [*@S()][-2], dict(enumerate(@S(), 1)))
""", "builtins.list builtins.max builtins.enumerate operator.contains builtins.dict"),
    feature("iterator.shared by zip", "r:tuple", """
@i = iter([1, 2, 3, 4, 5])
@pairs = list(zip(@i, @i))
@r = (@pairs, list(@i), next(@i, "gone"))
""", "builtins.zip builtins.iter"),
    feature("iterator.zip loses one", "r:tuple", """
@a, @b = iter([1, 2, 3]), iter([10])
@pairs = list(zip(@a, @b))
@r = (@pairs, next(@a))
""", "builtins.zip"),
    feature("iterator.zip strict", "r:list", """
@r = []
try:
    for @x, @y in zip([1, 2, 3], (4, 5), strict=True):
        @r.append(@x * @y)
except ValueError:
    @r.append("unequal")
""", "builtins.zip"),
    feature("iterator.exhausted", "r:tuple", """
@m = map(lambda v: v * 2, $list)
@first = list(@m)
@r = (@first, list(@m), next(@m, "none"))
""", "builtins.map"),
    feature("iterator.returned", "m:object f:object r:object z:object i:object", """
@m = map(lambda v: v + 1, [1, 2, 3])
next(@m)
@f = filter(None, [0, 1, 2])
@r = reversed([1, 2, 3])
@z = zip([1, 2], ["a", "b"])
next(@z)
@i = iter((1, $int))
"""),
    feature("iterator.enumerate returned", "e:object", """
@e = enumerate("ab", $int)
""", breaks=True),
    feature("iterator.chain and islice returned", "c:object i:object", """
import itertools
---
@c = itertools.chain([1], [2, $int])
@i = itertools.islice([1, 2, 3], 2)
""", "itertools.chain itertools.islice", breaks=True),
    feature("iterator.of a dict", "r:list", """
@d = {"a": 1, "b": 2, "c": $int}
@k, @v, @i = iter(@d), iter(@d.values()), iter(@d.items())
@r = [next(@k), next(@v), next(@i), list(@k), list(@v), list(@i), next(@k, "none")]
@r += [list(reversed(@d.values())), list(reversed(@d.items()))]
""", "builtins.iter builtins.next"),
    feature("iterator.of a dict returned", "k:object v:object i:object r:list", """
@d = {"a": 1, "b": 2, "c": $int}
@k, @v, @i = iter(@d), iter(@d.values()), iter(@d.items())
@r = [next(@k), next(@v), next(@i)]
""", breaks=True),
    feature("iterator.of a set returned", "i:object", """
@i = iter({1, $int})
""", breaks=True),
    feature("iterator.changed meanwhile", "r:list", """
@items = [1, 2, 3]
@r = []
for @each in @items:
    @r.append(@each)
    if @each < 3:
        @items.append(@each + 10)
    if len(@r) > 6:
        break
else:
    @r.append("whole")
"""),
    feature("iterator.dict changed meanwhile", "r:str", """
@d = {1: 2, 3: 4}
try:
    for @k in @d:
        @d[@k + 10] = 0
    @r = "no error"
except RuntimeError as error:
    @r = type(error).__name__
"""),
    feature("iterator.itertools", "r:tuple", """
import itertools
---
@c = itertools.count($int, 3)
@cycle = itertools.cycle("ab")
@r = (
    [next(@c), next(@c)],
    [next(@cycle) for _ in range(3)],
    list(itertools.islice(itertools.count(), 1, 9, 3)),
    list(itertools.zip_longest([1, 2, 3], "a", fillvalue="-")),
    list(itertools.accumulate([3, 1, 2], max, initial=2)),
    list(itertools.takewhile(lambda v: v < 3, [1, 2, 3, 1])),
    list(itertools.starmap(pow, [(2, 3), (3, 2)])),
    list(itertools.repeat("r", 2)),
)
""", "itertools.count itertools.cycle itertools.islice itertools.zip_longest itertools.accumulate itertools.takewhile"
     " itertools.starmap itertools.repeat"),
    feature("iterator.islice leaves the rest", "i:object r:tuple", """
import itertools
---
@i = iter(range(10))
@r = (list(itertools.islice(@i, 2)), list(itertools.islice(@i, 1, 4, 2)), next(@i))
""", "itertools.islice"),
    feature("iterator.groupby", "r:list", """
import itertools
---
@r = [(key, list(group)) for key, group in itertools.groupby([1, 1, 2, 1, 3, 3], key=lambda v: v % 2)]
""", "itertools.groupby"),
    feature("iterator.tee", "r:tuple", """
import itertools
---
@a, @b, @c = itertools.tee(iter([1, 2, $int]), 3)
@r = (next(@a), next(@a), next(@b), list(@c), list(@a), list(@b), next(@b, "none"))
""", "itertools.tee"),
    feature("iterator.tee returned", "b:object r:tuple", """
import itertools
---
@a, @b = itertools.tee(iter([1, 2, 3]))
@r = (next(@a), next(@a), next(@b))
""", "itertools.tee", breaks=True),
    feature("iterator.product", "r:tuple", """
import itertools
---
@r = (
    list(itertools.product([1, 2], "ab")),
    list(itertools.permutations([1, 2, 3], 2)),
    list(itertools.combinations("abc", 2)),
    list(itertools.chain.from_iterable([[1], (2, 3), "x"])),
    list(itertools.compress("abcd", [1, 0, 1, 0])),
    list(itertools.pairwise([1, 2, 4])),
    list(itertools.dropwhile(lambda v: v < 2, [1, 2, 1])),
    list(itertools.filterfalse(None, [0, 1, 2])),
)
""", "itertools.product itertools.permutations itertools.combinations"
     " itertools.chain.from_iterable itertools.compress itertools.pairwise itertools.dropwhile itertools.filterfalse"),
    feature("iterator.combinations with replacement", "r:list", """
import itertools
---
@r = list(itertools.combinations_with_replacement("ab", 2))
""", "itertools.combinations_with_replacement", breaks=True),
    feature("iterator.sentinel", "r:tuple", """
@left = [3, 2, 1, 0, 5]
@r = (list(iter(@left.pop, 0)), @left)
""", "builtins.iter list.pop"),
    feature("iterator.unpacking", "r:tuple", """
@first, *@middle, @last = (v * 2 for v in range(5))
(@p, @q), @s = [(1, 2), $str]
@r = (@first, @middle, @last, @p + @q, @s)
try:
    @first, @last = iter([1, 2, 3])
except ValueError:
    @r += ("too many",)
"""),
    feature("iterator.generator expression late", "r:tuple", """
@k = 2
@g = (v * @k for v in [1, 2, 3])
@k = 10
@r = (next(@g), list(@g))
"""),
    feature("iterator.stop inside generator", "r:str", """
def @gen():
    yield 1
    raise StopIteration("inner")
---
try:
    @r = str(list(@gen()))
except RuntimeError as error:
    @r = type(error.__cause__).__name__
"""),
)  # fmt: skip
