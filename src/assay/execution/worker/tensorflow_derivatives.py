"""A case's program as a function of tensors, for TensorFlow: which inputs and outputs are differentiated, and in what
ways (`tensorflow_modes`).

All is run operation by operation but the ways that are there to trace: one of these costs more than all else.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy
import tensorflow as tf
from tensorflow.python.framework import op_callbacks, op_def_registry, ops

from . import derivatives, points, tensorflow_modes
from .differentiating import Refused, loaded

TRANSPARENT = frozenset({"Identity", "Cast", "Reshape", "Squeeze", "ExpandDims", "Complex", "StridedSlice"})
"""Operations that say nothing of where an output comes from."""


def answer(request: dict[str, Any], note: Callable[[str], None], everything: tuple[int, int] | None) -> dict[str, Any]:
    """The quantities of a case, as `request["derivatives"]` asks for them: their ``order``, and which of the ways that
    are dearer than others. Raises Refused where the program cannot be run by itself."""
    program, given = loaded(request, note)
    return _Case(program, given, note).examined(request["derivatives"], everything)


class _Case:
    """One program at one point."""

    def __init__(self, program: Any, given: tuple[Any, ...], note: Callable[[str], None]) -> None:
        self.program, self.given, self.note = program, given, note

    def outputs(self) -> list[Any]:
        """What the program gives."""
        return tensorflow_modes.outputs(self.program, self.given, (), ())

    def examined(self, asked: dict[str, Any], everything: tuple[int, int] | None) -> dict[str, Any]:
        """All quantities, up to the order that is asked for."""
        facts = self.facts()
        why, once = facts.pop("why"), facts.pop("once")
        if why:
            return {"quantities": [], "nothing": why, **facts}
        traced = [each for each in tensorflow_modes.TRACED if each.__name__ in asked.get("traced", ())]
        library = self.library(facts, traced)
        if {str(numpy.dtype(tensorflow_modes.dtype_of(each))) for each in library.x} - points.WIDE:
            library.wide = self.widened(facts)
        names = [each.__name__ for each in traced]
        order = 1 if once else int(asked.get("order", 2))
        return derivatives.examine(library, order, everything, self.note, names)

    def library(self, facts: dict[str, Any], traced: list[Any]) -> derivatives.Library:
        """What `derivatives.examine` needs to know."""
        phi, x = tensorflow_modes.real_function(self.program, self.given)

        def ways(name: str) -> dict[str, Any]:
            found = {each.__name__: each for each in tensorflow_modes.WAYS[name]}
            if name == "first":
                # The accumulator traces operations that a program runs one by one.
                found["forward"] = _within(tensorflow_modes.forward, tensorflow_modes.value_in_function)
            for way in traced:
                value = tensorflow_modes.TRACED[way][0]
                beside = [
                    each for each in tensorflow_modes.TRACED[way] if each in tensorflow_modes.BESIDE.get(name, ())
                ]
                beside += [way] if name == "traced" else []
                found.update((each.__name__, _within(each, value)) for each in beside)
            return found

        return derivatives.Library(
            phi=phi,
            x=x,
            ways={name: ways(name) for name in tensorflow_modes.WAYS},
            plain=tensorflow_modes.direct,
            moved=tensorflow_modes.moved,
            direction=lambda number, k: tensorflow_modes.random_like(
                x, tensorflow_modes.DIRECTIONS_SEED + 10 * number + k
            ),
            nearby=lambda number: _nearby(x, number),
            weight=_weight,
            first=tensorflow_modes.reverse,
            second=tensorflow_modes.reverse_reverse,
            sizes={},
            flat=points.flat,
            sides=lambda: self.sides(phi, x),
            facts=facts,
        )

    def widened(self, facts: dict[str, Any]) -> derivatives.Library | None:
        """The same case with its inputs in float64; None where that is not what the program takes or gives."""
        given = tuple(_widened(each) if tensorflow_modes.is_differentiable(each) else each for each in self.given)
        wide = _Case(self.program, given, self.note)
        try:
            library = wide.library(facts, [])
            narrow = [each for each in self.given if tensorflow_modes.is_differentiable(each)]
            made, before = library.phi.parts(*library.x), tensorflow_modes.connected(self.program, self.given)
            same = before[:2] == tensorflow_modes.connected(self.program, given)[:2]
            if not same or any(each.dtype.name not in points.WIDE for each in made):
                return None
        except Exception:
            return None
        unit = max(_unit(each) for each in narrow)
        library.nearby = lambda number: _nearby(library.x, number, unit)
        return library

    def sides(self, phi: Any, x: list[Any]) -> Any:
        """The slopes from both sides of every weighted element of the outputs, by real coordinate of the point."""

        def terms(x: Any) -> Any:
            made = phi.parts(*map(tf.constant, x))
            weighted = [
                (numpy.conj(numpy.asarray(along)) * numpy.asarray(each)).real.reshape(-1).astype("float64")
                for along, each in zip(phi.weights, made)  # noqa: B905
            ]
            return numpy.concatenate(weighted)

        return points.sides(terms, x, [tensorflow_modes.size_of(each) for each in x])

    def facts(self) -> dict[str, Any]:
        """Run plainly: what comes out, why nothing is differentiated if so, and what is wrong that is no number. Raises
        Refused."""
        before = [_bits(each) for each in self.given if isinstance(each, tf.Tensor)]
        try:
            self.note("direct")
            with _Heard() as heard:
                plain = self.outputs()
            self.note("direct again")
            again = self.outputs()
        except Exception as error:
            raise Refused(error, "direct") from None
        wrong: list[str] = []
        if before != [_bits(each) for each in self.given if isinstance(each, tf.Tensor)]:
            wrong.append("an input is changed")
        why, kept, places, once = "", [], [], False
        if not any(map(tensorflow_modes.is_differentiable, self.given)):
            why = "no input is a real or complex tensor"
        elif not any(map(tensorflow_modes.is_differentiable, plain)):
            why = "no output is a real or complex tensor"
        elif any(map(_is_random, heard.names)) or [_bits(each) for each in plain] != [_bits(each) for each in again]:
            why = "random"
        else:
            self.note("gradients")
            try:
                with _Heard() as backwards:
                    places, kept, found = tensorflow_modes.connected(self.program, self.given)
            except Exception as error:
                raise Refused(error, "recorded") from None
            once = any(map(_has_no_derivative, backwards.names))
            if not kept:
                why = "no output has a gradient"
            elif not all(bool(numpy.isfinite(_held(plain[k])).all()) for k in kept):
                why = "an output is not finite"
            elif not all(bool(numpy.isfinite(_held(self.given[place])).all()) for place in places):
                why = "an input is not finite"
            else:
                wrong += _of_gradients([self.given[place] for place in places], found)
        x = [self.given[place] for place in places]
        dtypes = {each.dtype.name for each in [*x, *(plain[k] for k in kept)]}
        return {
            "why": why,
            "once": once,
            "shapes": [list(each.shape) for each in x],
            "dtypes": sorted(dtypes | heard.dtypes),
            "rules": sorted({heard.maker(plain[k]) for k in kept}),
            "wrong": wrong,
        }


def _of_gradients(x: list[Any], found: list[list[Any]]) -> list[str]:
    """What is wrong with gradients as tensors: their shapes and dtypes."""
    wrong = {}
    for gradients in found:
        for number, (point, each) in enumerate(zip(x, gradients)):  # noqa: B905
            if each is not None and (list(each.shape) != list(point.shape) or each.dtype != point.dtype):
                wrong[f"the gradient of input {number}, {_said(point)}, is {_said(each)}"] = None
    return list(wrong)


class _Heard:
    """Hears of the operations that are executed, within a `with` statement."""

    def __init__(self) -> None:
        self.made: dict[int, tuple[str, Any, Any]] = {}

    def __enter__(self) -> _Heard:
        op_callbacks.add_op_callback(self.note)
        return self

    def __exit__(self, *_: object) -> None:
        op_callbacks.remove_op_callback(self.note)

    def note(self, op_type: Any, inputs: Any, attrs: Any, outputs: Any, op_name: Any = None, graph: Any = None) -> None:
        """What TensorFlow calls after each operation."""
        if graph is None:
            name = op_type.decode() if isinstance(op_type, bytes) else str(op_type)
            for each in outputs:
                self.made[id(each)] = name, list(inputs), each

    @property
    def names(self) -> set[str]:
        """The operations that gave something that derivatives go through."""
        return {name for name, _, each in self.made.values() if tensorflow_modes.is_differentiable(each)}

    @property
    def dtypes(self) -> set[str]:
        """The floating dtypes of what they gave."""
        return {each.dtype.name for _, _, each in self.made.values() if tensorflow_modes.is_differentiable(each)}

    def maker(self, tensor: Any) -> str:
        """The operation that a tensor is the result of, but for those that say nothing."""
        name, inputs, _ = self.made.get(id(tensor), ("an input", [], None))
        if name in TRANSPARENT and inputs and id(inputs[0]) in self.made:
            return self.maker(inputs[0])
        return name


def _is_random(name: str) -> bool:
    """Whether an operation draws numbers anew each time."""
    definition = op_def_registry.get(name)
    drawn = any(part in name for part in ("Random", "Normal", "Uniform", "Multinomial", "Poisson"))
    return drawn and definition is not None and bool(definition.is_stateful)


def _has_no_derivative(name: str) -> bool:
    """Whether TensorFlow declares of a gradient's operation that it has no derivative itself."""
    if "Grad" not in name or name == "StopGradient":
        return False
    try:
        return ops._gradient_registry.lookup(name) is None
    except LookupError:
        return False


