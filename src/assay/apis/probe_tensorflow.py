"""Which operators and public functions of the installed TensorFlow have a gradient, with calls of each: a program for
the target's interpreter.

    docstrings --> calls of functions --> run, gradient --\\
                        `--> operators executed below ------> run, gradient --> JSON
    registry of operators --> calls guessed --------------/

It imports what lies beside it. TensorFlow cannot be forked once it has started, so it is imported in workers alone.
Arguments on the command line restrict the run to functions and operators of these names.
"""

from __future__ import annotations

import contextlib
import doctest
import functools
import importlib
import inspect
import io
import json
import os
import sys
import time
import types
import warnings
from collections.abc import Callable, Iterator
from typing import Any, ClassVar

import numpy as np
from guess_tensorflow import GIVEN, by_definition, by_signature
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

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["CUDA_VISIBLE_DEVICES"] = ""

API_MODULES = "tensorflow._api.v2"
ARITHMETIC = ("tf", "tf.image", "tf.linalg", "tf.math", "tf.math.special", "tf.nn", "tf.quantization", "tf.signal")
"""Modules whose functions are tried by their signatures."""
APART = ("tf.compat", "tf.keras", "tf.raw_ops")
"""Older interfaces, a library of its own, and the operators, which are asked about by themselves."""
RUNTIME = (
    "tf.audio", "tf.autograph", "tf.config", "tf.data", "tf.debugging.experimental", "tf.distribute", "tf.dtensor",
    "tf.experimental.dtensor", "tf.feature_column", "tf.io.gfile", "tf.lite", "tf.lookup", "tf.mlir", "tf.profiler",
    "tf.queue", "tf.saved_model", "tf.summary", "tf.sysconfig", "tf.test", "tf.tpu", "tf.train",
)  # fmt: skip
"""Modules whose examples are not run: files, devices and datasets."""
KEPT = 12
NOTED = 4
"""Calls of an operator, of different shapes, that a worker tells of."""
GUESSED = 6
SECONDS = 40.0

tf: Any = None
Function = Callable[..., Any]


def start() -> None:
    """Import TensorFlow: first of all in a worker."""
    global tf
    warnings.simplefilter("ignore")
    tf = importlib.import_module("tensorflow")
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    tf.config.set_soft_device_placement(True)
    tf.random.set_seed(0)


# --- The names.


def modules() -> dict[str, types.ModuleType]:
    """The public modules by name, shallow ones first."""
    found = {"tf": tf}
    for name in (waiting := ["tf"]):
        for key in sorted(vars(found[name])):
            each = getattr(found[name], key)
            inner = f"{name}.{key}"
            if inspect.ismodule(each) and each.__name__.startswith(API_MODULES) and inner not in (*APART, *found):
                found[inner] = each
                waiting.append(inner)
    return found


def functions() -> tuple[dict[str, Function], dict[str, str]]:
    """Every public function by its first name, and why another public name is none."""
    known: dict[str, Function] = {}
    none: dict[str, str] = {}
    first: dict[int, str] = {}
    for place, module in modules().items():
        for key in sorted(vars(module)):
            each = getattr(module, key)
            name = f"{place}.{key}"
            if key.startswith("_") or inspect.ismodule(each) or not callable(each) or name in APART:
                continue
            if inspect.isclass(each):
                none[name] = "a class"
            elif id(each) in first:
                none[name] = f"the same function as {first[id(each)]}"
            elif not isinstance(each, tf.dtypes.DType):
                first[id(each)] = name
                known[name] = each
    return known, none


def operators() -> dict[str, str]:
    """The operators that the gradient registry knows, with why one need not be tried, or nothing."""
    registry = importlib.import_module("tensorflow.python.framework.ops")._gradient_registry
    known = set(registry.list())
    return {
        name: "the registry says that it has no gradient"
        if registry.lookup(name) is None
        else obstacle(definition(name))
        for name in sorted(dir(tf.raw_ops))
        if name in known
    }


def obstacle(stated: Any) -> str:
    """Why an operator cannot be called on tensors of floats; empty where nothing is known against it."""
    if any(each.is_ref for each in stated.input_arg):
        return "takes a reference"
    for each in stated.input_arg:
        if each.type and type_name(each.type) in HELD:
            return HELD[type_name(each.type)]
    if any(each.type == "func" for each in stated.attr):
        return "takes functions"
    if not any(kind in FLOATS for each in stated.input_arg for kind in kinds_of(stated, each)):
        return "no float input"
    return ""


HELD = {"DT_RESOURCE": "takes a resource", "DT_VARIANT": "takes a variant", "DT_STRING": "takes strings"}
FLOATS = ("DT_HALF", "DT_BFLOAT16", "DT_FLOAT", "DT_DOUBLE", "DT_COMPLEX64", "DT_COMPLEX128")


