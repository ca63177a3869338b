"""Ways to compute one derivative of a real function of arrays with JAX.

``phi`` takes arrays and gives a real number; ``x`` is the point, ``v``, ``w`` and ``z`` are directions, as many arrays
as ``x`` of the same shapes. Each function gives a derivative of ``phi`` at ``x`` along its directions, so that those of
one order are to agree however they were composed. For complex arrays JAX's gradient is the conjugate of the direction
of steepest ascent (jax.grad, "complex inputs"), so that the derivative along v is Re(sum(g * v)).

The scripts of findings hold these functions as they stand here: they need nothing but JAX and numpy.
"""

from __future__ import annotations

import math
import random

import jax
import numpy

jax.config.update("jax_enable_x64", True)

DIRECTIONS_SEED, NEARBY_SEED, COTANGENT_SEED = 1000, 2000, 3000


# --- a program as a function of arrays


def is_differentiable(value):
    """Whether a value is an array that derivatives go through."""
    return isinstance(value, jax.Array) and jax.numpy.issubdtype(value.dtype, jax.numpy.inexact)


def outputs(program, given, x):
    """The arrays that a program gives for what it was given, with ``x`` in place of the differentiable inputs."""
    rest = iter(x)
    arguments = [next(rest) if is_differentiable(each) else each for each in given]
    random.seed(0)
    numpy.random.seed(0)
    return [each for each in jax.tree_util.tree_leaves(program(*arguments)) if isinstance(each, jax.Array)]


def kept_outputs(made):
    """Which outputs derivatives go through."""
    return [number for number, each in enumerate(made) if is_differentiable(each) and each.size]


def real_function(program, given):
    """A real function of the program's differentiable inputs, and the point: the sum of Re<u, output> over the outputs
    that have a gradient, for random u."""
    x = [each for each in given if is_differentiable(each)]
    made = outputs(program, given, x)
    kept = kept_outputs(made)
    u = random_like([made[number] for number in kept], COTANGENT_SEED, unit=True)

    def parts(*x):
        made = outputs(program, given, x)
        return [made[number] for number in kept]

    def phi(*x):
        return sum(pair([along.conj()], [each]) for along, each in zip(u, parts(*x)))  # noqa: B905

    phi.parts, phi.weights = parts, u
    return phi, x


def coordinates(arrays):
    """The elements of arrays as one real vector, of complex elements both parts."""
    held = [part for each in arrays for part in ((each.real, each.imag) if numpy.iscomplexobj(each) else (each,))]
    return jax.numpy.concatenate([each.reshape(-1) for each in held])


def entries(x):
    """The directions along one coordinate of the point each, with the input and the place in it."""
    for place, each in enumerate(x):
        for k in range(numpy.size(each)):
            for unit in (1, 1j) if numpy.iscomplexobj(each) else (1,):
                made = [numpy.zeros(numpy.shape(other), numpy.asarray(other).dtype) for other in x]
                made[place].reshape(-1)[k] = unit
                yield f"{k}{'' if unit == 1 else ' (imaginary)'} of input {place}", made


def output_entries(phi, x):
    """The real functions that the coordinates of the outputs are, with their numbers."""
    for k in range(len(coordinates(phi.parts(*x)))):
        yield k, lambda *x, k=k: coordinates(phi.parts(*x))[k]


def random_like(arrays, seed, unit=False):
    """Normal numbers in the shapes of arrays, each about as large as the array; of size 1 with ``unit``."""
    generator = numpy.random.RandomState(seed)
    made = []
    for each in arrays:
        drawn = generator.standard_normal(each.shape)
        if jax.numpy.iscomplexobj(each):
            drawn = (drawn + 1j * generator.standard_normal(each.shape)) / math.sqrt(2)
        made.append(numpy.asarray(drawn if unit else drawn * size_of(each)).astype(each.dtype))
    return made


