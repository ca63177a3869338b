"""Which public functions of the installed JAX can be differentiated, with calls of each: a program for the target's
interpreter.

    docstrings --> calls recorded -\\
    signatures --> calls guessed  ---> run in float64, vjp, jvp --> primitives bound --> others by bind --> JSON

It imports what lies beside it. All that touches arrays happens in a worker forked before JAX has a backend. Arguments
on the command line restrict the run to functions of these names.
"""

from __future__ import annotations

import contextlib
import doctest
import enum
import functools
import importlib
import inspect
import io
import itertools
import json
import os
import pkgutil
import sys
import time
import types
import warnings
from collections.abc import Callable, Iterator
from typing import Any, ClassVar

import numpy as np

os.environ["JAX_PLATFORMS"] = "cpu"
import jax
import jax.extend.core.primitives
from guess_jax import GIVEN, UFUNC_METHODS, by_signature
from jax.interpreters import ad
from seed_json import (
    DTYPES,
    Call,
    Encoder,
    Helpers,
    Unusable,
    array_of,
    decode,
    is_inexact,
    key_of,
    size_of,
    turned_complex,
    variants,
    worst,
)
from workers import Emit, Task, spread

# The backend's optimiser would take most of the time, and it is not what is asked about here.
FLAGS = (
    "--xla_backend_optimization_level=0 --xla_cpu_parallel_codegen_split_count=1 --xla_cpu_use_fusion_emitters=false",
    "--xla_backend_optimization_level=0",
    "",
)
"""From the fastest on; a release ends its process where it does not know one."""
SUBPACKAGES = ("numpy", "lax", "nn", "scipy", "image", "ops", "random")
KEPT = 12
TRACED = 2
"""Calls of a function that are traced for the primitives that they bind."""
GUESSED = 6
SECONDS = 25.0
NOTHING = "no float output"
ENOUGH_WITHOUT = 4
"""Calls without a float output after which no more are tried."""
ENOUGH_SECONDS = 1.5
"""Time of a processor after which a function that has a seed gets no more of them: most of it compiles."""

CLASSES: dict[type, str] = {}
"""Public classes by what a text calls them."""

Function = Callable[..., Any]


def modules() -> list[types.ModuleType]:
    """The public modules of the subpackages that hold functions of arrays, shallow ones first."""
    names = [each.name for each in pkgutil.walk_packages(jax.__path__, "jax.") if "._" not in each.name]
    names = [name for name in names if name.split(".")[1] in SUBPACKAGES]
    found = []
    for name in sorted(names, key=lambda name: (SUBPACKAGES.index(name.split(".")[1]), name.count("."), name)):
        with contextlib.suppress(Exception):
            found.append(importlib.import_module(name))
    return found


def functions() -> tuple[dict[str, Function], dict[str, str]]:
    """Every public function by its first name, ufuncs' methods among them; and why another public name is none."""
    known: dict[str, Function] = {}
    none: dict[str, str] = {}
    first: dict[int, str] = {}
    for module in modules():
        for key in sorted(vars(module)):
            each = getattr(module, key)
            name = f"{module.__name__}.{key}"
            if key.startswith("_") or inspect.ismodule(each) or not callable(each) or "Alias" in type(each).__name__:
                continue
            if inspect.isclass(each):
                CLASSES.setdefault(each, name)
                none[name] = "a class"
            elif id(each) in first:
                none[name] = f"the same function as {first[id(each)]}"
            else:
                first[id(each)] = name
                known[name] = each
    for name, each in list(known.items()):
        if isinstance(each, jax.numpy.ufunc):
            known |= {f"{name}.{method}": getattr(each, method) for method in UFUNC_METHODS}
    return known, none


# --- Calls recorded.