def _within(way: derivatives.Way, value: derivatives.Way) -> derivatives.Way:
    """A way that says that it is not to be had where the function alone cannot be run so, for want of a shape, of an
    operation, of a number: an assertion that fails is no such thing."""

    def asked(phi: Any, x: Any, *directions: Any) -> Any:
        try:
            return way(phi, x, *directions)
        except Exception as error:
            if isinstance(error, tf.errors.InternalError):
                raise
            if value is tensorflow_modes.value_compiled and _has_sizes_of_data(phi, x):
                raise NotImplementedError("XLA has a bound in place of a size that depends on data") from None
            try:
                value(phi, x, directions[0])
            except tf.errors.InternalError:
                raise error from None
            except Exception:
                raise NotImplementedError(f"the function itself does not run so: {error}") from None
            raise

    return asked


def _has_sizes_of_data(phi: Any, x: Any) -> bool:
    """Whether a trace does not know the shapes of the outputs."""
    try:
        traced = tf.function(phi.parts, autograph=False).get_concrete_function(*x)
    except Exception as failed:
        # What is at fault is told by the error that is being looked into.
        failed.__traceback__ = None
        return False
    return not all(each.shape.is_fully_defined() for each in traced.outputs)


def _weight(phi: Any, x: Any, v: Any) -> float:
    """The sum of the sizes of the terms of a derivative."""
    gradient = tensorflow_modes.gradient(phi, x)
    return float(sum(numpy.abs(_held(a) * _held(b)).sum() for a, b in zip(gradient, v)))  # noqa: B905


