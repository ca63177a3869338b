"""A value put into a container, moved about, and taken out again: the same object."""

from __future__ import annotations

from assay.transforms.registry import Writing, run, value


@value("containers.list_alias")
def list_alias(w: Writing) -> list[str]:
    """What one name of a list appends the other takes."""
    a, b = w.fresh("items"), w.fresh("alias")
    return [f"{a} = [None]", f"{b} = {a}", f"{b}.append({w.value})", f"{a}.pop()"]


@value("containers.list_surgery")
def list_surgery(w: Writing) -> list[str]:
    """Insertions, a deletion and a slice assignment leave the value at a known place."""
    a = w.fresh("items")
    return [
        f"{a} = [0, 1, 2]",
        f"{a}.insert(1, {w.value})",
        f"del {a}[0]",
        f"{a}[1:] = [None]",
        f"{a} += [3]",
        f"{a}[0]",
    ]


@value("containers.list_reversed")
def list_reversed(w: Writing) -> list[str]:
    """Reversing in place moves the last item to the front."""
    a = w.fresh("items")
    return [f"{a} = [1, 2, {w.value}]", f"{a}.reverse()", f"{a}.copy()[0]"]


@value("containers.list_multiplied")
def list_multiplied(w: Writing) -> list[str]:
    """The inner list that was repeated is one object, so that what one place writes the other shows."""
    a = w.fresh("rows")
    return [f"{a} = [[None]] * 3", f"{a}[0][0] = {w.value}", f"{a}[2][0]"]


@value("containers.list_sorted")
def list_sorted(w: Writing) -> list[str]:
    """Sorting by the numbers puts the pair with the value first."""
    a = w.fresh("pairs")
    return [f"{a} = [(3, None), (1, {w.value})]", f"{a}.sort(key=lambda pair: pair[0])", f"{a}[0][1]"]


@value("containers.dict_alias")
def dict_alias(w: Writing) -> list[str]:
    """What is set through one name of a dict is read through the other."""
    a, b = w.fresh("table"), w.fresh("alias")
    return [f"{a} = {{}}", f"{b} = {a}", f"{a}['k'] = {w.value}", f"{b}.get('k')"]


@value("containers.dict_methods")
def dict_methods(w: Writing) -> list[str]:
    """``setdefault`` keeps what is there, ``update`` does not, ``pop`` takes it out."""
    a = w.fresh("table")
    return [f"{a} = dict(k=None)", f"{a}.update(k={w.value}, l=1)", f"{a}.setdefault('k', 2)", f"{a}.pop('k', None)"]


@run("containers.dict_order", extras=("str",))
def dict_order(w: Writing) -> list[str]:
    """A dict keeps the order of insertion; a key that was deleted comes back last."""
    a = w.fresh("table")
    return [
        f"{a} = {{'c': 1, 'a': 2, 'b': 3}}",
        f"del {a}['c']",
        *w.body,
        f"{a}['c'] = {w.number % 5}",
        f"{w.extras[0]} = str(list({a}.items()))",
    ]


@run("containers.set_order_free", extras=("str",))
def set_order_free(w: Writing) -> list[str]:
    """Sets are their elements, in no order."""
    a = w.fresh("numbers")
    return [
        f"{a} = {{1, 2, 3}}",
        f"{a}.add({w.number % 9})",
        f"{a}.discard(2)",
        *w.body,
        f"{w.extras[0]} = str(sorted({a} ^ {{3, 4}})) + str({a} >= {{1}}) + str(len({a} | {{1}}))",
    ]


@value("containers.tuple_nested")
def tuple_nested(w: Writing) -> list[str]:
    """Unpacking follows the nesting."""
    a, rest = w.fresh("first"), w.fresh("rest")
    return [f"({a}, (*{rest}, _)), _ = ({w.value}, (1, 2, 3)), 4", f"{a} if {rest} == [1, 2] else None"]


@value("containers.tuple_added")
def tuple_added(w: Writing) -> list[str]:
    """Tuples are joined in order."""
    return [f"((1,) + ({w.value},) * 2)[-1]"]


@value("containers.swapped")
def swapped(w: Writing) -> list[str]:
    """Swapped twice, both are where they were."""
    a, b = w.fresh("a"), w.fresh("b")
    return [f"{a}, {b} = {w.value}, None", f"{a}, {b} = {b}, {a}", f"{b}, {a} = {a}, {b}", a]


