"""jax.lax.pad: grad_by_input raises TypeError: Error interpreting argument to reduce_sum as a JAX value. The problematic value is of type <class 'NoneType'> and was passed to reduce_sum at position 0.

Found with jax 0.10.2, jaxlib 0.10.2. The first derivative, grad_by_input.
"""

import math
import random
import sys

try:
    import jax
    import numpy
except ImportError as missing:
    print("CANNOT RUN:", missing)
    sys.exit(2)

jax.config.update("jax_enable_x64", True)


def program(x0, x1):
    return jax.lax.pad(x0, x1, ((0, 1, 1), (-1, 0, 0)))


def inputs(call=0):
    x0 = jax.numpy.array([[0.5, 0.5], [0.0, 0.0]], dtype="float64")
    x1 = jax.numpy.array(0.5, dtype="float64")
    return x0, x1


def main():
    print("jax", jax.__version__)
    phi, x = real_function(program, inputs())
    v, w, z = (random_like(x, DIRECTIONS_SEED + 0 + k) for k in range(3))
    print("the function itself:", direct(phi, x))
    try:
        float(grad_by_input(phi, x, v))
    except Exception as error:
        print(f"BUG: grad_by_input raises {type(error).__name__}:", *str(error).splitlines()[:1])
        return 1
    print("OK")
    return 0


def grad_by_input(phi, x, v):
    """Reverse mode for each input alone."""
    if len(x) < 2:
        raise NotImplementedError("there are no two inputs that have a gradient")
    return sum(pair([jax.grad(phi, k)(*x)], [v[k]]) for k in range(len(x)))


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
        return sum(pair([along.conj()], [each]) for along, each in zip(u, parts(*x)))

    phi.parts, phi.weights = parts, u
    return phi, x


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


def direct(phi, x, v=()):
    """The value, operation by operation."""
    return phi(*x)


def reverse(phi, x, v):
    """Reverse mode."""
    return down(phi, v)(*x)


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


def size_of(array):
    """A power of two near the root mean square of an array."""
    held = numpy.asarray(array)
    held = held.astype("complex128" if numpy.iscomplexobj(held) else "float64")
    size = float(numpy.sqrt(numpy.mean(numpy.abs(held) ** 2))) if held.size else 0.0
    return 2.0 ** min(10, max(-10, round(math.log2(size)))) if 0 < size < math.inf else 1.0


def pair(g, v):
    """Re(sum(g * v)): what a gradient says of a direction."""
    return sum((a * b).real.sum() if jax.numpy.iscomplexobj(a) else (a * b).sum() for a, b in zip(g, v))


def places(x):
    """Where the inputs stand, all of them."""
    return tuple(range(len(x)))


def along(phi, v):
    """The derivative of phi along v in forward mode, as a function of the point."""
    return lambda *x: jax.jvp(phi, x, tuple(v))[1]


def down(phi, v):
    """The same in reverse mode."""
    return lambda *x: pair(jax.grad(phi, places(x))(*x), v)


DIRECTIONS_SEED, NEARBY_SEED, COTANGENT_SEED = 1000, 2000, 3000


if __name__ == "__main__":
    try:
        status = main()
    except Exception as error:
        print("CANNOT RUN:", type(error).__name__, *str(error).splitlines()[:1])
        status = 2
    sys.exit(status)