def _said(tensor: Any) -> str:
    return f"{tensor.dtype.name}{list(tensor.shape)}"


def _held(tensor: Any) -> Any:
    """The elements as numpy has them, wide."""
    held = numpy.asarray(tensor)
    return held.astype("complex128" if numpy.iscomplexobj(held) else "float64")


def _bits(tensor: Any) -> tuple[Any, ...]:
    if tensor.dtype in (tf.string, tf.variant, tf.resource):
        return tensor.dtype.name, list(tensor.shape)
    held = numpy.ascontiguousarray(tensor)
    return tensor.dtype.name, held.shape, held.tobytes()


def _unit(tensor: Any) -> float:
    """A unit in the last place of 1."""
    return {"float16": 2.0**-10, "bfloat16": 2.0**-7, "float32": 2.0**-23, "complex64": 2.0**-23}.get(
        tensor.dtype.name, 2.0**-52
    )


def _widened(tensor: Any) -> Any:
    return tf.cast(tensor, "complex128" if tensor.dtype.is_complex else "float64")


def _nearby(x: list[Any], number: int, unit: float | None = None) -> list[Any]:
    """Tensors whose elements are moved by about two units in the last place, of their own or of another dtype."""
    units = [_unit(each) if unit is None else unit for each in x]
    drawn = tensorflow_modes.random_like(x, tensorflow_modes.NEARBY_SEED + number, unit=True)
    return [tf.constant(each) for each in points.nearby(x, [numpy.asarray(each) for each in drawn], units)]