def definition(name: str) -> Any:
    return importlib.import_module("tensorflow.python.framework.op_def_registry").get(name)


def type_name(number: int) -> str:
    name: str = importlib.import_module("tensorflow.core.framework.types_pb2").DataType.Name(number)
    return name


def kinds_of(stated: Any, argument: Any) -> list[str]:
    """The names of the types that an input may have."""
    if argument.type:
        return [type_name(argument.type)]
    for each in stated.attr:
        if each.name in (argument.type_attr, argument.type_list_attr) and each.name:
            return [type_name(number) for number in each.allowed_values.list.type] or list(FLOATS)
    return list(FLOATS)


def name_everything(emit: Emit) -> None:
    known, none = functions()
    documented = {name for name, each in known.items() if ">>>" in (each.__doc__ or "")}
    texts = [
        name for name in (*known, *none) if ">>>" in (value_of(name).__doc__ or "") and "same" not in none.get(name, "")
    ]
    texts = [name for name in texts if not name.startswith(RUNTIME)]
    named = {"functions": {name: name in documented for name in known}, "none": none, "texts": texts}
    emit(named | {"operators": operators(), "version": tf.__version__})


def value_of(name: str) -> Any:
    return eval(name, {"tf": tf})


# --- Calls recorded.


class Recorder:
    """Stands for a public function; notes each call that is not made by another recorded function."""

    depth = 0
    notes: ClassVar[list[tuple[str, Any, dict[str, Any]]]] = []
    told: ClassVar[dict[str, int]] = {}
    """How often this process has told of a call, by key, and of an operator, by name."""

    def __init__(self, name: str, function: Function) -> None:
        self.name, self.function = name, function
        functools.update_wrapper(self, function, updated=())

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


def listen() -> None:
    """Put a recorder in the place of every public function, and hear of every operator that is executed."""
    start()
    tf.config.run_functions_eagerly(True)
    recorders = {id(each): Recorder(name, each) for name, each in functions()[0].items()}
    for module in modules().values():
        for key, each in list(vars(module).items()):
            if id(each) in recorders and not key.startswith("_"):
                setattr(module, key, recorders[id(each)])


@contextlib.contextmanager
def hearing(wanted: set[str], heard: Callable[[str, Call], None]) -> Iterator[None]:
    """Tell of each eager execution of a wanted operator, as a call of it by keywords."""
    callbacks = importlib.import_module("tensorflow.python.framework.op_callbacks")

    def note(op_type: Any, inputs: Any, attrs: Any, outputs: Any, op_name: Any = None, graph: Any = None) -> None:
        name = op_type.decode() if isinstance(op_type, bytes) else str(op_type)
        if graph is not None or name not in wanted or Recorder.told.get(name, 0) >= NOTED:
            return
        with contextlib.suppress(Exception):
            call = encoder().call((), keywords(name, inputs, attrs))
            if (key := key_of(name, call)) not in Recorder.told:
                Recorder.told[key] = 1
                Recorder.told[name] = Recorder.told.get(name, 0) + 1
                heard(name, call)

    callbacks.add_op_callback(note)
    try:
        yield
    finally:
        callbacks.remove_op_callback(note)


def keywords(name: str, inputs: Any, attrs: Any) -> dict[str, Any]:
    """The arguments of ``tf.raw_ops.name`` by an execution's flat inputs and attributes."""
    values = dict(zip(attrs[::2], attrs[1::2], strict=True))
    stated = definition(name)
    kinds = {each.name: each.type for each in stated.attr}
    accepted = inspect.signature(getattr(tf.raw_ops, name)).parameters
    flat = list(inputs)
    given: dict[str, Any] = {}
    for each in stated.input_arg:
        if each.number_attr:
            given[each.name] = [flat.pop(0) for _ in range(values[each.number_attr])]
        elif each.type_list_attr:
            given[each.name] = [flat.pop(0) for _ in values[each.type_list_attr]]
        else:
            given[each.name] = flat.pop(0)
    for key, value in values.items():
        if key in accepted and key not in given:
            if kinds[key] == "type":
                value = tf.dtypes.as_dtype(value)
            given[key] = value.decode() if isinstance(value, bytes) else value
    return given


