"""Ways to compute one derivative of a real function of tensors with torch.

``phi`` takes tensors and gives a real number as a tensor; ``x`` is the point, ``v``, ``w`` and ``z`` are directions, as
many tensors as ``x`` of the same shapes. Each function gives a derivative of ``phi`` at ``x`` along its directions as a
Python number, so that those of one order are to agree however they were composed. For complex tensors the pairing is
Re<a, b>, for which torch's gradients are those of a real function (torch.autograd documentation, "Autograd for Complex
Numbers").

The scripts of findings hold these functions as they stand here: they need nothing but torch.
"""

from __future__ import annotations

import math
import random

import torch
from torch.autograd import forward_ad
from torch.utils._pytree import tree_leaves

DIRECTIONS_SEED, NEARBY_SEED, COTANGENT_SEED = 1000, 2000, 3000


# --- a program as a function of tensors


def is_differentiable(value):
    """Whether a value is a tensor that derivatives go through."""
    return isinstance(value, torch.Tensor) and (value.is_floating_point() or value.is_complex())


def outputs(program, given, x):
    """The tensors that a program gives for what it was given, with ``x`` in place of the differentiable inputs."""
    rest = iter(x)
    arguments = [next(rest) if is_differentiable(each) else each for each in given]
    torch.default_generator.manual_seed(0)
    random.seed(0)
    return [each for each in tree_leaves(program(*arguments)) if isinstance(each, torch.Tensor)]


def kept_outputs(made):
    """Which outputs have a gradient."""
    return [
        number for number, each in enumerate(made) if is_differentiable(each) and each.requires_grad and each.numel()
    ]


def real_function(program, given):
    """A real function of the program's differentiable inputs, and the point: the sum of Re<u, output> over the outputs
    that have a gradient, for random u."""
    x = [each.detach() for each in given if is_differentiable(each)]
    made = outputs(program, given, leaves(x))
    kept = kept_outputs(made)
    u = random_like([made[number] for number in kept], COTANGENT_SEED, unit=True)

    def parts(*x):
        made = outputs(program, given, x)
        return [made[number] for number in kept]

    def phi(*x):
        return inner(u, parts(*x))

    phi.parts, phi.weights = parts, u
    return phi, x


def coordinates(tensors):
    """The elements of tensors as one real vector, of complex elements both parts."""
    held = [torch.view_as_real(each.resolve_conj()) if each.is_complex() else each for each in tensors]
    return torch.cat([each.reshape(-1) for each in held])


def entries(x):
    """The directions along one coordinate of the point each, with the input and the place in it."""
    for place, each in enumerate(x):
        for k in range(each.numel()):
            for unit in (1, 1j) if each.is_complex() else (1,):
                made = [torch.zeros(other.shape, dtype=other.dtype) for other in x]
                made[place].view(-1)[k] = unit
                yield f"{k}{'' if unit == 1 else ' (imaginary)'} of input {place}", made


def output_entries(phi, x):
    """The real functions that the coordinates of the outputs are, with their numbers."""
    with torch.no_grad():
        count = len(coordinates(phi.parts(*x)))
    for k in range(count):
        yield k, lambda *x, k=k: coordinates(phi.parts(*x))[k]


def random_like(tensors, seed, unit=False):
    """Normal numbers in the shapes of tensors, each about as large as the tensor; of size 1 with ``unit``."""
    generator = torch.Generator().manual_seed(seed)
    made = []
    for each in tensors:
        drawn = torch.randn(
            each.shape, dtype=torch.complex128 if each.is_complex() else torch.float64, generator=generator
        )
        made.append((drawn if unit else drawn * size_of(each)).to(each.dtype))
    return made


def size_of(tensor):
    """A power of two near the root mean square of a tensor."""
    size = float(tensor.detach().abs().double().square().mean().sqrt()) if tensor.numel() else 0.0
    return 2.0 ** min(10, max(-10, round(math.log2(size)))) if 0 < size < math.inf else 1.0


# --- products and derivatives


def inner(a, b):
    """Re<a, b>, summed over the tensors."""
    return sum(((p.conj() * q).real if p.is_complex() else p * q).sum() for p, q in zip(a, b))  # noqa: B905


def leaves(x):
    """The point as tensors that gradients are asked of."""
    return [each.detach().requires_grad_() for each in x]


def gradient(phi, x, create_graph=False):
    """The gradient in reverse mode; zeros where ``phi`` does not depend on an input."""
    result = phi(*x)
    if not result.requires_grad:
        return [torch.zeros_like(each) for each in x]
    found = torch.autograd.grad(result, x, create_graph=create_graph, allow_unused=True)
    return [torch.zeros_like(each) if one is None else one for each, one in zip(x, found)]  # noqa: B905


