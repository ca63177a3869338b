"""Ways to compute one derivative of a real function of tensors with TensorFlow.

``phi`` takes tensors and gives a real number; ``x`` is the point, ``v``, ``w`` and ``z`` are directions, as many
tensors as ``x`` of the same shapes. Each function gives a derivative of ``phi`` at ``x`` along its directions, so that
those of one order are to agree however they were composed. The gradient with respect to complex tensors is the
direction of steepest ascent, so that the derivative along v is Re<g, v>.

An operation executed eagerly costs a tenth of a millisecond, a trace a hundred times that, and the accumulator of
forward mode traces whatever it has not seen before: what traces is among ``TRACED``.

The scripts of findings hold these functions as they stand here: they need nothing but TensorFlow and numpy.
"""

from __future__ import annotations

import math
import random

import numpy
import tensorflow as tf

DIRECTIONS_SEED, NEARBY_SEED, COTANGENT_SEED = 1000, 2000, 3000


# --- a program as a function of tensors


def is_differentiable(value):
    """Whether a value is a tensor that derivatives go through."""
    return isinstance(value, tf.Tensor) and (value.dtype.is_floating or value.dtype.is_complex)


def outputs(program, given, places, x):
    """The tensors that a program gives for what it was given, with ``x`` in some places."""
    arguments = list(given)
    for place, each in zip(places, x):  # noqa: B905
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


def coordinates(tensors):
    """The elements of tensors as one real vector, of complex elements both parts."""
    split = ((tf.math.real(each), tf.math.imag(each)) if each.dtype.is_complex else (each,) for each in tensors)
    return tf.concat([tf.cast(tf.reshape(part, [-1]), "float64") for parts in split for part in parts], 0)


def entries(x):
    """The directions along one coordinate of the point each, with the input and the place in it."""
    for place, each in enumerate(x):
        for k in range(numpy.size(each)):
            for unit in (1, 1j) if numpy.iscomplexobj(each) else (1,):
                made = [numpy.zeros(numpy.shape(other), numpy.asarray(other).dtype) for other in x]
                made[place].reshape(-1)[k] = unit
                yield f"{k}{'' if unit == 1 else ' (imaginary)'} of input {place}", [tf.constant(each) for each in made]


def output_entries(phi, x):
    """The real functions that the coordinates of the outputs are, with their numbers."""
    for k in range(len(coordinates(phi.parts(*x)))):
        yield k, lambda *x, k=k: coordinates(phi.parts(*x))[k]


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


def dtype_of(tensor):
    """The dtype of a tensor as numpy has it."""
    return tensor.dtype.as_numpy_dtype


def size_of(tensor):
    """A power of two near the root mean square of a tensor."""
    held = numpy.asarray(tensor)
    held = held.astype("complex128" if numpy.iscomplexobj(held) else "float64")
    size = float(numpy.sqrt(numpy.mean(numpy.abs(held) ** 2))) if held.size else 0.0
    return 2.0 ** min(10, max(-10, round(math.log2(size)))) if 0 < size < math.inf else 1.0


def moved(x, v, t):
    """The point x + t v."""
    return [
        tf.constant(numpy.asarray(a + numpy.asarray(t).astype(a.dtype) * b))
        for a, b in zip(map(numpy.asarray, x), map(numpy.asarray, v))  # noqa: B905
    ]


# --- products and derivatives


def inner(a, b):
    """Re<a, b>, summed over the tensors."""
    parts = [tf.math.real(tf.math.conj(p) * q) if q.dtype.is_complex else p * q for p, q in zip(a, b)]  # noqa: B905
    sums = [tf.cast(tf.reduce_sum(each), "float64") for each in parts]
    return sums[0] if len(sums) == 1 else tf.add_n(sums)


def dense(found, x):
    """Gradients as tensors; zeros for those that are None."""
    return [tf.zeros_like(at) if each is None else tf.convert_to_tensor(each) for each, at in zip(found, x)]  # noqa: B905


def had(found, x):
    """The same, where there is a derivative to be had."""
    if all(each is None for each in found):
        raise NotImplementedError("there is no derivative: None")
    return dense(found, x)


def gradient(phi, x):
    """The gradient in reverse mode."""
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(list(x))
        result = phi(*x)
    return dense(tape.gradient(result, list(x)), x)


def along(phi, v):
    """The derivative of phi along v in forward mode, as a function of the point."""
    return lambda *x: forward(phi, x, v)


def down(phi, v):
    """The same in reverse mode."""
    return lambda *x: reverse(phi, x, v)