@value("containers.deque")
def deque(w: Writing) -> list[str]:
    """Rotating moves items from one end to the other."""
    a = w.fresh("queue")
    return [f"{a} = collections.deque([1, 2])", f"{a}.appendleft({w.value})", f"{a}.rotate(-1)", f"{a}.pop()"]


@value("containers.deque_bounded")
def deque_bounded(w: Writing) -> list[str]:
    """A full deque drops the item at its other end."""
    a = w.fresh("queue")
    return [f"{a} = collections.deque(maxlen=2)", f"{a}.extend([None, 1, {w.value}])", f"{a}.popleft()", f"{a}[0]"]


@value("containers.ordered_dict")
def ordered_dict(w: Writing) -> list[str]:
    """The key that was moved to the end is popped first."""
    a = w.fresh("table")
    return [f"{a} = collections.OrderedDict(k={w.value}, l=None)", f"{a}.move_to_end('k')", f"{a}.popitem()[1]"]


@value("containers.default_dict")
def default_dict(w: Writing) -> list[str]:
    """A missing key gets a new list."""
    a = w.fresh("table")
    return [f"{a} = collections.defaultdict(list)", f"{a}['k'].append({w.value})", f"{a}['l']", f"{a}['k'][0]"]


@value("containers.chain_map")
def chain_map(w: Writing) -> list[str]:
    """The first mapping that has the key gives the value."""
    return [f"collections.ChainMap({{'a': 1}}, {{'k': {w.value}}}, {{'k': None}})['k']"]


@run("containers.counter", extras=("str",))
def counter(w: Writing) -> list[str]:
    """Counters add up."""
    a = w.fresh("counts")
    return [
        f"{a} = collections.Counter('abca')",
        f"{a}.update(b={w.number % 5})",
        *w.body,
        f"{w.extras[0]} = str(sorted({a}.items())) + str({a}['z'])",
    ]


@value("containers.named_tuple")
def named_tuple(w: Writing) -> list[str]:
    """``_replace`` changes one field of a copy."""
    pair = w.define("Pair", "{} = collections.namedtuple('Pair', ['left', 'right'])")
    a = w.fresh("pair")
    return [f"{a} = {pair}(left={w.value}, right=1)", f"{a}._replace(right=2).left"]


@value("containers.named_tuple_class")
def named_tuple_class(w: Writing) -> list[str]:
    """A field that is not given has its default, and methods see the fields."""
    typed = w.define(
        "Typed", "class {}(typing.NamedTuple):", "    value: typing.Any", "    count: int = 3",
        "    def first(self):", "        return self.value if self.count == 3 else None",
    )  # fmt: skip
    return [f"{typed}({w.value}).first()"]


@value("containers.dataclass")
def dataclass(w: Writing) -> list[str]:
    """A dataclass keeps what it is given; its list is its own."""
    record = w.define(
        "Record", "@dataclasses.dataclass", "class {}:", "    value: object",
        "    log: list = dataclasses.field(default_factory=list)", "    def __post_init__(self):",
        "        self.log.append('made')",
    )  # fmt: skip
    a = w.fresh("record")
    return [
        f"{a} = {record}({w.value})",
        f"{a}.log.append('used')",
        f"{a}.value if {record}(1).log == ['made'] else None",
    ]


@value("containers.frozen_dataclass")
def frozen_dataclass(w: Writing) -> list[str]:
    """``replace`` makes a record with one other field."""
    frozen = w.define(
        "Frozen", "@dataclasses.dataclass(frozen=True, slots=True)", "class {}:", "    value: object",
        "    number: int = 0",
    )  # fmt: skip
    return [f"dataclasses.replace({frozen}({w.value}), number={w.number % 9}).value"]


@value("containers.namespace")
def namespace(w: Writing) -> list[str]:
    """A namespace keeps its attributes in its dict."""
    a = w.fresh("space")
    return [f"{a} = types.SimpleNamespace(k=None)", f"{a}.k = {w.value}", f"vars({a})['k']"]


@value("containers.list_subclass")
def list_subclass(w: Writing) -> list[str]:
    """The subclass counts its items from one."""
    from_one = w.define(
        "FromOne", "class {}(list):", "    def __getitem__(self, k):", "        return super().__getitem__(k - 1)",
        "    def append(self, item):", "        super().append((item,))",
    )  # fmt: skip
    a = w.fresh("items")
    return [f"{a} = {from_one}([None])", f"{a}.append({w.value})", f"{a}[2][0]"]


@value("containers.dict_subclass")
def dict_subclass(w: Writing) -> list[str]:
    """The subclass answers for a missing key."""
    missing = w.define(
        "Missing", "class {}(dict):", "    def __missing__(self, key):", "        return self['default']",
    )  # fmt: skip
    return [f"{missing}(default={w.value})['absent']"]