class Recorder:
    """Stands for a public function; notes each call that is not made by another recorded function."""

    depth = 0
    notes: ClassVar[list[tuple[str, tuple[Any, ...], dict[str, Any]]]] = []
    told: ClassVar[set[str]] = set()
    """Keys of the calls, and names of the primitives, that this process has emitted."""

    def __init__(self, name: str, function: Function) -> None:
        self.name, self.function = name, function

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        Recorder.depth += 1
        try:
            given = self.function(*args, **kwargs)
        finally:
            Recorder.depth -= 1
        if not Recorder.depth:
            Recorder.notes.append((self.name, args, kwargs))
        return given

    def __getattr__(self, key: str) -> Any:
        return getattr(self.function, key)


def listen(known: dict[str, Function]) -> None:
    """Put a recorder in the place of every public function."""
    recorders = {id(each): Recorder(name, each) for name, each in known.items()}
    for module in modules():
        for key, each in list(vars(module).items()):
            if id(each) in recorders and not key.startswith("_"):
                setattr(module, key, recorders[id(each)])


def record(text: str, emit: Emit) -> None:
    """Run the examples of one docstring; emits [name, call] for each call, or [name, reason] where it has no form."""
    try:
        examples = doctest.DocTestParser().get_examples(text)
    except ValueError:
        return
    scope = {"jax": jax, "jnp": jax.numpy, "np": np, "lax": jax.lax, "__name__": "__main__"}
    for example in examples:
        with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(Exception, SystemExit):
            exec(compile(example.source, "<example>", "single"), scope)
        # What encoding calls is no part of the example.
        Recorder.depth += 1
        for name, args, kwargs in Recorder.notes:
            tell(name, args, kwargs, emit)
        Recorder.depth -= 1
        Recorder.notes.clear()


def tell(name: str, args: tuple[Any, ...], kwargs: dict[str, Any], emit: Emit) -> None:
    try:
        call = encoder().call(args, kwargs)
    except Unusable as reason:
        emit([name, f"its examples pass {reason}"])
        return
    if (key := key_of(name, call)) not in Recorder.told:
        Recorder.told.add(key)
        emit([name, call])


def encoder() -> Encoder:
    return Encoder(as_array, special)


def as_array(value: Any) -> np.ndarray[Any, Any] | None:
    return np.asarray(value) if isinstance(value, jax.Array | np.ndarray | np.generic) else None


def special(value: Any, inner: Encoder) -> Any:
    """What JAX's own values are in JSON."""
    if isinstance(value, jax.core.Tracer):
        raise Unusable("a tracer")
    if isinstance(value, Recorder):
        return {"code": value.name}
    if isinstance(value, jax.Array) and jax.numpy.issubdtype(value.dtype, jax.dtypes.prng_key):
        data = np.asarray(jax.random.key_data(value)).tolist()
        return {"code": f"jax.random.wrap_key_data(jax.numpy.array({data}, dtype='uint32'))"}
    if isinstance(value, jax.extend.core.Primitive):
        names = [key for key in dir(jax.lax) if getattr(jax.lax, key) is value]
        return {"code": f"jax.lax.{names[0]}"} if names else NotImplemented
    if type(value) in CLASSES and isinstance(value, enum.Enum):
        return {"code": f"{CLASSES[type(value)]}.{value.name}"}
    if type(value) in CLASSES and isinstance(value, tuple):
        fields = ", ".join(f"{key}={each!r}" for key, each in zip(value._fields, value, strict=True))  # type: ignore[attr-defined]
        return {"code": f"{CLASSES[type(value)]}({fields})"}
    if isinstance(value, np.dtype | type) or type(value).__name__ == "_ScalarMeta":
        with contextlib.suppress(TypeError):
            if value not in (int, float, complex, bool) and (name := np.dtype(value).name) in DTYPES:
                return {"code": "jax.numpy.bool_" if name == "bool" else f"jax.numpy.{name}"}
    return NotImplemented


# --- Calls verified.


