"""jax.scipy.stats.truncnorm.sf: wrong gradient of first reverse against forward, direction 0: reverse is NaN, forward 0

Found with jax 0.10.2, jaxlib 0.10.2. The first derivative, reverse.
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


def program(x0, x1, x2):
    return jax.scipy.stats.truncnorm.sf(x0, x1, x2)


def inputs(call=0):
    x0 = jax.numpy.array(0.1, dtype="float64")
    x1 = jax.numpy.array(0.3, dtype="float64")
    x2 = jax.numpy.array(0.8, dtype="float64")
    return x0, x1, x2


def main():
    print("jax", jax.__version__)
    phi, x = real_function(program, inputs())
    v, w, z = (random_like(x, DIRECTIONS_SEED + 0 + k) for k in range(3))
    found = float(reverse(phi, x, v))
    print("reverse:", found)
    expected = float(forward(phi, x, v))
    print("forward:", expected)
    if abs(found - expected) <= 1e-6 * max(1e-9, abs(found), abs(expected)):
        print("OK")
        return 0

    def both(function, along):
        return float(reverse(function, x, along)), float(forward(function, x, along))

    def apart(function, along):
        one, other = both(function, along)
        return abs(one - other) if one == one and other == other else float("inf")

    # Where in the Jacobian they differ most.
    entry, along = max(entries(x), key=lambda each: apart(phi, each[1]))
    place, function = max(output_entries(phi, x), key=lambda each: apart(each[1], along))
    one, other = both(function, along)
    told = f"reverse {one:.6g}, forward {other:.6g}"
    print(f"element {place} of the outputs by element {entry}:", told)
    told = f"reverse gives {found:.6g}, forward {expected:.6g}"
    print("BUG: wrong first derivative:", told)
    return 1


def reverse(phi, x, v):
    """Reverse mode."""
    return down(phi, v)(*x)


def forward(phi, x, v):
    """Forward mode."""
    return along(phi, v)(*x)


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


def coordinates(arrays):
    """The elements of arrays as one real vector, of complex elements both parts."""
    held = [part for each in arrays for part in ((each.real, each.imag) if numpy.iscomplexobj(each) else (each,))]
    return jax.numpy.concatenate([each.reshape(-1) for each in held])


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
