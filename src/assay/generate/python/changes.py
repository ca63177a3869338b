"""What changes between the calls of a program and back again: arguments, captures, attributes, globals, flags, modes.

A change is a text that reads something, and the two states of what it reads. Compiled code has to notice: whatever it
assumed of the first call is wrong in the second, and right again in the third. Most are guards; some (hooks, class
attributes of a base, a closure's cell) are places where a guard is easily forgotten.
"""

from __future__ import annotations

from dataclasses import dataclass

from assay.generate.python.feature import Feature, feature


@dataclass(frozen=True, slots=True)
class Change:
    """``reads`` is the text that the program runs. ``arguments`` are names of inputs with the expressions that make
    them in the one state and in the other; ``there`` and ``back`` are statements that lead from one to the other.
    ``watched`` are globals that are compared afterwards.
    """

    reads: Feature
    arguments: tuple[tuple[str, str, str], ...] = ()
    there: str = ""
    back: str = ""
    watched: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The name of what it reads."""
        return self.reads.name


TENSOR_READS = """
if isinstance(@p, torch.Tensor):
    @u = $t.sum() + @p.sum()
    @r = (@p.dtype, @p.dim(), tuple(@p.shape), @p.is_contiguous(), @p.requires_grad)
    if @p.dim() and @p.shape[0] > 3:
        @u = @u * 2
elif @p is None:
    @u = $t.sum()
    @r = None
else:
    @u = $t.sum() + @p
    @r = (type(@p).__name__, @p)
"""
PYTHON_READS = """
@u = $t
@r = type(@p).__name__
if isinstance(@p, dict):
    for @key, @value in @p.items():
        @u = @u * 2 + @value
    @r = (@r, list(@p))
elif isinstance(@p, (list, tuple)):
    for @value in @p:
        @u = @u * 2 + @value
    @r = (@r, len(@p), @p[-1:] + @p[:1])
elif isinstance(@p, str):
    @u = @u + len(@p)
    @r = (@r, @p.upper())
elif @p is not None:
    @u = @u + @p
    @r = (@r, @p, @p == 1, bool(@p))
@u = @u.clamp(-99, 99)
"""
ROW = "torch.arange(4.) - 1"


def _marked(function: str, size: int) -> str:
    """A row whose dimension Dynamo is told something about."""
    return f"(lambda t: (torch._dynamo.{function}(t, 0), t)[1])(torch.arange({size}.) - 1)"


TENSORS = {
    "dtype": (ROW, "torch.arange(4) - 1"),
    "half dtype": (ROW, f"({ROW}).to(torch.bfloat16)"),
    "double dtype": (ROW, f"({ROW}).double()"),
    "bool dtype": (ROW, "torch.tensor([True, False, True, True])"),
    "rank": (ROW, "(torch.arange(4.) - 1).reshape(2, 2)"),
    "size": (ROW, "torch.arange(3.) - 1"),
    "size one": (ROW, "torch.arange(1.)"),
    "size zero": (ROW, "torch.arange(0.)"),
    "0-d tensor and number": ("torch.tensor(2.)", "2.0"),
    "0-d tensor and integer": ("torch.tensor(2)", "2"),
    "0-d and one element": ("torch.tensor(2.)", "torch.tensor([2.])"),
    "strides": ("torch.arange(6.).reshape(2, 3)", "torch.arange(6.).reshape(3, 2).t()"),
    "expanded strides": ("torch.ones(2, 3)", "torch.ones(1, 3).expand(2, 3)"),
    "offset": (ROW, "torch.arange(6.)[2:]"),
    "requires_grad": (ROW, f"({ROW}).requires_grad_()"),
    "tensor and None": (ROW, "None"),
    "parameter": (ROW, f"torch.nn.Parameter({ROW})"),
    "marked dynamic": (ROW, _marked("maybe_mark_dynamic", 6)),
    "marked dynamic, then not": (_marked("maybe_mark_dynamic", 4), ROW),
    "marked static": (ROW, _marked("mark_static", 5)),
    "attribute of a tensor": (ROW, f"({ROW}).neg().abs_()"),
}
VALUES = {
    "int value": ("3", "4"),
    "int one": ("3", "1"),
    "int zero": ("2", "0"),
    "negative int": ("2", "-2"),
    "large int": ("2", "2**40"),
    "bool and int": ("True", "1"),
    "int and float": ("2", "2.0"),
    "float value": ("0.5", "2.25"),
    "float nan": ("0.5", "float('nan')"),
    "float signed zero": ("0.0", "-0.0"),
    "value and None": ("2", "None"),
    "str value": ("'ab'", "'abc'"),
    "list length": ("[1, 2]", "[1, 2, 3]"),
    "list values": ("[1, 2]", "[2, 1]"),
    "list empty": ("[1]", "[]"),
    "list and tuple": ("[1, 2]", "(1, 2)"),
    "key order": ("{'a': 1, 'b': 2}", "{'b': 2, 'a': 1}"),
    "keys": ("{'a': 1, 'b': 2}", "{'a': 1, 'c': 2}"),
    "key types": ("{1: 1, 2: 2}", "{True: 1, 2: 2}"),
    "dict type": ("{'a': 1, 'b': 2}", "collections.OrderedDict(b=2, a=1)"),
    "dict and defaultdict": ("{'a': 1}", "collections.defaultdict(int, a=1)"),
    "list of tensors": ("[torch.ones(2, 1)]", "[torch.ones(2, 1), torch.ones(1)]"),
    "list of mixed": ("[1, torch.tensor(2.)]", "[torch.tensor(2.), 1]"),
}


def _change(
    name: str,
    gives: str,
    text: str,
    *,
    there: str = "",
    back: str = "",
    arguments: tuple[tuple[str, str, str], ...] = (),
    watched: str = "",
) -> Change:
    return Change(feature(f"change.{name}", gives, text), arguments, there, back, tuple(watched.split()))


CHANGES: tuple[Change, ...] = (
    *(
        _change(name, "u:t r:object", TENSOR_READS, arguments=(("@p", one, other),))
        for name, (one, other) in TENSORS.items()
    ),
    *(
        _change(name, "u:t r:object", PYTHON_READS, arguments=(("@p", one, other),))
        for name, (one, other) in VALUES.items()
    ),
    _change(
        "aliases",
        "r:tuple u:t",
        """