def verify(name: str, calls: Iterator[Call], most: int, forms: int | None, emit: Emit) -> None:
    """Try the first ``forms`` of each call until ``most`` of them are seeds. Emits {"seed": ...} for each call that can
    be differentiated, with {"bound": ...} for some; {"reason": ...} where none can."""
    function = eval(name, {"jax": jax})
    seeds = 0
    reasons: list[str] = []
    began = time.process_time()
    for call in calls:
        if reasons.count(NOTHING) >= ENOUGH_WITHOUT and not seeds:
            break
        for variant in itertools.islice(variants(call), forms):
            try:
                run, primals = closure(function, variant)
                programs = differentiate(run, primals, executed=not seeds)
            except Exception as error:
                reasons.append(reason_of(error))
                continue
            emit({"seed": variant})
            seeds += 1
            if seeds <= TRACED:
                emit({"bound": bound(programs)})
            turned = turned_complex(variant) if seeds == 1 and not name.startswith("jax.random.") else None
            if turned is not None:
                with contextlib.suppress(Exception):
                    differentiate(*closure(function, turned), executed=False)
                    emit({"seed": turned})
            break
        if seeds == most or (seeds and time.process_time() - began > ENOUGH_SECONDS):
            return
    if not seeds:
        emit({"reason": worst(reasons)})


def closure(function: Function, call: Call) -> tuple[Callable[..., list[Any]], list[Any]]:
    """The call as a function of its inexact tensors that gives its inexact outputs, and those tensors."""
    arrays = [jax.numpy.asarray(array_of(each), each["dtype"]) for each in call["tensors"]]
    inexact = [k for k, each in enumerate(call["tensors"]) if is_inexact(each)]
    if not inexact:
        raise Unusable("no float input")

    def run(*given: Any) -> list[Any]:
        filled = list(arrays)
        for k, each in zip(inexact, given, strict=True):
            filled[k] = each
        args, kwargs = (decode(call[part], filled, {"jax": jax}) for part in ("args", "pairs"))
        leaves = jax.tree.leaves(function(*args, **kwargs))
        return [each for each in leaves if isinstance(each, jax.Array) and np.issubdtype(each.dtype, np.inexact)]

    call = {**call, "pairs": {"dict": list(call["kwargs"].items())}}
    return run, [arrays[k] for k in inexact]


CONCRETE = (
    jax.errors.ConcretizationTypeError,
    jax.errors.TracerArrayConversionError,
    jax.errors.TracerIntegerConversionError,
    jax.errors.NonConcreteBooleanIndexError,
)
"""What a function raises whose steps depend on elements."""


def differentiate(run: Callable[..., list[Any]], primals: list[Any], executed: bool) -> list[Any]:
    """Programs of the call and of its derivatives, where they can be traced. Raises Unusable where there is no float
    output, or where neither mode gives a derivative; those that can be traced are run only if they are to be
    ``executed``, compiled as one program."""
    programs: list[Any] = []

    def reverse(*given: Any) -> Any:
        outputs, pull = jax.vjp(run, *given)
        return pull([jax.numpy.ones_like(each) for each in outputs])

    def forward(*given: Any) -> Any:
        return jax.jvp(run, given, tuple(jax.numpy.ones_like(each) for each in given))

    def done(function: Callable[..., Any], executed: bool) -> Any:
        try:
            traced = jax.jit(function).trace(*primals)
        except CONCRETE:
            return function(*primals)
        programs.append(traced.jaxpr.jaxpr)
        return traced.lower().compile()(*primals) if executed else traced.out_info

    if not done(run, executed=False):
        raise Unusable(NOTHING)
    try:
        done(lambda *given: (reverse(*given), forward(*given)), executed)
    except Exception:
        try:
            done(reverse, executed)
        except Exception as error:
            wrong = reason_of(error)
            try:
                done(forward, executed)
            except Exception:
                raise Unusable(f"cannot be differentiated: {wrong}") from None
    return programs


def reason_of(error: Exception) -> str:
    """The first line of an error."""
    first = (str(error).strip().splitlines() or [""])[0][:160]
    return first if isinstance(error, Unusable) else f"{type(error).__name__}: {first}"


