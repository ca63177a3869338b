"""Witnesses for Dynamo: exceptions, context managers, classes, graph breaks, numbers, strings."""

from __future__ import annotations

import collections
import functools
import math

import torch
from torch import randint, randn

from benchmarks.mutants.witnesses import witness


@witness(lambda: (randn(3),))
def exceptions_handled(x):
    try:
        if x.shape[0] == 3:
            raise ValueError("three")
        y = x
    except ValueError as error:
        y = x * len(str(error))
    else:
        y = x - 1
    finally:
        z = x + 1
    return y, z


@witness(lambda: (randn(3),))
def exceptions_that_leave(x):
    if x.dim() == 1:
        raise KeyError("one dimension")
    return x


@witness(lambda: (randn(3),))
def missing_key(x):
    table = {"a": x}
    try:
        return table["b"]
    except KeyError:
        return table.get("b", x * 2), table.setdefault("c", x + 5)


@witness(lambda: (randn(3, requires_grad=True),))
def no_grad_block(x):
    with torch.no_grad():
        y = x * 2
    z = x * 3
    return y, z, y.requires_grad, z.requires_grad, torch.is_grad_enabled()


@witness(lambda: (randn(3, requires_grad=True),))
def grad_mode_left_off(x):
    before = torch.is_grad_enabled()
    torch.set_grad_enabled(False)
    y = x * 2
    torch.set_grad_enabled(before)
    return y, x * 3


@witness(lambda: (randn(3, 3),))
def autocast_block(x):
    with torch.autocast("cpu", dtype=torch.bfloat16):
        y = x @ x
    return y, x @ x


@witness(lambda: (randn(3),))
def graph_break_in_middle(x):
    y = x * 2
    torch._dynamo.graph_break()
    z = y + x
    torch._dynamo.graph_break()
    return z * y, [y, z]


@witness(lambda: (randn(3),))
def graph_break_in_loop(x):
    for i in range(3):
        x = x + i
        if i == 1:
            torch._dynamo.graph_break()
    return x


@witness(lambda: (randn(3),))
def graph_break_in_callee(x):
    def inner(y):
        y = y * 3
        torch._dynamo.graph_break()
        return y + 1

    table = {"k": x}
    z = inner(table["k"])
    return z - table["k"]


@witness(lambda: (randn(3, 4),))
def partials_and_lambdas(x):
    double = functools.partial(torch.mul, other=2)
    clamp = functools.partial(torch.clamp, min=-0.5)
    return double(x), clamp(x, max=0.5), (lambda t, k=3: t * k)(x)


Point = collections.namedtuple("Point", ["x", "y"])


@witness(lambda: (Point(randn(3), randn(3)),))
def named_tuples(p):
    q = p._replace(x=p.y)
    return Point(p.x + q.x, q[1] * 2), p.y


@witness(lambda: (randn(3),))
def ordered_and_default_dicts(x):
    groups = collections.defaultdict(list)
    for i in range(4):
        groups[i % 2].append(x * i)
    ordered = collections.OrderedDict(b=x, a=x * 2)
    ordered.move_to_end("b")
    queue = collections.deque([x, x * 2], maxlen=2)
    queue.append(x * 3)
    return dict(groups), list(ordered), queue[0], queue.pop()


@witness(lambda: (randn(4),))
def sets_and_membership(x):
    seen = {1, 2}
    seen.add(3)
    seen |= {5}
    y = x * len(seen & {2, 3, 4})
    return (y + 1) if 5 in seen else y, 7 not in seen, sorted(seen - {1}), frozenset([1]) <= seen


@witness(lambda: (randn(4),))
def strings_and_formats(x):
    name = f"{x.shape[0]}-{'ab'.upper()}"
    parts = name.split("-")
    return x * int(parts[0]), parts[1].lower().startswith("a"), "-".join(reversed(parts)), name.replace("A", "B")


@witness(lambda: (randn(2, 3),))
def list_methods(x):
    items = [x, x * 2, x * 3]
    items.extend([x * 4])
    items.reverse()
    popped = items.pop(1)
    numbers = [3, 1, 2]
    numbers.sort()
    return items[1:], popped, numbers, numbers.index(2), items[::-1][0], [0] * 2 + [1]