def across(phi, v):
    """The same by two gradients, the second with respect to the cotangent of the first."""
    return lambda *x: transposed(phi, x, v)


def both(x):
    """The point and one beside it, as a batch of two."""
    return [tf.stack([each, each * tf.cast(1 - 2.0**-8, each.dtype)]) for each in x]


# --- a function of the point run in some way


def in_function(function, x):
    """As a graph."""
    return tf.function(function, autograph=False)(*x)


def compiled(function, x):
    """Compiled by XLA."""
    return tf.function(function, autograph=False, jit_compile=True)(*x)


def of_unknown_dimensions(function, x):
    """As a graph whose inputs have unknown dimensions."""
    given = [tf.TensorSpec([None] * len(each.shape), each.dtype) for each in x]
    return tf.function(function, autograph=False, input_signature=given)(*x)


def of_unknown_rank(function, x):
    """As a graph whose inputs have an unknown number of dimensions."""
    given = [tf.TensorSpec(None, each.dtype) for each in x]
    return tf.function(function, autograph=False, input_signature=given)(*x)


def vectorized(function, x):
    """For a batch of two points."""
    return tf.vectorized_map(lambda x: function(*x), both(x), fallback_to_while_loop=False)[0]


def in_loop(function, x):
    """In a loop of one step, as a graph."""

    def looped(*x):
        start = (tf.constant(0), tf.constant(0.0, "float64"))
        return tf.while_loop(lambda k, _: k < 1, lambda k, _: (k + 1, function(*x)), start)[1]

    return in_function(looped, x)


def in_branch(function, x):
    """In a branch, as a graph."""
    return in_function(lambda *x: tf.cond(tf.size(x[0]) >= 0, lambda: function(*x), lambda: 0 * function(*x)), x)


# --- the value


def direct(phi, x, v=()):
    """The value, operation by operation."""
    return phi(*x)


def recorded(phi, x, v=()):
    """The value, as it is computed where gradients will be asked for."""
    with tf.GradientTape() as tape:
        tape.watch(list(x))
        return phi(*x)


def value_in_function(phi, x, v):
    """The value, as a graph."""
    return in_function(phi, x)


def value_compiled(phi, x, v):
    """The value, compiled by XLA."""
    return compiled(phi, x)


def value_of_unknown_dimensions(phi, x, v):
    """The value, as a graph of unknown dimensions."""
    return of_unknown_dimensions(phi, x)


def value_of_unknown_rank(phi, x, v):
    """The value, as a graph of unknown rank."""
    return of_unknown_rank(phi, x)


def value_in_loop(phi, x, v):
    """The value, in a loop of one step."""
    return in_loop(phi, x)


def value_in_branch(phi, x, v):
    """The value, in a branch."""
    return in_branch(phi, x)


def value_vectorized(phi, x, v):
    """The value, as one of a batch of two."""
    return vectorized(phi, x)


def primal(phi, x, v):
    """The value, as it is computed in forward mode."""
    with tf.autodiff.ForwardAccumulator(list(x), list(v)):
        return phi(*x)


# --- first order


def reverse(phi, x, v):
    """Reverse mode."""
    return inner(v, gradient(phi, x))


def reverse_again(phi, x, v):
    """Reverse mode, the second of two gradients of one tape."""
    with tf.GradientTape(persistent=True, watch_accessed_variables=False) as tape:
        tape.watch(list(x))
        result = phi(*x)
    tape.gradient(result, list(x))
    return inner(v, dense(tape.gradient(result, list(x)), x))


def reverse_by_output(phi, x, v):
    """Reverse mode of each output alone: the others have no cotangents."""
    if len(phi.weights) < 2:
        raise NotImplementedError("there are no two outputs that have a gradient")
    alone = [lambda *x, k=k: inner([phi.weights[k]], [phi.parts(*x)[k]]) for k in range(len(phi.weights))]
    return sum(reverse(each, x, v) for each in alone)


def reverse_by_input(phi, x, v):
    """Reverse mode for each input alone: no other is watched."""
    if len(x) < 2:
        raise NotImplementedError("there are no two inputs that have a gradient")

    def of(k):
        return reverse(lambda each: phi(*x[:k], each, *x[k + 1 :]), [x[k]], [v[k]])

    return sum(of(k) for k in range(len(x)))


def transposed(phi, x, v):
    """What forward mode is made of: the gradient, differentiated with respect to its cotangent."""
    cotangent = tf.constant(1.0, "float64")
    with tf.GradientTape(watch_accessed_variables=False) as outer:
        outer.watch(cotangent)
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(list(x))
            result = phi(*x)
        product = inner(v, dense(tape.gradient(result, list(x), output_gradients=cotangent), x))
    return had([outer.gradient(product, cotangent)], [cotangent])[0]


