"""What one execution of a case was seen to do: plain data, which workers send and oracles read.

`outcome_from_frame` makes it from the header and buffers of a worker's frame (`assay.execution.worker.torch_records`
writes them).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

if TYPE_CHECKING:
    import numpy as np

Code: TypeAlias = Literal["merged", "plain", "none"]
"""How a target makes machine code, where it has a compiler do so: several kernels in one run of it, exactly as the
target does by itself, or not at all: then it fails where the compiler would begin.
"""

ABSENT = "absent"
"""How a run "ended" that could not be made: evidence that is not to be had."""

# Formats that numpy has no name for are handed out as raw integers of the same size.
_RAW_BITS = {1: "uint8", 2: "uint16", 4: "uint32", 8: "uint64", 16: "complex128"}
_NUMPY_NAMES = frozenset(
    [
        "bool",
        "uint8",
        "uint16",
        "uint32",
        "uint64",
        "int8",
        "int16",
        "int32",
        "int64",
        "float16",
        "float32",
        "float64",
        "complex64",
        "complex128",
    ]
)


@dataclass(frozen=True, slots=True)
class Choice:
    """What indices chose among, in a shadow run: rows of values, and of how far each may be moved by rounding, in
    float64. ``dim`` is the dimension of the index within a row; without one, the index has a row after the other.
    """

    values: bytes
    slack: bytes
    rows: int
    count: int
    dim: int | None


@dataclass(frozen=True, slots=True)
class TensorRecord:
    """A tensor as it was seen.

    ``storage`` and ``identity`` number storages and objects by first appearance among arguments, state and outputs
    of one call. ``data`` holds the little-endian bytes in C order; it may be left out where ``digest`` equals that
    of the other side.

    In a shadow run, ``value`` and ``bound`` hold what the elements stand for, in float64 or complex128, and how far a
    correct evaluation may be from it, in float64. A tensor without a bound is exact, an integer has no value but its
    own. ``choice`` is what indices that rounding may tip chose among.
    """

    dtype: str
    shape: tuple[int, ...]
    stride: tuple[int, ...]
    storage: int
    offset: int
    identity: int
    requires_grad: bool
    digest: str
    data: bytes | None = None
    layout: str = "strided"
    value: bytes | None = None
    bound: bytes | None = None
    choice: Choice | None = None

    def array(self) -> np.ndarray[Any, Any]:
        """The elements. Raises ValueError where they did not travel.

        bfloat16 and float8 come as the unsigned integers of their bits; ``dtype`` names the truth.
        """
        import numpy as np

        if self.data is None:
            raise ValueError("the bytes of this tensor were not sent")
        count = 1
        for size in self.shape:
            count *= size
        name = self.dtype
        if name not in _NUMPY_NAMES:
            name = _RAW_BITS[len(self.data) // count] if count else "uint8"
        return np.frombuffer(self.data, dtype=np.dtype(name).newbyteorder("<")).reshape(self.shape)


@dataclass(frozen=True, slots=True)
class ValueRecord:
    """A Python number, string or None, by its type and repr."""

    type: str
    repr: str


@dataclass(frozen=True, slots=True)
class ContainerRecord:
    """An object with parts: a tuple, list or dict, an object of the program's own with its attributes, an exception, an
    iterator with what it still gives.

    ``keys`` name the parts where they have names, in order. ``identity`` numbers objects as that of tensors does; it is
    -1 where it means nothing, as of a tuple.
    """

    type: str
    keys: tuple[str, ...] | None
    items: tuple[Tree, ...]
    identity: int = -1


Tree: TypeAlias = TensorRecord | ValueRecord | ContainerRecord


@dataclass(frozen=True, slots=True)
class ExceptionRecord:
    """An exception: qualified types, message, and frames as ``package/file.py:function``, the innermost last."""

    type: str
    bases: tuple[str, ...]
    message: str
    frames: tuple[str, ...]
    chain: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CallRecord:
    """One call of the program: what it returned or raised, and how it left what it was given.

    ``status`` is ok or exception; ``stage`` load, inputs, forward or backward; ``environment`` the framework's
    global state after the call.
    """

    status: str
    exception: ExceptionRecord | None
    outputs: Tree | None
    arguments: tuple[Tree, ...]
    state: Mapping[str, Tree]
    gradients: Mapping[str, TensorRecord | None]
    stage: str
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Execution:
    """All calls of one execution, in order; the last may have raised."""

    calls: tuple[CallRecord, ...]


@dataclass(frozen=True, slots=True)
class Outcome:
    """How the execution of a case went, in eager mode and on its target. ``ended`` is completed, died, timeout,
    starved (stopped as well, since others had the cores), memory or absent. Of a case that is differentiated there are
    ``derivatives`` (`assay.execution.worker.derivatives` writes them) in place of executions; ``note`` says what ran
    when it died."""

    case_id: str
    ended: str
    stage: str = ""
    signal: int | None = None
    status: int | None = None
    reference: Execution | None = None
    target: Execution | None = None
    reference_again: Execution | None = None
    engagement: Mapping[str, Any] = field(default_factory=dict)
    cpu: Mapping[str, float] = field(default_factory=dict)
    stderr: str = ""
    derivatives: Mapping[str, Any] | None = None
    note: str = ""


def outcome_from_frame(header: Mapping[str, Any], buffers: Sequence[bytes], stderr: str = "") -> Outcome:
    """The outcome that an ``outcome`` or ``died`` frame describes. Raises KeyError, IndexError or TypeError for a
    malformed one."""
    cpu = {part: float(seconds) for part, seconds in header.get("cpu", {}).items()}
    if header["op"] == "died":
        how = header["how"]
        return Outcome(
            case_id=header["id"],
            ended="died" if how in ("signal", "exit") else how,
            stage=header.get("stage", ""),
            signal=header.get("signal"),
            status=header.get("status"),
            cpu=cpu,
            stderr=header.get("stderr", ""),
            note=header.get("note", ""),
        )
    executions = [_execution(header.get(part), buffers) for part in ("reference", "target", "again")]
    return Outcome(
        case_id=header["id"],
        ended=header["ended"],
        stage=header.get("stage", ""),
        reference=executions[0],
        target=executions[1],
        reference_again=executions[2],
        engagement=header.get("engagement", {}),
        cpu=cpu,
        stderr=stderr,
        derivatives=header.get("derivatives"),
    )


def _execution(calls: Sequence[Mapping[str, Any]] | None, buffers: Sequence[bytes]) -> Execution | None:
    return None if calls is None else Execution(tuple(_call(call, buffers) for call in calls))


def _call(call: Mapping[str, Any], buffers: Sequence[bytes]) -> CallRecord:
    exception, outputs = call["exception"], call["outputs"]
    return CallRecord(
        status=call["status"],
        exception=exception and _exception(exception),
        outputs=None if outputs is None else _tree(outputs, buffers),
        arguments=tuple(_tree(tree, buffers) for tree in call["arguments"]),
        state={name: _tree(tree, buffers) for name, tree in call["state"].items()},
        gradients={name: tree and _tensor(tree, buffers) for name, tree in call["gradients"].items()},
        stage=call["stage"],
        environment=call.get("environment", {}),
    )


def _exception(record: Mapping[str, Any]) -> ExceptionRecord:
    return ExceptionRecord(
        record["type"], tuple(record["bases"]), record["message"], tuple(record["frames"]), tuple(record["chain"])
    )


def _tree(tree: Sequence[Any], buffers: Sequence[bytes]) -> Tree:
    if tree[0] == "t":
        return _tensor(tree, buffers)
    if tree[0] == "v":
        return ValueRecord(tree[1], tree[2])
    _, kind, keys, items, *identity = tree
    names = None if keys is None else tuple(keys)
    return ContainerRecord(kind, names, tuple(_tree(item, buffers) for item in items), *identity)


def _tensor(tree: Sequence[Any], buffers: Sequence[bytes]) -> TensorRecord:
    _, dtype, shape, stride, storage, offset, identity, requires_grad, digest, buffer, layout, *shadow = tree
    data = None if buffer is None else buffers[buffer]
    value, bound, *rest = shadow[0] if shadow else (None, None)
    choice = None
    if rest:
        values, slack, rows, count, dim = rest[0]
        choice = Choice(buffers[values], buffers[slack], rows, count, dim)
    value, bound = (None if each is None else buffers[each] for each in (value, bound))
    seen = (dtype, tuple(shape), tuple(stride), storage, offset, identity, requires_grad, digest, data, layout)
    return TensorRecord(*seen, value, bound, choice)