# --- Primitives.


def bound(programs: list[Any]) -> dict[str, Any]:
    """The primitives that the call binds ("forward"), and calls of those that its derivatives bind ("derived")."""
    forward = {each.primitive.name: None for program in programs[:1] for each in equations(program)}
    derived: dict[str, Call] = {}
    for each in (each for program in programs[1:] for each in equations(program)):
        if (name := each.primitive.name) not in forward and name not in Recorder.told:
            with contextlib.suppress(Unusable):
                derived[name] = bind(each)
                Recorder.told.add(name)
    return {"forward": list(forward), "derived": list(derived.items())}


def equations(jaxpr: Any) -> Iterator[Any]:
    """All equations, those of inner programs among them."""
    for equation in jaxpr.eqns:
        yield equation
        for inner in jax.tree.leaves(list(equation.params.values())):
            inner = getattr(inner, "jaxpr", inner)
            if hasattr(inner, "eqns"):
                yield from equations(inner)


def bind(equation: Any) -> Call:
    """A call of the primitive's bind with operands and parameters as an equation has them."""
    helpers = Helpers()
    return encoder().call([helpers.like(each.aval.dtype, each.aval.shape) for each in equation.invars], equation.params)


def primitives() -> dict[str, str]:
    """The public expression of each primitive with a rule of differentiation; empty for those without one."""
    rules = sorted({each.name: each for each in (*ad.primitive_jvps, *ad.primitive_transposes)}.items())
    places = ("jax.lax", "jax.extend.core.primitives")
    found = {}
    for name, each in rules:
        spelled = [
            f"{place}.{key}.bind"
            for place in places
            for key in dir(eval(place))
            if key.endswith("_p") and getattr(eval(place), key) is each
        ]
        found[name] = spelled[0] if spelled else ""
    return found


# --- The run.


def guesses(name: str, function: Function) -> Iterator[Call]:
    """Calls to try of a function without usable examples."""
    parent, _, method = name.rpartition(".")
    is_method = method in UFUNC_METHODS and isinstance(eval(parent, {"jax": jax}), jax.numpy.ufunc)
    given = UFUNC_METHODS[method] if is_method else GIVEN.get(name)
    for text in by_signature(function) if given is None else given:
        args, kwargs = Helpers().arguments(text)
        yield encoder().call(args, kwargs)


def recorded(known: dict[str, Function], names: set[str]) -> tuple[dict[str, list[Call]], dict[str, str]]:
    """Distinct calls by function from all docstrings, small ones first, and why a function has none."""
    texts = [inspect.getdoc(known[name]) or "" for name in names if ">>>" in (known[name].__doc__ or "")]
    calls: dict[str, dict[str, Call]] = {}
    reasons: dict[str, str] = {}
    tasks: list[Task] = [functools.partial(record, text) for text in texts]
    for items in spread(tasks, lambda: listen(known), SECONDS):
        for item in items:
            if isinstance(item, dict):
                continue
            name, call = item
            if isinstance(call, str):
                reasons.setdefault(name, call)
            else:
                calls.setdefault(name, {}).setdefault(key_of(name, call), call)
    return {name: sorted(each.values(), key=size_of) for name, each in calls.items()}, reasons


def api(name: str, origin: str, seeds: list[Call]) -> dict[str, Any]:
    imports = ["jax.extend.core.primitives"] if name.startswith("jax.extend.") else []
    distinct = list({json.dumps(each): each for each in seeds}.values())
    kept = sorted(distinct, key=size_of)[:KEPT]
    named = {"name": name, "callee": name, "kind": "function", "origin": origin}
    return named | {"imports": imports, "inplace": False, "seeds": kept}


def choose_flags() -> None:
    for flags in FLAGS:
        os.environ["XLA_FLAGS"] = flags
        ((answer, *_),) = spread([lambda emit: emit({"sum": float(jax.numpy.ones(2).sum())})], lambda: None, SECONDS)
        if "sum" in answer:
            return