def checkpointed(phi, x, v):
    """Reverse mode with the function computed again on the way back."""
    return reverse(tf.recompute_grad(phi), x, v)


def forward(phi, x, v):
    """Forward mode, of the outputs that phi is a sum of where it is one."""
    parts = getattr(phi, "parts", lambda *x: [phi(*x)])
    with tf.autodiff.ForwardAccumulator(list(x), list(v)) as accumulator:
        made = parts(*x)
    weights = getattr(phi, "weights", [tf.ones_like(each) for each in made])
    return inner(weights, had(accumulator.jvp(made), made))


def reverse_in_function(phi, x, v):
    """Reverse mode, as a graph."""
    return in_function(down(phi, v), x)


def reverse_of_function(phi, x, v):
    """Reverse mode through a graph."""
    return reverse(tf.function(phi, autograph=False), x, v)


def reverse_of_graph(phi, x, v):
    """tf.gradients."""

    def graph(*x):
        return inner(v, dense(tf.gradients(phi(*x), list(x)), x))

    return in_function(graph, x)


def reverse_compiled(phi, x, v):
    """Reverse mode, compiled by XLA."""
    return compiled(down(phi, v), x)


def reverse_of_unknown_dimensions(phi, x, v):
    """Reverse mode, as a graph of unknown dimensions."""
    return of_unknown_dimensions(down(phi, v), x)


def reverse_of_unknown_rank(phi, x, v):
    """Reverse mode, as a graph of unknown rank."""
    return of_unknown_rank(down(phi, v), x)


def reverse_vectorized(phi, x, v):
    """Reverse mode at a batch of two points."""
    return vectorized(down(phi, v), x)


def reverse_batched(phi, x, v):
    """Reverse mode for a batch of cotangents."""
    with tf.GradientTape(persistent=True, watch_accessed_variables=False) as tape:
        tape.watch(list(x))
        result = phi(*x) * tf.constant([0.0, 2.0, -1.0], "float64")
    found = tape.jacobian(result, list(x))
    return inner(v, dense([None if each is None else each[1] / 2 for each in found], x))


def of_jacobian(phi, x, v, batched):
    """The derivative along v from the Jacobian of the outputs' coordinates."""
    with tf.GradientTape(persistent=True, watch_accessed_variables=False) as tape:
        tape.watch(list(x))
        result = coordinates(phi.parts(*x))
    rows = tape.jacobian(result, list(x), experimental_use_pfor=batched)
    weights = coordinates(phi.weights)
    found = [None if each is None else tf.tensordot(tf.cast(weights, each.dtype), each, 1) for each in rows]
    return inner(v, dense(found, x))


def jacobian(phi, x, v):
    """The Jacobian of the outputs, its rows in one batch."""
    return of_jacobian(phi, x, v, True)


def jacobian_by_rows(phi, x, v):
    """The Jacobian of the outputs, row by row in a loop, which takes all gradients to have the dtype of the result."""
    if any(each.dtype != tf.float64 for each in x):
        raise NotImplementedError("the loop takes gradients of float64")
    return of_jacobian(phi, x, v, False)


def custom_rule(phi, x, v):
    """Reverse mode of a rule of one's own that is the function's, within a rule that is that rule's."""

    def ruled(phi):
        @tf.custom_gradient
        def rule(*x):
            def back(cotangent):
                return [tf.cast(cotangent, each.dtype) * each for each in gradient(phi, x)]

            return phi(*x), back

        return rule

    return reverse(ruled(ruled(phi)), x, v)


def reverse_in_loop(phi, x, v):
    """Reverse mode through a loop of one step."""
    return reverse(lambda *x: in_loop(phi, x), x, v)


def reverse_in_branch(phi, x, v):
    """Reverse mode through a branch."""
    return reverse(lambda *x: in_branch(phi, x), x, v)


def forward_in_function(phi, x, v):
    """Forward mode, as a graph."""
    return in_function(along(phi, v), x)


def forward_of_function(phi, x, v):
    """Forward mode through a graph."""
    return forward(tf.function(phi, autograph=False), x, v)


def forward_of_unknown_dimensions(phi, x, v):
    """Forward mode, as a graph of unknown dimensions."""
    return of_unknown_dimensions(along(phi, v), x)


# --- second order: along v, then along w


