"""Tensors among Python: subclasses, modes, attributes, modules, custom functions, contexts, conversions."""

from __future__ import annotations

from assay.generate.python.feature import feature

FEATURES = (
    feature("tensor.subclass", "u:object r:tuple", """
class @T(torch.Tensor):
    seen = []

    @@classmethod
    def __torch_function__(cls, func, types, args=(), kwargs=None):
        cls.seen.append(getattr(func, "__name__", "?"))
        return super().__torch_function__(func, types, args, kwargs or {})
---
@a = $t.detach().as_subclass(@T)
@b = @a + 1
@u = torch.add(@a, @b)
@r = (type(@b).__name__ == @T.__name__, isinstance(@u, @T), len(@T.seen) > 2)
"""),
    feature("tensor.subclass made plain", "u:t", """
class @T(torch.Tensor):
    def twice(self):
        return self * 2
---
@u = $t.detach().as_subclass(@T).twice().as_subclass(torch.Tensor)
""", breaks=True),
    feature("tensor.subclass scales", "u:object", """
class @T(torch.Tensor):
    @@classmethod
    def __torch_function__(cls, func, types, args=(), kwargs=None):
        result = super().__torch_function__(func, types, args, kwargs or {})
        if func in (torch.add, torch.Tensor.add, torch.Tensor.__add__):
            return result * 2
        return result
---
@a = $t.detach().as_subclass(@T)
@u = (torch.add(@a, 1) + @a.add(2) + (@a + 3)).clamp(-99, 99)
"""),
    feature("tensor.subclass returned", "u:object", """
class @T(torch.Tensor):
    def twice(self):
        return self * 2
---
@u = $t.detach().as_subclass(@T).twice()
"""),
    feature("tensor.function mode", "u:t log:list", """
class @M(torch.overrides.TorchFunctionMode):
    def __init__(self, log):
        super().__init__()
        self.log = log

    def __torch_function__(self, func, types, args=(), kwargs=None):
        self.log.append(getattr(func, "__name__", "?"))
        return func(*args, **(kwargs or {}))
---
@log = []
@u = $t
with @M(@log):
    @u = torch.neg(@u) + 1
@u = @u.abs()
"""),
    feature("tensor.duck type", "r:list u:t", """
class @D:
    def __init__(self, t):
        self.t = t

    @@classmethod
    def __torch_function__(cls, func, types, args=(), kwargs=None):
        plain = [each.t if isinstance(each, cls) else each for each in args]
        return [func.__name__, func(*plain, **(kwargs or {}))]
---
@r = torch.sub(@D($t), 1)
@u = @r[1]
"""),
    feature("tensor.attributes", "r:tuple u:t", """
@u = $t + 0
@u.note = [1, $int]
@r = (@u.note, hasattr(@u, "note"), @u.dim(), @u.dtype, @u.requires_grad, tuple(@u.shape), @u.shape == torch.Size(list(@u.shape)), @u.numel(), @u.is_contiguous())
"""),
    feature("tensor.shape arithmetic", "u:t r:tuple", """
@u = $t.reshape(-1)
@n = @u.shape[0]
@k = next((k for k in (3, 2, 1) if @n % k == 0), 1)
@u = @u.reshape(@k, -1).sum(-1)
@r = (@k, *@u.shape, len(@u), @u.size(), [*@u.shape][-1] * 2)
"""),
    feature("tensor.iterated", "r:list u:t", """
@u = $t.reshape(-1)
@r = [row * index for index, row in enumerate(@u)]
@first, *@others = @u.unbind()
@r.append(@first + len(@others))
"""),
    feature("tensor.indexing", "r:tuple", """
@u = $t.reshape(1, -1)
@r = (@u[0, ::2], @u[..., -1], @u[:, None, 1:], @u[[0]], @u[0][-1], @u[:, slice(None, 2)], @u.flip(1)[0, :2])
"""),
    feature("tensor.item assignment", "u:t v:object", """
@u = ($t + 0).reshape(-1)
@v = @u[:2]
@u[0] = 5
@u[-1] += 1
@v.mul_(2)
@u[::2] = @u[::2] - 1
"""),
    feature("tensor.identity", "r:tuple", """
@u = $t
@v = @u
@w = @u.view_as(@u)
@r = (@v is @u, @w is @u, @u in [@u], [@u, @u], {"k": @u})
"""),
    feature("tensor.type tests", "r:list", """
@r = [(type(each).__name__, isinstance(each, (int, float)), torch.is_tensor(each), bool(isinstance(each, torch.Tensor) and each.is_floating_point())) for each in ($t, 3, 2.5, None, [1])]
"""),
    feature("tensor.module", "u:t r:tuple", """
class @N(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.register_buffer("scale", torch.tensor(2.0))
        self.steps = 0
        self.inner = torch.nn.ModuleList([torch.nn.Identity(), torch.nn.ReLU()])

    def forward(self, x, *, again=False):
        self.steps += 1
        for layer in self.inner:
            x = layer(x)
        return (x * self.scale if self.training else x - 1).clamp(-99, 99)

@n = @N()
---
@before = @n.steps
@u = @n($t)
@r = (@n.steps - @before, @n.training, [name for name, _ in @n.named_children()], len(@n.inner))
"""),
    feature("tensor.module hooks", "u:t log:list", """
class @N(torch.nn.Module):
    def forward(self, x):
        return x + 1

@log = []
@n = @N()
@n.register_forward_hook(lambda module, args, output: @log.append(len(args)))
@n.register_forward_hook(lambda module, args, output: output * 2)
@n.register_forward_pre_hook(lambda module, args: (args[0] - 1,))
---
@u = @n($t).clamp(-99, 99)
"""),
    feature("tensor.autograd function", "u:t", """
class @F(torch.autograd.Function):
    @@staticmethod
    def forward(ctx, x, k):
        ctx.k = k
        return x * k

    @@staticmethod
    def backward(ctx, grad):
        return grad * ctx.k, None
---
@u = @F.apply($t, 2).clamp(-99, 99)
"""),
    feature("tensor.grad mode", "u:t r:list", """
@r = [torch.is_grad_enabled()]
with torch.no_grad():
    @u = $t * 2
    @r.append((torch.is_grad_enabled(), @u.requires_grad))
    with torch.enable_grad():
        @r.append(torch.is_grad_enabled())
@r.append(torch.is_grad_enabled())
@u = @u.clamp(-99, 99)
"""),
    feature("tensor.grad mode left on error", "r:list u:t", """
@r = []
@u = $t
try:
    with torch.no_grad():
        @u = @u + 1
        raise KeyError("k")
except KeyError:
    @r.append(torch.is_grad_enabled())
"""),
    feature("tensor.grad mode set", "r:list u:t", """
@r = [torch.is_grad_enabled()]
@before = torch.is_grad_enabled()
torch.set_grad_enabled(False)
@u = $t + 1
@r.append(@u.requires_grad)
torch.set_grad_enabled(@before)
@r.append(torch.is_grad_enabled())
"""),
    feature("tensor.default dtype", "r:tuple", """
@before = torch.get_default_dtype()
torch.set_default_dtype(torch.float64)
@made = torch.ones(2)
torch.set_default_dtype(@before)
@r = (@made.dtype, torch.ones(1).dtype)
"""),
    feature("tensor.contextmanager", "log:list u:t", """
import contextlib

@@contextlib.contextmanager
def @scope(log, name):
    log.append("enter " + name)
    try:
        yield name.upper()
    finally:
        log.append("exit " + name)
---
@log = []
with @scope(@log, "a") as @name, @scope(@log, "b"):
    @u = $t + len(@name)
@log.append(@name)
"""),
    feature("tensor.numpy", "u:t r:tuple", """
import numpy
---
@u = $t.detach()
@array = @u.numpy() + numpy.float32(1)
@r = (int(@array.shape[0]) if @array.ndim else 0, @array.ndim)
@u = torch.from_numpy(numpy.atleast_1d(@array).astype("float32"))
"""),
    feature("tensor.list of results", "r:list", """
@r = list(map(lambda each: each.sum(), [$t, $t * 2]))
@r.append(torch.stack(@r))
"""),
    feature("tensor.tolist", "r:list", """
@r = torch.stack([$t.sum(), $t.sum() * 2]).tolist()
""", breaks=True),
    feature("tensor.by size", "u:t", """
@u = $t
if @u.numel() > 4:
    @u = @u - 1
elif @u.numel() == 4:
    @u = @u.flip(0) if @u.dim() else @u
else:
    @u = @u.reshape(-1).repeat(2)
"""),
    feature("tensor.data dependent", "u:t r:object", """
@u = $t
if @u.sum() > 3:
    @u = @u * -1
    @r = "large"
else:
    @r = "small"
""", breaks=True),
    feature("tensor.item", "r:object", """
@r = $t.sum().item() * 2
""", breaks=True),
    feature("tensor.checkpoint", "u:t", """
import functools

def @f(x, k=1):
    return (x * 2 + k).clamp(-99, 99)
---
@u = torch.utils.checkpoint.checkpoint(functools.partial(@f, k=$int), $t, use_reentrant=False)
"""),
    feature("tensor.pytree", "r:object u:t", """
@r = torch.utils._pytree.tree_map(lambda each: each * 2 if isinstance(each, torch.Tensor) else each, {"a": [$t, 1], "b": ($t,)})
@u = @r["b"][0].clamp(-99, 99)
"""),
    feature("tensor.hook", "log:list u:t", """
@log = []
@u = $t + 1
if @u.requires_grad:
    @u.register_hook(lambda grad: grad * 2)
    @log.append("hooked")
"""),
)  # fmt: skip