def record(name: str, wanted: set[str], emit: Emit) -> None:
    """Run the examples of one docstring; emits ["function" or "operator", name, call or reason]."""
    try:
        examples = doctest.DocTestParser().get_examples(inspect.getdoc(value_of(name)) or "")
    except ValueError:
        return
    scope = {"tf": tf, "np": np, "__name__": "__main__"}
    with hearing(wanted, lambda operator, call: emit(["operator", operator, call])):
        for example in examples:
            with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(Exception, SystemExit):
                exec(compile(example.source, "<example>", "single"), scope)
            # What encoding calls is no part of the example.
            Recorder.depth += 1
            for called, args, kwargs in Recorder.notes:
                tell(called, args, kwargs, emit)
            Recorder.depth -= 1
            Recorder.notes.clear()


def tell(name: str, args: Any, kwargs: dict[str, Any], emit: Emit) -> None:
    try:
        call = encoder().call(args, {key: each for key, each in kwargs.items() if key != "name"})
    except Unusable as reason:
        emit(["function", name, f"its examples pass {reason}"])
        return
    if (key := key_of(name, call)) not in Recorder.told:
        Recorder.told[key] = 1
        emit(["function", name, call])


def encoder() -> Encoder:
    return Encoder(as_array, special)


def as_array(value: Any) -> np.ndarray[Any, Any] | None:
    if isinstance(value, tf.Tensor | tf.Variable):
        if not hasattr(value, "numpy"):
            raise Unusable("a symbolic tensor")
        return np.asarray(value.numpy())
    return np.asarray(value) if isinstance(value, np.ndarray | np.generic) else None


def special(value: Any, inner: Encoder) -> Any:
    """What TensorFlow's own values are in JSON."""
    if isinstance(value, Recorder):
        return {"code": value.name}
    if isinstance(value, tf.dtypes.DType) or (
        isinstance(value, np.dtype | type) and value not in (int, float, complex, bool)
    ):
        with contextlib.suppress(TypeError):
            if (name := tf.dtypes.as_dtype(value).name) in DTYPES:
                return {"code": f"tf.{name}"}
    if isinstance(value, tf.TensorShape):
        return {"code": f"tf.TensorShape({None if value.rank is None else value.as_list()})"}
    return NotImplemented


# --- Calls verified.


def verify(name: str, calls: Iterator[Call], most: int, wanted: set[str], emit: Emit) -> None:
    """Emits {"seed": ...} for each call that has a gradient, {"operator": [name, call]} for the operators heard, and
    {"reason": ...} where no call has one."""
    function = value_of(name)
    seeds = 0
    reasons: list[str] = []
    began = time.process_time()
    with hearing(wanted, lambda operator, call: emit({"operator": [operator, call]})):
        for call in calls:
            for variant in variants(call):
                try:
                    differentiate(function, variant)
                except Exception as error:
                    reasons.append(reason_of(error))
                    continue
                emit({"seed": variant})
                seeds += 1
                turned = turned_complex(variant) if seeds == 1 else None
                if turned is not None:
                    with contextlib.suppress(Exception):
                        differentiate(function, turned)
                        emit({"seed": turned})
                break
            if seeds >= most or (seeds and time.process_time() - began > 5.0):
                return
    if not seeds:
        emit({"reason": worst(reasons)})


def differentiate(function: Function, call: Call) -> None:
    """Raises Unusable where the call has no float input, no float output, or no gradient."""
    tensors = [tf.constant(array_of(each), tf.dtypes.as_dtype(each["dtype"])) for each in call["tensors"]]
    watched = [each for each, stored in zip(tensors, call["tensors"], strict=True) if is_inexact(stored)]
    if not watched:
        raise Unusable("no float input")
    kwargs = {key: decode(each, tensors, {"tf": tf}) for key, each in call["kwargs"].items()}
    with tf.GradientTape() as tape:
        tape.watch(watched)
        given = function(*decode(call["args"], tensors, {"tf": tf}), **kwargs)
        leaves = tf.nest.flatten(given, expand_composites=True)
        outputs = [each for each in leaves if tf.is_tensor(each) and (each.dtype.is_floating or each.dtype.is_complex)]
    if not outputs:
        raise Unusable("no float output")
    gradients = tape.gradient(outputs, watched)
    if all(each is None for each in gradients):
        raise Unusable("the tape gives no gradient")


def reason_of(error: Exception) -> str:
    """The first line of an error."""
    first = (str(error).strip().splitlines() or [""])[0][:160]
    return first if isinstance(error, Unusable) else f"{type(error).__name__}: {first}"


def guesses(name: str) -> Iterator[Call]:
    """Calls to try of an operator, or of a public function."""
    if name.startswith("tf.raw_ops."):
        operator = name.removeprefix("tf.raw_ops.")
        signature = inspect.signature(value_of(name))
        texts = (
            iter(GIVEN[operator]) if operator in GIVEN else by_definition(definition(operator), signature, type_name)
        )
    else:
        texts = by_signature(value_of(name))
    for text in texts:
        args, kwargs = Helpers().arguments(text)
        yield encoder().call(args, kwargs)