def duals(x, v):
    """The point with tangents; within a level of `forward_ad`."""
    return [forward_ad.make_dual(each, along) for each, along in zip(x, v)]  # noqa: B905


def tangent(result):
    """The tangent of a result; zero where it has none."""
    found = forward_ad.unpack_dual(result).tangent
    return torch.zeros_like(result) if found is None else found


def number(result):
    """A result as a Python number."""
    return float(result.detach()) if isinstance(result, torch.Tensor) else float(result)


# --- the value


def direct(phi, x, v=()):
    """The value, with nothing recorded."""
    with torch.no_grad():
        return number(phi(*x))


def recorded(phi, x, v=()):
    """The value, as it is computed where gradients will be asked for."""
    return number(phi(*leaves(x)))


def primal(phi, x, v):
    """The value, as it is computed in forward mode."""
    with forward_ad.dual_level():
        return number(forward_ad.unpack_dual(phi(*duals(x, v))).primal)


def vmapped(phi, x, v):
    """The value, as one of a batch of two."""
    both = [torch.stack([each, each * (1 - 2.0**-8)]) for each in x]
    return number(torch.func.vmap(phi, randomness="same")(*both)[0])


# --- first order


def reverse(phi, x, v):
    """Reverse mode."""
    return number(inner(gradient(phi, leaves(x)), v))


def forward(phi, x, v):
    """Forward mode."""
    with forward_ad.dual_level():
        return number(tangent(phi(*duals(x, v))))


def reverse_again(phi, x, v):
    """Reverse mode, the second of two gradients of one graph."""
    x = leaves(x)
    result = phi(*x)
    if not result.requires_grad:
        return 0.0
    torch.autograd.grad(result, x, retain_graph=True, allow_unused=True)
    found = torch.autograd.grad(result, x, allow_unused=True)
    return number(inner([torch.zeros_like(a) if b is None else b for a, b in zip(x, found)], v))  # noqa: B905


def reverse_by_output(phi, x, v):
    """Reverse mode of each output alone: the others have no cotangents, which is not the same to a rule as zeros."""
    if len(phi.weights) < 2:
        raise NotImplementedError("there are no two outputs that have a gradient")
    x = leaves(x)
    made, total = phi.parts(*x), 0.0
    for k, weight in enumerate(phi.weights):
        found = torch.autograd.grad(inner([weight], [made[k]]), x, retain_graph=True, allow_unused=True)
        total += number(inner([torch.zeros_like(a) if b is None else b for a, b in zip(x, found)], v))  # noqa: B905
    return total


def reverse_by_input(phi, x, v):
    """Reverse mode for each input alone: the others ask for no gradient."""
    if len(x) < 2:
        raise NotImplementedError("there are no two inputs that have a gradient")
    total = 0.0
    for k, along in enumerate(v):
        point = [each.detach() for each in x]
        point[k].requires_grad_()
        result = phi(*point)
        found = torch.autograd.grad(result, point[k], allow_unused=True)[0] if result.requires_grad else None
        total += 0.0 if found is None else number(inner([found], [along]))
    return total


def reverse_batched(phi, x, v):
    """Reverse mode for a batch of cotangents."""
    x = leaves(x)
    result = phi(*x)
    if not result.requires_grad:
        return 0.0
    cotangents = torch.tensor([0.0, 2.0, -1.0], dtype=result.dtype)
    found = torch.autograd.grad(result, x, cotangents, allow_unused=True, is_grads_batched=True)
    rows = [torch.zeros_like(a) if b is None else b[1] / 2 for a, b in zip(x, found)]  # noqa: B905
    return number(inner(rows, v))


def func_grad(phi, x, v):
    """torch.func.grad."""
    return number(inner(torch.func.grad(phi, tuple(range(len(x))))(*x), v))


def func_jvp(phi, x, v):
    """torch.func.jvp."""
    return number(torch.func.jvp(phi, tuple(x), tuple(v))[1])


def func_linearize(phi, x, v):
    """torch.func.linearize."""
    return number(torch.func.linearize(phi, *x)[1](*v))


def grad_vmapped(phi, x, v):
    """torch.func.grad of a batch of two points."""
    both = [torch.stack([each, each * (1 - 2.0**-8)]) for each in x]
    found = torch.func.vmap(torch.func.grad(phi, tuple(range(len(x)))), randomness="same")(*both)
    return number(inner([each[0] for each in found], v))


def jvp_vmapped(phi, x, v):
    """torch.func.jvp for a batch of two directions."""
    both = tuple(torch.stack([along, -along], -1) for along in v)
    along = torch.func.vmap(lambda *v: torch.func.jvp(phi, tuple(x), v)[1], in_dims=-1, randomness="same")
    return number(along(*both)[0])


def functionalized(phi, x, v):
    """torch.func.grad of the function made free of writes."""
    return number(inner(torch.func.grad(torch.func.functionalize(phi), tuple(range(len(x))))(*x), v))