@r = (@p is @q, @p.shape == @q.shape)
@u = @p + 1
@p.add_(1)
@u = @u + @q
""",
        arguments=(("@p", ROW, ROW), ("@q", "torch.arange(4.)", "@p")),
    ),
    _change(
        "views of one base",
        "u:t r:object",
        """
@q.mul_(2)
@r = @p.sum()
@u = @p[:2] - @q[:2]
""",
        arguments=(("@p", ROW, ROW), ("@q", "torch.arange(2.)", "@p[1:3]")),
    ),
    _change(
        "aliased lists",
        "r:tuple",
        """
@p.append(5)
@r = (@p is @q, len(@q))
""",
        arguments=(("@p", "[1]", "[1]"), ("@q", "[1]", "@p")),
    ),
    _change(
        "sizes both ways",
        "u:t r:int",
        """
@u = @p * 2
if @p.shape[0] > 4:
    @u = @u - 1
    @r = @p.shape[0]
elif @p.shape[0] == @p.shape[1]:
    @u = @u.t()
    @r = -@p.shape[1]
else:
    @r = @p.shape[0] * 10
@u = @u.sum(0)
""",
        arguments=(("@p", "torch.ones(3, 2)", "torch.ones(6, 2)"),),
    ),
    _change(
        "sizes equal",
        "u:t r:object",
        """
@r = @p.shape[0] == @q.shape[0]
@u = @p + @q if @r else @p.sum() - @q.sum()
""",
        arguments=(("@p", "torch.ones(3)", "torch.ones(4)"), ("@q", "torch.arange(3.)", "torch.arange(5.)")),
    ),
    _change(
        "type of an object",
        "u:t r:object",
        """
class @A:
    scale = 2

    def f(self, t):
        return t * self.scale

class @B(@A):
    def f(self, t):
        return t - self.scale
