"""tf.linalg.set_diag: reverse_of_unknown_rank raises ValueError: Shapes must be equal rank, but are 2 and 3 for '{{node gradient_tape/set_diag}} = MatrixSetDiagV3[T=DT_DOUBLE, align="RIGHT_LEFT"](gradient_tape/mul/Reshape, gradient_tape/zeros, set_diag/k)' with input shapes: [?,?], [2,4], [2].

The first derivative, reverse_of_unknown_rank.
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
    return tf.linalg.set_diag(x0, [[2.0, 3.0, 4.0, 5.0], [-1.0, -2.0, -3.0, -4.0]], k=(0, 1))


def inputs(call=0):
    x0 = tf.constant([[0.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0]], dtype="float64")
    return x0,


def main():
    print("tf", tf.__version__)
    phi, x = real_function(program, inputs())
    v, w, z = (random_like(x, DIRECTIONS_SEED + 0 + k) for k in range(3))
    print("the function itself:", direct(phi, x))
    try:
        float(reverse_of_unknown_rank(phi, x, v))
    except Exception as error:
        print(f"BUG: reverse_of_unknown_rank raises {type(error).__name__}:", *str(error).splitlines()[:1])
        return 1
    print("OK")
    return 0


def reverse_of_unknown_rank(phi, x, v):
    """Reverse mode, as a graph of unknown rank."""
    return of_unknown_rank(down(phi, v), x)


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


def reverse(phi, x, v):
    """Reverse mode."""
    return inner(v, gradient(phi, x))


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


def down(phi, v):
    """The same in reverse mode."""
    return lambda *x: reverse(phi, x, v)


def of_unknown_rank(function, x):
    """As a graph whose inputs have an unknown number of dimensions."""
    given = [tf.TensorSpec(None, each.dtype) for each in x]
    return tf.function(function, autograph=False, input_signature=given)(*x)


DIRECTIONS_SEED, NEARBY_SEED, COTANGENT_SEED = 1000, 2000, 3000


if __name__ == "__main__":
    try:
        status = main()
    except Exception as error:
        print("CANNOT RUN:", type(error).__name__, *str(error).splitlines()[:1])
        status = 2
    sys.exit(status)