def main(asked: list[str]) -> dict[str, Any]:
    choose_flags()
    known, none = functions()
    names = {name: None for name in known if not asked or name in asked}
    calls, reasons = recorded(known, names)  # type: ignore[arg-type]
    apis: dict[str, dict[str, Any]] = {}
    seen: dict[str, None] = {}
    derived: dict[str, Call] = {}

    def attempt(origin: str, tried: dict[str, Callable[[], Iterator[Call]]], most: int, forms: int | None) -> None:
        tasks: list[Task] = [
            functools.partial(lambda name, given, emit: verify(name, given(), most, forms, emit), name, given)
            for name, given in tried.items()
        ]
        for name, items in zip(tried, spread(tasks, lambda: None, SECONDS), strict=True):
            merged = [(key, value) for item in items for key, value in item.items()]
            seeds = [value for key, value in merged if key == "seed"]
            reasons.update([(name, value) for key, value in merged if key == "reason"])
            for _, found in (each for each in merged if each[0] == "bound"):
                seen.update(dict.fromkeys(found["forward"]))
                derived.update({key: call for key, call in found["derived"] if key not in derived})
            if seeds:
                apis[name] = api(name, origin, seeds)

    attempt("doctest", {name: functools.partial(iter, calls[name]) for name in names if name in calls}, 2 * KEPT, None)
    rest = [name for name in names if name not in apis]
    attempt("schema", {name: functools.partial(guesses, name, known[name]) for name in rest}, GUESSED, 1)
    expressions = {} if asked else primitives()
    missing = {name: expression for name, expression in expressions.items() if name not in seen}
    reach: dict[str, Callable[[], Iterator[Call]]] = {}
    for name, expression in missing.items():
        if not expression:
            none[f"primitive {name}"] = "it has no public name"
        elif name in derived:
            reach[expression] = functools.partial(iter, [derived[name]])
        else:
            reach[expression] = functools.partial(plain_binds)
    attempt("primitive", reach, GUESSED, None)
    wanted = [name for name in (*names, *reach) if name not in apis]
    none = {name: reason for name, reason in none.items() if not asked or name in asked}
    unreached = {name: reason_for(name, known.get(name), reasons.get(name)) for name in wanted} | none
    return {
        "library": "jax",
        "version": jax.__version__,
        "python": sys.version.split()[0],
        "apis": list(apis.values()),
        "unreached": [{"name": name, "reason": reason} for name, reason in unreached.items()],
    }


def plain_binds() -> Iterator[Call]:
    """Calls of a primitive of which no parameters were seen."""
    for text in ("(F(3))", "(F(3), F(3))", "(F(2, 3), axis=0)", "(F(3), F(3), F(3))", "(F(3), axis=0, reverse=False)"):
        args, kwargs = Helpers().arguments(text)
        yield encoder().call(args, kwargs)


def reason_for(name: str, function: Function | None, found: str | None) -> str:
    """Why a function is not reached: by its signature where that says it, else what came of trying."""
    with contextlib.suppress(TypeError, ValueError):
        parameters = inspect.signature(function).parameters.values() if function is not None else ()
        required = [each for each in parameters if each.default is inspect.Parameter.empty]
        if any(each.name == "axis_name" for each in required):
            return "needs a named axis of a mesh"
        if name not in GIVEN and any("Callable" in str(each.annotation) for each in required):
            return "takes functions"
        if any("sharding" in each.name for each in required):
            return "needs devices"
    return found or "no call was found"


if __name__ == "__main__":
    # What the library prints must not get among the answer.
    answer = os.dup(1)
    os.dup2(2, 1)
    warnings.simplefilter("ignore")
    jax.config.update("jax_enable_x64", True)
    with os.fdopen(answer, "w") as out:
        json.dump(main(sys.argv[1:]), out, allow_nan=False)