@witness(lambda: (randn(2, 3, 4),))
def tensor_attributes(x):
    y = x.new_zeros(x.shape[1:]) + x.ndim + x.numel()
    return y, x.dtype == torch.float32, x.is_contiguous(), tuple(x.stride()), x.T.shape if x.ndim == 2 else x.mT.shape


@witness(lambda: (randn(5),))
def math_and_numbers(x):
    k = math.sqrt(x.shape[0]) + math.floor(2.7) + divmod(7, 3)[1] + pow(2, 3) + abs(-1) + round(2.5)
    return x * k, math.ceil(0.1), 7 // -2, -7 % 3, 1 < 2 < 3, bool(x.shape[0]) and not False


@witness(lambda: (randn(3), None), lambda: (randn(3), randn(3)))
def optional_argument(x, bias):
    if bias is None:
        return x * 2
    return x * 2 + bias


@witness(lambda: (randn(3),))
def walrus_and_while(x):
    n, steps = 10, 0
    while (n := n // 2) > 1:
        steps += 1
        if steps == 5:
            break
        if n == 2:
            continue
        x = x + n
    return x, steps


@witness(lambda: (randn(3),))
def type_checks(x):
    kinds = [
        isinstance(x, torch.Tensor),
        isinstance(1, (int, float)),
        callable(torch.add),
        type(x) is torch.Tensor,
        hasattr(x, "foo"),
    ]
    return x * sum(kinds), kinds, getattr(x, "nothing", 3), issubclass(bool, int)


class Base:
    def scale(self, x):
        return x * 2


class Child(Base):
    def scale(self, x):
        return super().scale(x) + 1

    @staticmethod
    def fixed(x):
        return x - 4

    @classmethod
    def named(cls, x):
        return x * len(cls.__name__)


@witness(lambda: (randn(3),))
def inheritance(x):
    child = Child()
    return child.scale(x), Child.fixed(x), child.named(x), Base.scale(child, x)


class Meter:
    def __enter__(self):
        self.scale = 5
        return self

    def __exit__(self, *error):
        self.scale = 1
        return False


@witness(lambda: (randn(3),))
def user_context_manager(x):
    with Meter() as meter:
        y = x * meter.scale
    return y, x * meter.scale


@witness(lambda: (randn(3),))
def numpy_inside(x):
    import numpy as np

    array = x.numpy()
    return torch.from_numpy(np.sum(array) + array * 2)


class Twice(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, k):
        ctx.save_for_backward(x)
        ctx.k = k
        return x * x * k

    @staticmethod
    def backward(ctx, grad):
        (x,) = ctx.saved_tensors
        return grad * x * 3 * ctx.k, None


@witness(lambda: (randn(3),), training=True)
def custom_autograd_function(x):
    return Twice.apply(x, 2).sin()


@witness(lambda: (randn(3, 3), randn(3)))
def functional_transforms(w, x):
    def f(v):
        return (w @ v).sin().sum()

    return torch.func.grad(f)(x), torch.func.vmap(lambda row: row * x)(w)


@witness(lambda: (randn(3), randn(3)))
def conditional_operator(x, y):
    return torch.cond(x.sum() > y.sum(), lambda a, b: a + b, lambda a, b: a - b, (x, y))


@witness(lambda: (randn(4, 3), randint(0, 3, (4,))), lambda: (randn(6, 3), randint(0, 3, (6,))), dynamic=True)
def dynamic_python_arithmetic(x, i):
    n = x.shape[0]
    total = x.new_zeros(n // 2 + 1)
    if n % 2 == 0 and n > 2:
        total = total + n
    return total, x[torch.arange(n), i] * (n - 1), x.view(n * 3)[: n + 1], [n, n**2, -n, max(n, 3)]


@witness(lambda: (randn(3), randn(3)), lambda: (randn(3),) * 2)
def duplicate_argument(x, y):
    x.add_(1)
    return x * y, x is y


@witness(lambda: (randn(3),))
def return_structures(x):
    return [x, (x + 1, {"k": x * 2, "n": None})], "text", 3, 2.5, x, True
