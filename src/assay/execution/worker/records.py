"""What the records of every framework have in common: a call's record, the choice of the bytes that travel,
exceptions."""

from __future__ import annotations

import hashlib
import sys
from typing import Any

MESSAGE_LIMIT = 4096
FRAMES = 60
DEPTH = 16
ITEMS = 10000
_CASE_FILE = "assay_case.py"


class Call:
    """One call's record: JSON, and the tensors' bytes by place ("outputs/0", "gradients/argument 1")."""

    def __init__(self, status: str, stage: str) -> None:
        self.json: dict[str, Any] = {
            "status": status,
            "stage": stage,
            "exception": None,
            "outputs": None,
            "arguments": [],
            "state": {},
            "gradients": {},
            "environment": {},
        }
        self.tensors: dict[str, tuple[list[Any], bytes]] = {}
        self.bounds: dict[str, tuple[list[Any], bytes | None, bytes]] = {}
        self.choices: dict[str, Any] = {}


def digest(dtype: str, shape: list[int], data: bytes) -> str:
    """What tells tensors apart: dtype, shape and bytes."""
    return hashlib.blake2b(data, digest_size=12, person=f"{dtype}{shape}".encode()[:16]).hexdigest()


def same_records(reference: list[Call], target: list[Call] | None) -> bool:
    """Whether all that was seen of two executions is the same, tensors by their digests. Before `ship`."""
    return target is not None and [call.json for call in reference] == [call.json for call in target]


def ship(reference: list[Call], target: list[Call] | None, again: list[Call] | None, everything: bool) -> list[bytes]:
    """Choose the bytes that travel, and enter their numbers in the records: those that differ, and their
    counterparts."""
    buffers: list[bytes] = []

    def send(entry: tuple[list[Any], bytes]) -> None:
        record, data = entry
        if record[9] is None:
            record[9] = len(buffers)
            buffers.append(data)

    for index, call in enumerate(reference):
        other = target[index] if target is not None and index < len(target) else None
        for place, entry in call.tensors.items():
            counterpart = other.tensors.get(place) if other else None
            if everything or (counterpart is not None and counterpart[0][8] != entry[0][8]):
                send(entry)
                if counterpart is not None:
                    send(counterpart)
    if everything or again is not None:
        for call in (target or []) + (again or []) + (reference if again is not None else []):
            for entry in call.tensors.values():
                send(entry)
    for call in reference:
        for place, (record, value, bound) in call.bounds.items():
            shadow: list[Any] = [None if value is None else len(buffers), len(buffers) + (value is not None)]
            buffers += [bound] if value is None else [value, bound]
            if place in call.choices:
                values, slack, rows, count, dim = call.choices[place]
                shadow.append([len(buffers), len(buffers) + 1, rows, count, dim])
                buffers += [values, slack]
            record.append(shadow)
    return buffers


def exception_record(error: BaseException) -> dict[str, Any]:
    """What an exception is, where it came from, and what caused it."""
    chain, frames, seen = [], _frames(error), {id(error)}
    cause = _cause(error)
    while cause is not None and id(cause) not in seen and len(chain) < 8:
        seen.add(id(cause))
        text = shown(cause, 400)
        chain.append(f"{type_name(type(cause))}: {text.splitlines()[0] if text else ''}")
        frames += [frame for frame in _frames(cause) if frame not in frames]
        cause = _cause(cause)
    message = shown(error, MESSAGE_LIMIT)
    exhausted = isinstance(error, MemoryError) or any(
        sign in message
        for sign in (
            "DefaultCPUAllocator",
            "std::bad_alloc",
            "Cannot allocate memory",
            "RESOURCE_EXHAUSTED",
            "OOM when",
        )
    )
    return {
        "type": type_name(type(error)),
        "bases": [type_name(base) for base in type(error).__mro__[1:-1]],
        "message": message,
        "frames": frames[-FRAMES:],
        "chain": chain,
        "exhausted": exhausted,
    }


def _cause(error: BaseException) -> BaseException | None:
    inner = getattr(error, "inner_exception", None)
    if isinstance(inner, BaseException):
        return inner
    return error.__cause__ or (None if error.__suppress_context__ else error.__context__)


def _frames(error: BaseException) -> list[str]:
    frames = []
    trace = error.__traceback__
    while trace is not None:
        code = trace.tb_frame.f_code
        file = code.co_filename
        if file == _CASE_FILE:
            frames.append(f"case:{code.co_name}")
        elif not file.startswith(_WORKER):
            frames.append(f"{_package_path(file)}:{code.co_name}")
        trace = trace.tb_next
    return frames


_WORKER = __file__.rpartition("/")[0] + "/"


def _package_path(file: str) -> str:
    for folder in sorted(sys.path, key=len, reverse=True):
        if folder and file.startswith(folder.rstrip("/") + "/"):
            return file[len(folder.rstrip("/")) + 1 :]
    return file.rpartition("/")[2]


def type_name(kind: type) -> str:
    module = getattr(kind, "__module__", "")
    name = getattr(kind, "__qualname__", repr(kind))
    return name if module in ("builtins", "", None) else f"{module}.{name}"


def shown(value: Any, limit: int = 300) -> str:
    """``repr`` of a value, ``str`` of an exception, cut; a broken one cannot hurt."""
    try:
        text = str(value) if isinstance(value, BaseException) else repr(value)
    except Exception as error:
        text = f"<no text: {type(error).__name__}>"
    return text[:limit]