# --- The run.


class Collected:
    """What the workers have found so far."""

    def __init__(self) -> None:
        self.apis: dict[str, dict[str, Any]] = {}
        self.reasons: dict[str, str] = {}
        self.calls: dict[str, dict[str, Call]] = {}

    def add(self, name: str, call: Call | str) -> None:
        if isinstance(call, str):
            self.reasons.setdefault(name, call)
        else:
            self.calls.setdefault(name, {}).setdefault(key_of(name, call), call)

    def recorded(self, name: str) -> list[Call]:
        return sorted(self.calls.get(name, {}).values(), key=size_of)

    def attempt(
        self,
        origin: str,
        tried: dict[str, Callable[[], Iterator[Call]]],
        most: int,
        wanted: set[str],
        seconds: float = SECONDS,
    ) -> None:
        """Verify calls of functions by name."""
        tasks: list[Task] = [functools.partial(_verify, name, given, most, wanted) for name, given in tried.items()]
        for name, items in zip(tried, spread(tasks, start, seconds), strict=True):
            seeds = []
            for item in items:
                if "seed" in item:
                    seeds.append(item["seed"])
                elif "operator" in item:
                    self.add(f"tf.raw_ops.{item['operator'][0]}", item["operator"][1])
                else:
                    self.reasons[name] = item["reason"]
            if seeds:
                distinct = list({json.dumps(each): each for each in seeds}.values())
                self.apis[name] = {
                    "name": name,
                    "callee": name,
                    "kind": "function",
                    "origin": origin,
                    "imports": [],
                    "inplace": False,
                    "seeds": sorted(distinct, key=size_of)[:KEPT],
                }


def _verify(name: str, given: Callable[[], Iterator[Call]], most: int, wanted: set[str], emit: Emit) -> None:
    verify(name, given(), most, wanted, emit)


def main(asked: list[str]) -> dict[str, Any]:
    ((named,),) = spread([name_everything], start, 4 * SECONDS)
    if "reason" in named:
        raise SystemExit(f"TensorFlow cannot be asked: {named['reason']}")
    found = Collected()

    def kept(name: str) -> bool:
        return not asked or name in asked

    functions_ = [name for name in named["functions"] if kept(name)]
    reasons = {f"tf.raw_ops.{name}": why for name, why in named["operators"].items() if kept(f"tf.raw_ops.{name}")}
    tried = [name for name, why in reasons.items() if not why]
    wanted = {name.removeprefix("tf.raw_ops.") for name in tried}
    tasks: list[Task] = [functools.partial(record, name, wanted) for name in named["texts"] if kept(name)]
    for items in spread(tasks, listen, SECONDS):
        for item in items:
            if isinstance(item, list):
                found.add(f"tf.raw_ops.{item[1]}" if item[0] == "operator" else item[1], item[2])
    given: dict[str, Callable[[], Iterator[Call]]] = {
        name: functools.partial(iter, found.recorded(name)) for name in functions_ if name in found.calls
    }
    found.attempt("doctest", given, 2 * KEPT, wanted)
    plain = [name for name in functions_ if name not in found.apis and name.rpartition(".")[0] in ARITHMETIC]
    found.attempt("schema", {name: functools.partial(guesses, name) for name in plain}, GUESSED, wanted)
    # An operator's gradient executes further operators, so that what was heard is tried again after the guesses.
    for _ in range(2):
        given = {
            name: functools.partial(operator_calls, name, found.recorded(name))
            for name in tried
            if name not in found.apis
        }
        found.attempt("op registry", given, GUESSED, wanted)
    unreached = {name: reason for name, reason in named["none"].items() if kept(name)}
    unreached |= {name: why or found.reasons.get(name, "no call was found") for name, why in reasons.items()}
    for name in functions_:
        unreached[name] = found.reasons.get(name) or (
            "its examples do not call it" if named["functions"][name] else "no example"
        )
    return {
        "library": "tensorflow",
        "version": named["version"],
        "python": sys.version.split()[0],
        "apis": list(found.apis.values()),
        "unreached": [{"name": name, "reason": reason} for name, reason in unreached.items() if name not in found.apis],
    }


def operator_calls(name: str, heard: list[Call]) -> Iterator[Call]:
    yield from heard
    yield from guesses(name)


if __name__ == "__main__":
    # What the library prints must not get among the answer.
    answer = os.dup(1)
    os.dup2(2, 1)
    with os.fdopen(answer, "w") as out:
        json.dump(main(sys.argv[1:]), out, allow_nan=False)