def size_of(array):
    """A power of two near the root mean square of an array."""
    held = numpy.asarray(array)
    held = held.astype("complex128" if numpy.iscomplexobj(held) else "float64")
    size = float(numpy.sqrt(numpy.mean(numpy.abs(held) ** 2))) if held.size else 0.0
    return 2.0 ** min(10, max(-10, round(math.log2(size)))) if 0 < size < math.inf else 1.0


def moved(x, v, t):
    """The point x + t v."""
    return [numpy.asarray(a + numpy.asarray(t).astype(a.dtype) * b) for a, b in zip(map(numpy.asarray, x), v)]  # noqa: B905


# --- products and derivatives


def pair(g, v):
    """Re(sum(g * v)): what a gradient says of a direction."""
    return sum((a * b).real.sum() if jax.numpy.iscomplexobj(a) else (a * b).sum() for a, b in zip(g, v))  # noqa: B905


def places(x):
    """Where the inputs stand, all of them."""
    return tuple(range(len(x)))


def along(phi, v):
    """The derivative of phi along v in forward mode, as a function of the point."""
    return lambda *x: jax.jvp(phi, x, tuple(v))[1]


def down(phi, v):
    """The same in reverse mode."""
    return lambda *x: pair(jax.grad(phi, places(x))(*x), v)


def both(x):
    """The point and one beside it, as a batch of two."""
    return [jax.numpy.stack([each, each * (1 - 2.0**-8)]) for each in x]


def zero_of(phi, x):
    """A zero of the dtype that phi gives."""
    return jax.numpy.zeros((), jax.eval_shape(phi, *x).dtype)


# --- the value


def direct(phi, x, v=()):
    """The value, operation by operation."""
    return phi(*x)


def jitted(phi, x, v=()):
    """The value, compiled."""
    return jax.jit(phi)(*x)


def primal(phi, x, v):
    """The value, as it is computed in forward mode."""
    return jax.jvp(phi, tuple(x), tuple(v))[0]


def primal_reverse(phi, x, v):
    """The value, as it is computed where a gradient is asked for."""
    return jax.vjp(phi, *x)[0]


def vmapped(phi, x, v):
    """The value, as one of a batch of two."""
    return jax.vmap(phi)(*both(x))[0]


# --- first order


def reverse(phi, x, v):
    """Reverse mode."""
    return down(phi, v)(*x)


def forward(phi, x, v):
    """Forward mode."""
    return along(phi, v)(*x)


def reverse_by_output(phi, x, v):
    """Reverse mode of each output alone: the others have no cotangents."""
    if len(phi.weights) < 2:
        raise NotImplementedError("there are no two outputs that have a gradient")
    alone = [lambda *x, k=k: pair([phi.weights[k].conj()], [phi.parts(*x)[k]]) for k in range(len(phi.weights))]
    return sum(reverse(each, x, v) for each in alone)


def grad_by_input(phi, x, v):
    """Reverse mode for each input alone."""
    if len(x) < 2:
        raise NotImplementedError("there are no two inputs that have a gradient")
    return sum(pair([jax.grad(phi, k)(*x)], [v[k]]) for k in range(len(x)))


def jvp_by_input(phi, x, v):
    """Forward mode for each input alone: the others have no tangents, which is not the same to a rule as zeros."""
    if len(x) < 2:
        raise NotImplementedError("there are no two inputs that have a gradient")

    def of(k):
        return jax.jvp(lambda each: phi(*x[:k], each, *x[k + 1 :]), (x[k],), (v[k],))[1]

    return sum(of(k) for k in range(len(x)))


def grad_jitted(phi, x, v):
    """Reverse mode, compiled."""
    return pair(jax.jit(jax.grad(phi, places(x)))(*x), v)


def jvp_jitted(phi, x, v):
    """Forward mode, compiled."""
    return jax.jit(along(phi, v))(*x)


def grad_of_jitted(phi, x, v):
    """Reverse mode of the compiled function."""
    return reverse(jax.jit(phi), x, v)


def grad_without_jit(phi, x, v):
    """Reverse mode with every operation run by itself, those within compiled functions too."""
    with jax.disable_jit():
        return reverse(phi, x, v)