def reverse_reverse(phi, x, v, w):
    """Reverse over reverse."""
    return reverse(down(phi, v), x, w)


def symmetric(phi, x, v, w):
    """Reverse over reverse, with the directions in the other order."""
    return reverse_reverse(phi, x, w, v)


def transposed_reverse(phi, x, v, w):
    """Two gradients, the second with respect to the cotangent of the first, over reverse."""
    return transposed(down(phi, v), x, w)


def reverse_transposed(phi, x, v, w):
    """Reverse over two gradients."""
    return reverse(across(phi, v), x, w)


def forward_reverse(phi, x, v, w):
    """Forward over reverse."""
    return forward(down(phi, v), x, w)


def reverse_forward(phi, x, v, w):
    """Reverse over forward."""
    return reverse(along(phi, v), x, w)


def forward_forward(phi, x, v, w):
    """Forward over forward."""
    return forward(along(phi, v), x, w)


def reverse_reverse_in_function(phi, x, v, w):
    """Reverse over reverse, as a graph."""
    return in_function(down(down(phi, v), w), x)


def reverse_reverse_of_function(phi, x, v, w):
    """Reverse over reverse through a graph."""
    return reverse_reverse(tf.function(phi, autograph=False), x, v, w)


def reverse_reverse_compiled(phi, x, v, w):
    """Reverse over reverse, compiled by XLA."""
    return compiled(down(down(phi, v), w), x)


def reverse_reverse_of_unknown_dimensions(phi, x, v, w):
    """Reverse over reverse, as a graph of unknown dimensions."""
    return of_unknown_dimensions(down(down(phi, v), w), x)


def reverse_reverse_vectorized(phi, x, v, w):
    """Reverse over reverse at a batch of two points."""
    return vectorized(down(down(phi, v), w), x)


# --- third order: along v, w and z


def reverse_reverse_reverse(phi, x, v, w, z):
    """Reverse mode three times."""
    return reverse(down(down(phi, v), w), x, z)


def transposed_reverse_reverse(phi, x, v, w, z):
    """Two gradients over reverse over reverse."""
    return transposed(down(down(phi, v), w), x, z)


TRACED = {
    reverse_in_function: (value_in_function, reverse_reverse_in_function),
    reverse_of_function: (value_in_function, reverse_reverse_of_function),
    reverse_of_graph: (value_in_function, reverse_again, symmetric),
    reverse_compiled: (value_compiled, reverse_reverse_compiled),
    reverse_of_unknown_dimensions: (value_of_unknown_dimensions, reverse_reverse_of_unknown_dimensions),
    reverse_of_unknown_rank: (value_of_unknown_rank, symmetric),
    reverse_vectorized: (value_vectorized, reverse_reverse_vectorized),
    reverse_by_output: (recorded, reverse_again, symmetric),
    reverse_by_input: (recorded, reverse_again, symmetric),
    reverse_batched: (recorded, checkpointed, reverse_transposed),
    jacobian: (recorded, checkpointed, reverse_transposed),
    jacobian_by_rows: (recorded, checkpointed, reverse_transposed),
    custom_rule: (recorded, checkpointed, reverse_transposed),
    reverse_in_loop: (value_in_loop, checkpointed, reverse_transposed),
    reverse_in_branch: (value_in_branch, checkpointed, reverse_transposed),
    forward_in_function: (value_in_function, primal, forward_reverse),
    forward_of_function: (value_in_function, primal, reverse_forward),
    forward_of_unknown_dimensions: (value_of_unknown_dimensions, primal, forward_forward),
}
"""Ways of first order that trace or compile, each with others that are asked with it and nowhere else: first the value
in the same way."""

BESIDE = {
    "value": (
        primal,
        value_in_function,
        value_compiled,
        value_of_unknown_dimensions,
        value_of_unknown_rank,
        value_vectorized,
        value_in_loop,
        value_in_branch,
    ),
    "first": (reverse_again, checkpointed),
    "second": (
        symmetric,
        reverse_transposed,
        forward_reverse,
        reverse_forward,
        forward_forward,
        reverse_reverse_in_function,
        reverse_reverse_of_function,
        reverse_reverse_compiled,
        reverse_reverse_of_unknown_dimensions,
        reverse_reverse_vectorized,
    ),
}
"""Those others by quantity."""

WAYS = {
    "value": (direct, recorded),
    "first": (reverse, transposed, forward),
    "traced": tuple(TRACED),
    "second": (reverse_reverse, transposed_reverse),
    "third": (reverse_reverse_reverse, transposed_reverse_reverse),
}