---
@u = @p.f($t)
@r = isinstance(@p, @B)
""",
        arguments=(("@p", "@A()", "@B()"),),
    ),
    _change(
        "global number",
        "u:t r:object",
        "@G = 2\n---\n@u = ($t * @G).clamp(-99, 99)\n@r = @G\n",
        there="@G = 3",
        back="@G = 2",
    ),
    _change(
        "global type", "u:t r:object", "@G = 2\n---\n@u = $t + @G\n@r = type(@G).__name__\n", there="@G = 2.5",
        back="@G = 2",
    ),
    _change(
        "global None",
        "u:t r:object",
        "@G = None\n---\n@u = $t if @G is None else $t + @G\n@r = @G\n",
        there="@G = 1",
        back="@G = None",
    ),
    _change(
        "global list grows",
        "u:t r:object",
        "@G = [1, 2]\n---\n@u = $t + len(@G)\n@G.append(7)\n@r = @G[-1]\n",
        there="@G.extend([3, 4])",
        back="del @G[2:]",
        watched="@G",
    ),
    _change(
        "global dict",
        "u:t r:object",
        "@G = {'mode': 'a', 'k': 1}\n---\n@u = $t + @G['k'] if @G.get('mode') == 'a' else $t - @G['k']\n@r = list(@G)\n",
        there="@G = {'k': 1, 'mode': 'b'}",
        back="@G['mode'] = 'a'\n@G['k'] = @G.pop('k')",
        watched="@G",
    ),
    _change(
        "global tensor",
        "u:t r:object",
        "@G = torch.ones(2)\n---\n@u = @G.sum() + $t\n@r = @G.dtype\n",
        there="@G = torch.arange(3)",
        back="@G = torch.ones(2)",
    ),
    _change(
        "global function",
        "u:t",
        "def @f(t):\n    return t + 1\n\n@g = @f\n\ndef @h(t):\n    return t - 1\n---\n@u = @g($t)\n",
        there="@g = @h",
        back="@g = @f",
    ),
    _change(
        "class attribute",
        "u:t r:object",
        "class @C:\n    k = 2\n\n@o = @C()\n---\n@u = ($t * @o.k).clamp(-99, 99)\n@r = (@C.k, @o.k)\n",
        there="@C.k = 3",
        back="@C.k = 2",
        watched="@C",
    ),
    _change(
        "class attribute of a base",
        "u:t r:object",
        "class @A:\n    k = 2\n\nclass @C(@A):\n    pass\n\n@o = @C()\n---\n@u = ($t * @o.k).clamp(-99, 99)\n@r = @o.k\n",
        there="@A.k = 3",
        back="@A.k = 2",
    ),
    _change(
        "class attribute shadowed",
        "u:t r:object",
        "class @A:\n    k = 2\n\nclass @C(@A):\n    pass\n\n@o = @C()\n---\n@u = ($t * @o.k).clamp(-99, 99)\n@r = @o.k\n",
        there="@C.k = 5",
        back="del @C.k",
    ),
    _change(
        "object attribute",
        "u:t r:object",
        "class @C:\n    k = 2\n\n@o = @C()\n@o.v = 1\n---\n@u = $t + @o.v\n@o.v += 0\n@r = @o.k\n",
        there="@o.v = 1.5",
        back="@o.v = 1",
        watched="@o",
    ),
    _change(
        "__dict__ shadows",
        "u:t r:object",
        "class @C:\n    k = 2\n\n    def f(self, t):\n        return t * 2\n\n@o = @C()\n---\n@u = @o.f($t)\n@r = @o.k\n",
        there="@o.__dict__.update(k=7, f=lambda t: t - 7)",
        back="@o.__dict__.clear()",
    ),
    _change(
        "method replaced",
        "u:t",
        "class @C:\n    def f(self, t):\n        return t * 2\n\n@o = @C()\n@old = @C.f\n---\n@u = @o.f($t)\n",
        there="@C.f = lambda self, t: t + 5",
        back="@C.f = @old",
    ),
    _change(
        "property replaced",
        "u:t",
        "class @C:\n    @@property\n    def k(self):\n        return 3\n\n@o = @C()\n@old = @C.k\n---\n@u = $t + @o.k\n",
        there="@C.k = property(lambda self: 4)",
        back="@C.k = @old",
    ),
    _change(
        "bases of a class",
        "u:t r:object",
        "class @A:\n    k = 1\n\nclass @B:\n    k = 4\n\nclass @C(@A):\n    pass\n---\n@u = $t + @C().k\n"
        "@r = isinstance(@C(), @A)\n",
        there="@C.__bases__ = (@B,)",
        back="@C.__bases__ = (@A,)",
    ),
    _change(
        "class of an object",
        "u:t r:object",
        "class @A:\n    k = 1\n\nclass @B:\n    k = 4\n\n@o = @A()\n---\n@u = $t + @o.k\n@r = isinstance(@o, @A)\n",
        there="@o.__class__ = @B",
        back="@o.__class__ = @A",
    ),
    _change(
        "defaults",
        "u:t",
        "def @f(t, k=1, *, m=2):\n    return t + k - m\n---\n@u = @f($t)\n",
        there="@f.__defaults__, @f.__kwdefaults__ = (5,), {'m': 0}",
        back="@f.__defaults__, @f.__kwdefaults__ = (1,), {'m': 2}",
    ),
    _change(
        "code of a function",
        "u:t",
        "def @f(t):\n    return t + 1\n\ndef @h(t):\n    return t - 1\n\n@code = @f.__code__\n---\n@u = @f($t)\n",
        there="@f.__code__ = @h.__code__",
        back="@f.__code__ = @code",
    ),
    _change(
        "cell of a closure",
        "u:t",
        "def @make(k):\n    def inner(t):\n        return t + k\n    return inner\n\n@f = @make(1)\n---\n@u = @f($t)\n",
        there="@f.__closure__[0].cell_contents = 4",
        back="@f.__closure__[0].cell_contents = 1",
    ),
    _change(
        "one code, other captures",
        "u:t r:object",
        "def @make(k, scale):\n    def inner(t):\n        return t * scale + k\n    return inner\n\n@fs = [@make(1, 2), @make(-1, 1)]\n"
        "@f = @fs[0]\n---\n@u = @f($t).clamp(-99, 99)\n@r = [f(1) for f in @fs]\n",
        there="@f = @fs[1]",
        back="@f = @fs[0]",
    ),
    _change(
        "captures passed",
        "u:t",
        "def @make(k):\n    return lambda t: t + k\n---\n@u = @p($t)\n",
        arguments=(("@p", "@make(1)", "@make(torch.tensor(2.))"),),
    ),
    _change(
        "partial",
        "u:t",
        "def @f(t, k, m=0):\n    return t + k - m\n---\n@u = @p($t)\n",
        arguments=(("@p", "functools.partial(@f, k=1)", "functools.partial(@f, k=1, m=3)"),),
    ),
    _change(
        "training mode",
        "u:t r:object",
        """