@value("containers.dict_subclass_set")
def dict_subclass_set(w: Writing) -> list[str]:
    """The subclass stores under lower case, whichever way it is set by its own method."""
    lower = w.define(
        "Lower", "class {}(dict):", "    def __setitem__(self, key, item):",
        "        super().__setitem__(key.lower(), item)", "    def __contains__(self, key):",
        "        return super().__contains__(key.lower())",
    )  # fmt: skip
    a = w.fresh("table")
    return [f"{a} = {lower}()", f"{a}['KEY'] = {w.value}", f"{a}['key'] if 'Key' in {a} else None"]


@value("containers.set_subclass")
def set_subclass(w: Writing) -> list[str]:
    """The subclass says that it contains everything."""
    everything = w.define("Everything", "class {}(set):", "    def __contains__(self, item):", "        return True")
    return [f"{w.value} if 5 in {everything}() and len({everything}((1,))) == 1 else None"]


@value("containers.tuple_subclass")
def tuple_subclass(w: Writing) -> list[str]:
    """The subclass is made with one more item in front."""
    shifted = w.define(
        "Shifted", "class {}(tuple):", "    def __new__(cls, *items):",
        "        return super().__new__(cls, (None, *items))",
    )  # fmt: skip
    return [f"{shifted}({w.value})[1]"]


@value("containers.user_dict")
def user_dict(w: Writing) -> list[str]:
    """A UserDict keeps its items in ``data``."""
    a = w.fresh("table")
    return [f"{a} = collections.UserDict(k=None)", f"{a}['k'] = {w.value}", f"{a}.data['k']"]


@value("containers.mapping_proxy")
def mapping_proxy(w: Writing) -> list[str]:
    """A proxy shows the dict as it is now."""
    a, b = w.fresh("table"), w.fresh("proxy")
    return [f"{a} = {{}}", f"{b} = types.MappingProxyType({a})", f"{a}['k'] = {w.value}", f"{b}['k']"]


@value("containers.heap")
def heap(w: Writing) -> list[str]:
    """The smallest number comes off the heap first."""
    a = w.fresh("heap")
    return [
        f"{a} = []",
        f"heapq.heappush({a}, (3, None))",
        f"heapq.heappush({a}, (1, {w.value}))",
        f"heapq.heappop({a})[1]",
    ]


@value("containers.tuple_keys")
def tuple_keys(w: Writing) -> list[str]:
    """Equal tuples are one key; 1 and True too."""
    return [f"{{(1, 'a'): {w.value}, (2, 'a'): None}}[(True, 'a')]"]


@value("containers.enum_keys")
def enum_keys(w: Writing) -> list[str]:
    """Members of an enumeration are keys by identity, and are found by value and by name."""
    color = w.define("Color", "class {}(enum.Enum):", "    RED = 1", "    BLUE = 2")
    return [f"{{{color}.RED: None, {color}.BLUE: {w.value}}}[{color}(2) if {color}['RED'].value == 1 else None]"]


@value("containers.copied")
def copied(w: Writing) -> list[str]:
    """A shallow copy is another list of the same items."""
    a, b = w.fresh("items"), w.fresh("copied")
    return [f"{a} = [{w.value}, [1]]", f"{b} = copy.copy({a})", f"{a}[0] = None", f"{b}[0]"]


@value("containers.tensor_key")
def tensor_key(w: Writing) -> list[str]:
    """A tensor is a key by its identity."""
    return [f"{{{w.value}: {w.value}}}[{w.value}]"]


@value("containers.nested_mutation")
def nested_mutation(w: Writing) -> list[str]:
    """The innermost list is reached by two paths."""
    inner, outer = w.fresh("inner"), w.fresh("outer")
    return [
        f"{inner} = []",
        f"{outer} = {{'a': ({inner}, {{'b': {inner}}})}}",
        f"{outer}['a'][1]['b'].append({w.value})",
        f"{outer}['a'][0][-1]",
    ]


@value("containers.unpacked_call")
def unpacked_call(w: Writing) -> list[str]:
    """Dicts are merged from left to right."""
    return [f"{{**{{'k': None, 'l': 1}}, **dict(k={w.value})}}['k']"]


@value("containers.zip_dict")
def zip_dict(w: Writing) -> list[str]:
    """A dict of two lists pairs them by position."""
    return [f"dict(zip(['a', 'b'], [None, {w.value}], strict=True))['b']"]