def checkpointed(phi, x, v):
    """Reverse mode with the forward pass computed again in the backward."""
    from torch.utils.checkpoint import checkpoint

    return reverse(lambda *x: checkpoint(phi, *x, use_reentrant=False), x, v)


def checkpointed_reentrant(phi, x, v):
    """Reverse mode with the reentrant form of checkpointing."""
    from torch.utils.checkpoint import checkpoint

    x = leaves(x)
    result = checkpoint(phi, *x, use_reentrant=True)
    if not result.requires_grad:
        return 0.0
    result.backward()
    return number(inner([torch.zeros_like(each) if each.grad is None else each.grad for each in x], v))


def jacobian(phi, x, v, of, **options):
    """The derivative along v from a Jacobian of the outputs' coordinates."""
    if any(each.is_complex() for each in x):
        raise NotImplementedError("torch.func has Jacobians for real tensors")
    if not any(each.numel() for each in x):
        raise NotImplementedError("there is nothing to map over")
    rows = of(lambda *x: coordinates(phi.parts(*x)), tuple(range(len(x))), **options)(*x)
    weights = coordinates(phi.weights)
    return number(sum(w * inner([row[k] for row in rows], v) for k, w in enumerate(weights)))


def jacobian_reverse(phi, x, v):
    """torch.func.jacrev of the outputs, all rows in one batch."""
    return jacobian(phi, x, v, torch.func.jacrev)


def jacobian_in_chunks(phi, x, v):
    """torch.func.jacrev of the outputs, two rows at a time."""
    return jacobian(phi, x, v, torch.func.jacrev, chunk_size=2)


def jacobian_forward(phi, x, v):
    """torch.func.jacfwd of the outputs."""
    return jacobian(phi, x, v, torch.func.jacfwd, randomness="same")


def custom_rule(phi, x, v):
    """Reverse mode of a rule of one's own that is the function's, within a rule that is that rule's."""

    def ruled(phi):
        class Rule(torch.autograd.Function):
            @staticmethod
            def forward(*x):
                return phi(*x)

            @staticmethod
            def setup_context(context, inputs, output):
                context.save_for_backward(*inputs)

            @staticmethod
            def backward(context, cotangent):
                x = context.saved_tensors
                return tuple(cotangent * each for each in torch.func.grad(phi, tuple(range(len(x))))(*x))

        return Rule.apply

    return func_grad(ruled(ruled(phi)), x, v)


def decomposed(phi, x, v):
    """Reverse mode of the core operators that the function is composed of."""
    from torch._decomp import core_aten_decompositions
    from torch.fx.experimental.proxy_tensor import make_fx

    try:
        found = reverse(make_fx(phi, decomposition_table=core_aten_decompositions())(*x), x, v)
    except RuntimeError as error:
        if "modified by an inplace operation" not in str(error):
            raise
        raise NotImplementedError("decompositions are of functions that write nothing") from error
    if not math.isfinite(found):
        raise NotImplementedError("what is finite as a whole need not be so in parts")
    return found


def compiled(phi, x, v):
    """Reverse mode of the function compiled, without code generation."""
    torch.compiler.reset()
    return reverse(torch.compile(phi, backend="aot_eager"), x, v)


def compiled_around(phi, x, v):
    """torch.func.grad inside of what is compiled, without code generation."""
    torch.compiler.reset()
    grad = torch.compile(lambda *x: torch.func.grad(phi, tuple(range(len(x))))(*x), backend="aot_eager")
    return number(inner(grad(*x), v))


# --- the plain sum of the outputs


def reverse_expanded(phi, x, v):
    """Reverse mode of the sum of the outputs' real parts, whose cotangents have no strides."""
    return reverse(lambda *x: sum(real(each).sum() for each in phi.parts(*x)), x, v)


def reverse_dense(phi, x, v):
    """The same with cotangents of ones in memory."""
    x = leaves(x)
    made = [real(each) for each in phi.parts(*x)]
    found = torch.autograd.grad(made, x, [torch.ones_like(each) for each in made], allow_unused=True)
    return number(inner([torch.zeros_like(a) if b is None else b for a, b in zip(x, found)], v))  # noqa: B905


def real(tensor):
    """The real part of a tensor."""
    return tensor.real if tensor.is_complex() else tensor


# --- second order: along v, then along w


def reverse_reverse(phi, x, v, w):
    """Reverse over reverse."""
    x = leaves(x)
    return reverse_of(inner(gradient(phi, x, create_graph=True), v), x, w)


def reverse_of(result, x, w):
    """The derivative along w of what was computed of leaves."""
    if not isinstance(result, torch.Tensor) or not result.requires_grad:
        return 0.0
    found = torch.autograd.grad(result, x, allow_unused=True)
    return number(inner([torch.zeros_like(a) if b is None else b for a, b in zip(x, found)], w))  # noqa: B905