def linearize(phi, x, v):
    """jax.linearize."""
    return jax.linearize(phi, *x)[1](*v)


def transposed(phi, x, v):
    """jax.linear_transpose of the linear function that jax.linearize gives."""
    value, linear = jax.linearize(phi, *x)
    return pair(jax.linear_transpose(linear, *x)(jax.numpy.ones_like(value)), v)


def checkpointed(phi, x, v):
    """Reverse mode with the function computed again on the way back."""
    return reverse(jax.checkpoint(phi), x, v)


def reverse_batched(phi, x, v):
    """Reverse mode for a batch of cotangents."""
    value, pull = jax.vjp(phi, *x)
    found = jax.vmap(pull)(jax.numpy.array([0.0, 2.0, -1.0], value.dtype))
    return pair([each[1] / 2 for each in found], v)


def grad_vmapped(phi, x, v):
    """Reverse mode at a batch of two points."""
    return pair([each[0] for each in jax.vmap(jax.grad(phi, places(x)))(*both(x))], v)


def jvp_vmapped(phi, x, v):
    """Forward mode for a batch of two directions."""
    return jax.vmap(lambda *v: jax.jvp(phi, tuple(x), v)[1])(*[jax.numpy.stack([each, -each]) for each in v])[0]


def grad_in_scan(phi, x, v):
    """Reverse mode through a scan of one step."""

    def scanned(*x):
        return jax.lax.scan(lambda carry, each: (carry, phi(*each)), 0.0, [each[None] for each in x])[1][0]

    return reverse(scanned, x, v)


def jvp_in_while(phi, x, v):
    """Forward mode through a loop of one step."""

    def looped(*x):
        start = (0, zero_of(phi, x), x)
        return jax.lax.while_loop(lambda s: s[0] < 1, lambda s: (s[0] + 1, phi(*s[2]), s[2]), start)[1]

    return forward(looped, x, v)


def grad_in_cond(phi, x, v):
    """Reverse mode through a branch."""

    def branched(*x):
        return jax.lax.cond(jax.numpy.isfinite(zero_of(phi, x)), phi, lambda *x: zero_of(phi, x), *x)

    return reverse(branched, x, v)


def of_rows(phi, rows, v):
    """The derivative along v from a Jacobian of the outputs' coordinates."""
    weights = coordinates(phi.weights)
    return sum(w * pair([row[k] for row in rows], v) for k, w in enumerate(weights))


def jacobian_reverse(phi, x, v):
    """jax.jacrev of the outputs."""
    return of_rows(phi, jax.jacrev(lambda *x: coordinates(phi.parts(*x)), places(x))(*x), v)


def jacobian_forward(phi, x, v):
    """jax.jacfwd of the outputs."""
    if any(numpy.iscomplexobj(each) for each in x):
        raise NotImplementedError("jax.jacfwd takes real arrays")
    return of_rows(phi, jax.jacfwd(lambda *x: coordinates(phi.parts(*x)), places(x))(*x), v)


def custom_rule(phi, x, v):
    """Reverse mode of rules of one's own that are the function's: one of reverse mode around one of forward mode."""
    inner = jax.custom_jvp(phi)
    inner.defjvp(lambda x, v: jax.jvp(phi, x, v))
    outer = jax.custom_vjp(inner)
    outer.defvjp(lambda *x: (inner(*x), x), lambda x, c: tuple(c * each for each in jax.grad(inner, places(x))(*x)))
    return reverse(outer, x, v)


