"""Containers: slices, aliases, views, order, and subclasses of builtins that override what builtins do."""

from __future__ import annotations

from assay.generate.python.feature import feature

FEATURES = (
    feature("container.slices", "a:list r:tuple", """
@a = list(range(7))
@r = (@a[::-2], @a[5:1:-3], @a[-3:], @a[10:], @a[:-8:-1])
@a[1:6:2] = ["x", "y", "z"]
@a[2:2] = [$int]
del @a[::3]
try:
    @a[::2] = [1]
except ValueError:
    @r += ("length",)
"""),
    feature("container.list aliases", "a:list b:list c:list r:tuple", """
@a = [1, [2, 3]]
@b = @a
@c = @a[:]
@b += [4]
@c[1].append($int)
@a = @a + [5]
@r = (@a is @b, @b[1] is @c[1], len(@b))
"""),
    feature("container.rows of one list", "a:list", """
@a = [[0] * 2] * 3
@a[0][1] = $int
@a.append(@a[0])
"""),
    feature("container.contains itself", "a:list r:tuple", """
@a = [1]
@a.append(@a)
@r = (len(@a), @a[1][1] is @a)
"""),
    feature("container.dict order", "d:dict r:tuple", """
@d = {"x": 1, "y": 2}
@d["z"] = 3
del @d["x"]
@d["x"] = $int
@d["y"] += 1
@r = (list(@d), @d.popitem(), list(reversed(@d)), @d.setdefault("new", []), @d | {"y": 0}, {"y": -1} | @d)
""", "dict.popitem dict.setdefault"),
    feature("container.dict views", "r:tuple", """
@d = {1: "a", 2: "b"}
@keys, @values, @items = @d.keys(), @d.values(), @d.items()
@d[3] = "c"
@r = (len(@keys), list(@values), @keys & {1, 3}, @keys - {2}, (2, "b") in @items, sorted(@keys | {9}), @keys == {1, 2, 3}, @keys >= {1})
""", "dict.keys dict.values dict.items"),
    feature("container.dict keys alike", "d:dict r:tuple", """
@d = {1: "int"}
@d[True] = "bool"
@d[1.0] = "float"
@d[(1, 2)] = $int
@d[None] = "none"
@r = (len(@d), @d[1], @d.get((1, 2)), @d.pop("missing", "default"))
""", "dict.get dict.pop"),
    feature("container.defaultdict", "d:dict r:tuple", """
import collections
---
@d = collections.defaultdict(list)
@d["a"].append($int)
@d["b"]
@r = (@d.get("c"), "c" in @d, sorted(@d), len(@d))
""", "collections.defaultdict"),
    feature("container.OrderedDict", "d:object r:tuple", """
import collections
---
@d = collections.OrderedDict([("a", 1), ("b", 2), ("c", $int)])
@d.move_to_end("a")
@d.move_to_end("c", last=False)
@last = @d.popitem(last=False)
@r = (@last, list(@d), @d == {"b": 2, "a": 1}, @d == collections.OrderedDict([("b", 2), ("a", 1)]))
""", "collections.OrderedDict"),
    feature("container.Counter", "c:object r:tuple", """
import collections
---
@c = collections.Counter("abcab")
@c.update("aa")
@c["z"] -= 1
@r = (@c.most_common(), @c["missing"], +@c, @c - collections.Counter("aa"), sum(@c.values()))
"""),
    feature("container.Counter most common", "r:list", """
import collections
---
@r = collections.Counter("abcab").most_common(2)
""", breaks=True),
    feature("container.deque", "q:object r:tuple", """
import collections
---
@q = collections.deque([1, 2, 3], maxlen=3)
@q.append($int)
@q.appendleft("left")
@r = (list(@q), @q.maxlen, @q[-1], @q.count(2))
@q.extendleft([7, 8])
""", "collections.deque collections.deque.append collections.deque.appendleft"
     " collections.deque.extendleft collections.deque.count"),
    feature("container.deque rotated", "q:object", """
import collections
---
@q = collections.deque([1, $int, 3], maxlen=3)
@q.rotate(-1)
""", "collections.deque.rotate", breaks=True),
    feature("container.ChainMap", "m:object r:tuple", """
import collections
---
@m = collections.ChainMap({"a": 1}, {"a": 2, "b": $int})
@m["b"] = "new"
@r = (@m["a"], @m["b"], sorted(@m), len(@m.maps), @m.new_child({"c": 1})["b"])
"""),
    feature("container.sets", "s:object r:tuple", """
@s = {3, 1, 2}
@t = @s
@s |= {$int, 77}
@s.discard(1000)
@r = (@t is @s, sorted(@s ^ {1, 5}), @s > {1}, frozenset(@s) == @s, {1, 2}.isdisjoint([3]), len({1, True, 1.0}))
try:
    @s.remove("absent")
except KeyError:
    @r += ("absent",)
""", "set.remove set.discard set.isdisjoint"),
    feature("container.frozenset as key", "d:dict", """
@d = {frozenset([1, 2]): "a", frozenset(): "b"}
@d[frozenset([2, 1])] = $int
"""),
    feature("container.comprehensions", "r:tuple", """
@rows = [[1, 2], [3], []]
@r = ([x * y for x in range(3) for y in range(x)], {x: y for x, y in zip("ab", [1, 2])}, {len(row) for row in @rows}, [[y for y in row if y > 1] for row in @rows], [x if x % 2 else -x for x in $list])
"""),
    feature("container.star everything", "r:tuple", """
@a, @b = [1, 2], {"x": 1}
@r = ([*@a, *"ab", *@b], {**@b, "x": 2, **{"y": 3}}, (*@a, *(3,)), {*@a, 2, 5} == {1, 2, 5})
"""),
    feature("container.comparison", "r:tuple", """
@r = ([1, 2] < [1, 2, 0], (1, "a") < (1, "b"), [1, [2]] == [1, [2]], [] == (), {1: 2} == {1.0: 2}, "a" < "B", [float("nan")] == [float("nan")], (1, 2) <= (1, 2), range(0, 5, 2) == range(0, 6, 2), sorted([(2, "a"), (1, "b")]))
"""),
    feature("container.range", "r:tuple", """
@s = range(10, -5, -4)
@r = (list(@s), len(@s), @s[-1], @s[1:][0], -2 in @s, 3.0 in range(5), @s.index(6), @s.count(99), list(reversed(range(0, 7, 3))), @s[::-1], bool(range(0)))
""", "range.index range.count builtins.range"),
    feature("container.slice object", "r:tuple", """
@s = slice(None, $int, -2)
@r = (@s.indices(7), @s.step, "abcdefg"[@s], @s == slice(None, @s.stop, -2))
""", "slice.indices"),
    feature("container.list subclass", "a:object r:tuple", """
class @L(list):
    def __init__(self, *args):
        super().__init__(*args)
        self.extra = "kept"

    def append(self, v):
        super().append(v * 2)

    def __getitem__(self, key):
        return ("got", super().__getitem__(key))

    def __len__(self):
        return 42

    def __contains__(self, v):
        return True
---
@a = @L([1, 2])
@a.append($int)
@r = (@a[0], len(@a), "x" in @a, list(@a), @a.extra, isinstance(@a, list), type(@a[:]).__name__, [v for v in @a])
"""),
    feature("container.dict subclass", "d:object r:tuple", """
class @D(dict):
    def __missing__(self, key):
        self[key] = made = f"made {key}"
        return made

    def __setitem__(self, key, value):
        super().__setitem__(key, (value, "set"))

    def keys(self):
        return ["not", "the", "keys"]
---
@d = @D(a=1)
@d["b"] = $int
@r = (@d["zz"], @d.get("none"), dict(@d) == @d, list(@d), len(@d), "zz" in @d, @d.pop("a"))
"""),
    feature("container.tuple subclass", "a:object r:tuple", """
class @T(tuple):
    def __new__(cls, *items):
        self = super().__new__(cls, items)
        self.count_of = len(items)
        return self

    def __add__(self, other):
        return @T(*self, "plus", *other)
---
@a = @T(1, $int, 3)
@b = @a + (4,)
@r = (@a.count_of, @b.count_of, type(@b) is @T, @a == (1, @a[1], 3), @a[-1], type(@a[:2]).__name__)
"""),
    feature("container.int and str subclasses", "a:object b:object r:tuple", """
class @I(int):
    def __add__(self, other):
        return @I(int(self) + int(other) + 100)

    def __repr__(self):
        return f"I({int(self)})"

class @S(str):
    def upper(self):
        return "shouted " + str(self)
---
@a, @b = @I($int), @S("abc")
@r = (@a + 1, 1 + @a, @a * 2, @b.upper(), @b + "d", @b == "abc", {@a: 1}.get(int(@a)), type(@a - 0).__name__)
"""),
    feature("container.set subclass", "s:object r:tuple", """
class @S(set):
    def add(self, v):
        super().add(-v)
---
@s = @S([1, 2])
@s.add(5)
@r = (sorted(@s), type(@s | {9}).__name__, type(@s.copy()).__name__, @s >= {1})
"""),
    feature("container.sort in place", "a:list r:tuple", """
@a = [3, -1, 2, -3, 1]
@first = @a.sort(key=abs, reverse=True)
@a.insert(-100, $int)
@r = (@first, @a.pop(1), @a.index(2), @a.count(3))
@a.reverse()
@a.extend(v for v in "xy")
@a.remove("x")
""", "list.sort list.insert list.pop list.index list.count list.reverse list.extend list.remove builtins.abs"),
    feature("container.of tensors", "a:list d:dict r:tuple", """
@a = [$t, $t + 1]
@d = {"first": @a[0], "sum": sum(each.sum() for each in @a)}
@a[0] = @a[1]
@r = (@a[0] is @a[1], @d["first"] is @a[0], len(@a))
"""),
    feature("container.heap", "h:list r:list", """
import heapq
---
@h = [5, 1, 4, 1]
heapq.heapify(@h)
heapq.heappush(@h, $int)
@r = [heapq.heappop(@h), heapq.heappushpop(@h, 2), heapq.heapreplace(@h, 9)]
@r += heapq.nsmallest(2, @h)
@r += heapq.nlargest(2, @h, key=lambda v: -v)
@r += list(heapq.merge([1, 4], [2, 3]))
""", breaks=True),
    feature("container.bisect", "a:list r:tuple", """
import bisect
---
@a = [1, 3, 3, 7]
@r = (bisect.bisect_left(@a, 3), bisect.bisect(@a, 3), bisect.bisect_right(@a, 0))
bisect.insort(@a, 4)
""", breaks=True),
    feature("container.mutated through arguments", "a:list r:tuple", """
def @f(items, t):
    items.append(t.shape[0] if t.dim() else 0)
    items[0] = "changed"
    items = ["another"]
    return items
---
@a = [0, 1]
@r = (@f(@a, $t),)
"""),
)  # fmt: skip