def forward_reverse(phi, x, v, w):
    """Forward over reverse."""
    with forward_ad.dual_level():
        x = duals(leaves(x), w)
        return number(tangent(inner(gradient(phi, x, create_graph=True), v)))


def reverse_forward(phi, x, v, w):
    """Reverse over forward."""
    with forward_ad.dual_level():
        x = leaves(x)
        return reverse_of(tangent(phi(*duals(x, v))), x, w)


def forward_forward(phi, x, v, w):
    """Forward over forward."""
    return number(torch.func.jvp(lambda *x: torch.func.jvp(phi, x, tuple(v))[1], tuple(x), tuple(w))[1])


def func_reverse_reverse(phi, x, v, w):
    """torch.func.grad over torch.func.grad."""
    places = tuple(range(len(x)))
    return number(inner(torch.func.grad(lambda *x: inner(torch.func.grad(phi, places)(*x), v), places)(*x), w))


def func_forward_reverse(phi, x, v, w):
    """torch.func.jvp over torch.func.grad."""
    places = tuple(range(len(x)))
    return number(torch.func.jvp(lambda *x: inner(torch.func.grad(phi, places)(*x), v), tuple(x), tuple(w))[1])


def func_reverse_forward(phi, x, v, w):
    """torch.func.grad over torch.func.jvp."""
    places = tuple(range(len(x)))
    return number(inner(torch.func.grad(lambda *x: torch.func.jvp(phi, x, tuple(v))[1], places)(*x), w))


def symmetric(phi, x, v, w):
    """Reverse over reverse, with the directions in the other order."""
    return reverse_reverse(phi, x, w, v)


def batched_reverse_reverse(phi, x, v, w):
    """Reverse over reverse, the outer one for a batch of cotangents."""
    return reverse_batched(lambda *x: inner(gradient(phi, x, create_graph=True), v), x, w)


def curve(phi, x, v, w):
    """Twice the derivative along v and w, from the second derivative in t of the curve x + t v + t t w less that of
    the curve without w."""

    def second(bend):
        t = torch.zeros((), dtype=torch.float64, requires_grad=True)
        point = [a + (t * b).to(a.dtype) + (t * t * c).to(a.dtype) for a, b, c in zip(x, v, bend)]  # noqa: B905
        (first,) = torch.autograd.grad(phi(*point), t, create_graph=True, allow_unused=True)
        if first is None or not first.requires_grad:
            return 0.0
        return number(torch.autograd.grad(first, t)[0])

    return (second(w) - second([torch.zeros_like(each) for each in w])) / 2


# --- third order: along v, w and z


def reverse_reverse_reverse(phi, x, v, w, z):
    """Reverse mode three times."""
    x = leaves(x)
    first = inner(gradient(phi, x, create_graph=True), v)
    if not first.requires_grad:
        return 0.0
    found = torch.autograd.grad(first, x, create_graph=True, allow_unused=True)
    second = inner([torch.zeros_like(a) if b is None else b for a, b in zip(x, found)], w)  # noqa: B905
    return reverse_of(second, x, z)


def forward_reverse_reverse(phi, x, v, w, z):
    """Forward over reverse over reverse."""
    with forward_ad.dual_level():
        x = duals(leaves(x), z)
        first = inner(gradient(phi, x, create_graph=True), v)
        if not first.requires_grad:
            return 0.0
        found = torch.autograd.grad(first, x, create_graph=True, allow_unused=True)
        second = inner([torch.zeros_like(a) if b is None else b for a, b in zip(x, found)], w)  # noqa: B905
        return number(tangent(second))


def forward_forward_forward(phi, x, v, w, z):
    """Forward mode three times."""
    return forward_forward(lambda *x: torch.func.jvp(phi, x, tuple(v))[1], x, w, z)


VALUE = (direct, recorded, primal, vmapped)
FIRST = (
    reverse,
    forward,
    reverse_again,
    reverse_by_output,
    reverse_by_input,
    reverse_batched,
    func_grad,
    func_jvp,
    grad_vmapped,
    jvp_vmapped,
    functionalized,
    checkpointed,
    checkpointed_reentrant,
)
TRACED = (
    func_linearize,
    jacobian_reverse,
    jacobian_in_chunks,
    jacobian_forward,
    custom_rule,
    decomposed,
    compiled,
    compiled_around,
)
SUM = (reverse_expanded, reverse_dense)
SECOND = (
    reverse_reverse,
    forward_reverse,
    reverse_forward,
    forward_forward,
    func_reverse_reverse,
    func_forward_reverse,
    func_reverse_forward,
    symmetric,
    batched_reverse_reverse,
)
THIRD = (reverse_reverse_reverse, forward_reverse_reverse, forward_forward_forward)
