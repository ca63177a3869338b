"""tf.raw_ops.Sign: wrong gradient of first reverse, direction 0: reverse: 0; numerical: -0.113004469 (error 7e-12)

The first derivative, reverse.
"""

import math
import random
import sys

try:
    import numpy
    import tensorflow as tf
except ImportError as missing:
    print("CANNOT RUN:", missing)
    sys.exit(2)


def program(x0):
    return tf.raw_ops.Sign(x=x0)


def inputs(call=0):
    x0 = tf.constant((1+0.3j), dtype="complex128")
    return x0,


def main():
    print("tf", tf.__version__)
    phi, x = real_function(program, inputs())
    v, w, z = (random_like(x, DIRECTIONS_SEED + 0 + k) for k in range(3))
    found = float(reverse(phi, x, v))
    print("reverse:", found)

    def moved(t, v):
        return [a + t * b for a, b in zip(x, v)]

    def slopes(step):
        left, centre, right = (direct(phi, moved(t, v)) for t in (-step, 0.0, step))
        return (centre - left) / step, (right - centre) / step

    # The slopes from both sides, extrapolated to a step of 0.
    low, high = sorted(2 * fine - coarse for coarse, fine in zip(slopes(2.0**-12), slopes(2.0**-13)))
    print("numerical:", low, high)
    allowed = 1e-3 * max(1e-9, abs(low), abs(high))
    if low - allowed <= found <= high + allowed:
        print("OK")
        return 0
    told = f"reverse gives {found:.6g}, it is {low:.6g} to {high:.6g}"
    print("BUG: wrong first derivative:", told)
    return 1


def reverse(phi, x, v):
    """Reverse mode."""
    return inner(v, gradient(phi, x))


def real_function(program, given):
    """A real function of the program's inputs that have a gradient, and the point: the sum of Re<u, output> over the
    outputs that have one, for random u."""
    places, kept, _ = connected(program, given)

    def parts(*x):
        made = outputs(program, given, places, x)
        return [made[number] for number in kept]

    x = [given[place] for place in places]
    u = random_like(parts(*x), COTANGENT_SEED, unit=True)

    def phi(*x):
        return inner(u, parts(*x))

    phi.parts, phi.weights = parts, u
    return phi, x


def random_like(tensors, seed, unit=False):
    """Normal numbers in the shapes of tensors, each about as large as the tensor; of size 1 with ``unit``."""
    generator = numpy.random.RandomState(seed)
    made = []
    for each in tensors:
        shape = tuple(each.shape)
        drawn = generator.standard_normal(shape)
        if each.dtype.is_complex:
            drawn = (drawn + 1j * generator.standard_normal(shape)) / math.sqrt(2)
        made.append(tf.constant(numpy.asarray(drawn if unit else drawn * size_of(each)).astype(dtype_of(each))))
    return made


def direct(phi, x, v=()):
    """The value, operation by operation."""
    return phi(*x)


def is_differentiable(value):
    """Whether a value is a tensor that derivatives go through."""
    return isinstance(value, tf.Tensor) and (value.dtype.is_floating or value.dtype.is_complex)


def outputs(program, given, places, x):
    """The tensors that a program gives for what it was given, with ``x`` in some places."""
    arguments = list(given)
    for place, each in zip(places, x):
        arguments[place] = each
    random.seed(0)
    numpy.random.seed(0)
    made = tf.nest.flatten(program(*arguments), expand_composites=True)
    return [each for each in made if isinstance(each, tf.Tensor)]


def connected(program, given):
    """What reverse mode goes through: the places of the inputs, the numbers of the outputs, and the gradient of each of
    these with respect to each input. TensorFlow says None where a gradient is not to be had."""
    places = [place for place, each in enumerate(given) if is_differentiable(each)]
    with tf.GradientTape(persistent=True, watch_accessed_variables=False) as tape:
        x = [given[place] for place in places]
        tape.watch(x)
        made = outputs(program, given, places, x)
    found = {}
    for number, each in enumerate(made):
        if is_differentiable(each) and 0 not in each.shape:
            try:
                found[number] = tape.gradient(each, x)
            except LookupError:
                continue
            except Exception:
                # What it raises is for the ways to say.
                found[number] = x
    kept = [number for number, each in found.items() if any(one is not None for one in each)]
    reached = [k for k in range(len(x)) if any(found[number][k] is not None for number in kept)]
    return [places[k] for k in reached], kept, [[found[number][k] for k in reached] for number in kept]


def dtype_of(tensor):
    """The dtype of a tensor as numpy has it."""
    return tensor.dtype.as_numpy_dtype


def size_of(tensor):
    """A power of two near the root mean square of a tensor."""
    held = numpy.asarray(tensor)
    held = held.astype("complex128" if numpy.iscomplexobj(held) else "float64")
    size = float(numpy.sqrt(numpy.mean(numpy.abs(held) ** 2))) if held.size else 0.0
    return 2.0 ** min(10, max(-10, round(math.log2(size)))) if 0 < size < math.inf else 1.0


def inner(a, b):
    """Re<a, b>, summed over the tensors."""
    parts = [tf.math.real(tf.math.conj(p) * q) if q.dtype.is_complex else p * q for p, q in zip(a, b)]
    sums = [tf.cast(tf.reduce_sum(each), "float64") for each in parts]
    return sums[0] if len(sums) == 1 else tf.add_n(sums)


def dense(found, x):
    """Gradients as tensors; zeros for those that are None."""
    return [tf.zeros_like(at) if each is None else tf.convert_to_tensor(each) for each, at in zip(found, x)]


def gradient(phi, x):
    """The gradient in reverse mode."""
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(list(x))
        result = phi(*x)
    return dense(tape.gradient(result, list(x)), x)


DIRECTIONS_SEED, NEARBY_SEED, COTANGENT_SEED = 1000, 2000, 3000


if __name__ == "__main__":
    try:
        status = main()
    except Exception as error:
        print("CANNOT RUN:", type(error).__name__, *str(error).splitlines()[:1])
        status = 2
    sys.exit(status)