class @N(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.k = 2
        self.drop = torch.nn.Dropout(1.0)

    def forward(self, t):
        return self.drop(t + self.k)

@n = @N()
---
@u = @n($t)
@r = (@n.training, @n.drop.training)
""",
        there="@n.eval()",
        back="@n.train()",
    ),
    _change(
        "module attribute",
        "u:t",
        """
class @N(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.k, self.items = 2, [1]
        self.register_buffer("b", torch.ones(1))

    def forward(self, t):
        self.k += 0
        return t + self.k + len(self.items) + self.b

@n = @N()
---
@u = @n($t)
""",
        there="@n.k = 5\n@n.items.append(2)\n@n.b = torch.zeros(1)",
        back="@n.k = 2\n@n.items.pop()\n@n.b = torch.ones(1)",
    ),
    _change(
        "submodule replaced",
        "u:t",
        "@n = torch.nn.Sequential(torch.nn.ReLU(), torch.nn.Identity())\n---\n@u = @n($t)\n",
        there="@n[1] = torch.nn.Softsign() if False else torch.nn.ReLU6()",
        back="@n[1] = torch.nn.Identity()",
    ),
    _change(
        "grad mode left off",
        "u:t r:object",
        "@r = torch.is_grad_enabled()\n@u = $t * 1\n",
        there="torch.set_grad_enabled(False)",
        back="torch.set_grad_enabled(True)",
    ),
    _change(
        "default dtype",
        "u:object r:object",
        "@u = torch.ones(2) + 1\n@r = @u.dtype\n",
        there="torch.set_default_dtype(torch.float64)",
        back="torch.set_default_dtype(torch.float32)",
    ),
    _change(
        "deterministic",
        "r:object u:t",
        "@r = torch.are_deterministic_algorithms_enabled()\n@u = $t + @r\n",
        there="torch.use_deterministic_algorithms(True)",
        back="torch.use_deterministic_algorithms(False)",
    ),
    _change(
        "autocast",
        "r:object u:t",
        "@r = torch.is_autocast_enabled('cpu')\n@m = torch.ones(2, 2) @ torch.ones(2, 2)\n@u = $t + @m.sum().float()\n",
        there="torch.set_autocast_enabled('cpu', True)",
        back="torch.set_autocast_enabled('cpu', False)",
    ),
    _change("reset in between", "u:t", "@u = $t + 1\n", there="torch._dynamo.reset()", back="torch._dynamo.reset()"),
)  # fmt: skip

CONTEXTS = ("torch.no_grad()", "torch.inference_mode()", "torch.enable_grad()")