def without_rules(phi, x, v):
    """Reverse mode of what the function computes, without the rules that it has of its own."""
    closed = jax.make_jaxpr(phi)(*x)
    left = []

    def plain(jaxpr, constants, given):
        values = dict(zip([*jaxpr.constvars, *jaxpr.invars], [*constants, *given]))  # noqa: B905
        for equation in jaxpr.eqns:
            taken = [each.val if hasattr(each, "val") else values[each] for each in equation.invars]
            name = equation.primitive.name
            within = equation.params.get("call_jaxpr", equation.params.get("jaxpr"))
            if within is not None and (name.startswith("custom_") or name in ("jit", "pjit", "closed_call")):
                left.extend([name] * name.startswith("custom_"))
                made = plain(within.jaxpr, within.consts, taken)
            else:
                more = equation.primitive.get_bind_params(equation.params)
                functions, more = more if isinstance(more, tuple) else ((), more)
                made = equation.primitive.bind(*functions, *taken, **more)
                made = made if equation.primitive.multiple_results else [made]
            values.update(zip(equation.outvars, made))  # noqa: B905
        return [each.val if hasattr(each, "val") else values[each] for each in jaxpr.outvars]

    found = reverse(lambda *x: plain(closed.jaxpr, closed.consts, x)[0], x, v)
    if not left or not math.isfinite(found):
        raise NotImplementedError("it has no rules of its own, or they are what keeps it finite")
    return found


# --- second order: along v, then along w


def reverse_reverse(phi, x, v, w):
    """Reverse over reverse."""
    return reverse(down(phi, v), x, w)


def forward_reverse(phi, x, v, w):
    """Forward over reverse."""
    return forward(down(phi, v), x, w)


def reverse_forward(phi, x, v, w):
    """Reverse over forward."""
    return reverse(along(phi, v), x, w)


def forward_forward(phi, x, v, w):
    """Forward over forward."""
    return forward(along(phi, v), x, w)


def hessian_product(phi, x, v, w):
    """The product of the Hessian with v, by forward over reverse; then with w."""
    return pair(jax.jvp(jax.grad(phi, places(x)), tuple(x), tuple(v))[1], w)


def symmetric(phi, x, v, w):
    """Reverse over reverse, with the directions in the other order."""
    return reverse_reverse(phi, x, w, v)


def linearize_reverse(phi, x, v, w):
    """jax.linearize of reverse mode."""
    return linearize(down(phi, v), x, w)


def checkpointed_reverse(phi, x, v, w):
    """Reverse over reverse, each with the function computed again."""
    return reverse(jax.checkpoint(down(jax.checkpoint(phi), v)), x, w)


def batched_reverse_reverse(phi, x, v, w):
    """Reverse over reverse, the outer one for a batch of cotangents."""
    return reverse_batched(down(phi, v), x, w)


# --- third order: along v, w and z


def reverse_reverse_reverse(phi, x, v, w, z):
    """Reverse mode three times."""
    return reverse(down(down(phi, v), w), x, z)


def forward_reverse_reverse(phi, x, v, w, z):
    """Forward over reverse over reverse."""
    return forward(down(down(phi, v), w), x, z)


def forward_forward_reverse(phi, x, v, w, z):
    """Forward over forward over reverse."""
    return forward(along(down(phi, v), w), x, z)


def forward_forward_forward(phi, x, v, w, z):
    """Forward mode three times."""
    return forward(along(along(phi, v), w), x, z)


VALUE = (direct, jitted, primal, primal_reverse, vmapped)
FIRST = (
    reverse,
    forward,
    linearize,
    transposed,
    checkpointed,
    reverse_batched,
    grad_vmapped,
    jvp_vmapped,
)
TRACED = (
    reverse_by_output,
    grad_by_input,
    jvp_by_input,
    grad_jitted,
    jvp_jitted,
    grad_of_jitted,
    grad_without_jit,
    grad_in_scan,
    jvp_in_while,
    grad_in_cond,
    jacobian_reverse,
    jacobian_forward,
    custom_rule,
    without_rules,
)
SECOND = (
    reverse_reverse,
    forward_reverse,
    reverse_forward,
    forward_forward,
    hessian_product,
    symmetric,
    linearize_reverse,
    checkpointed_reverse,
    batched_reverse_reverse,
)
THIRD = (reverse_reverse_reverse, forward_reverse_reverse, forward_forward_reverse, forward_forward_forward)
