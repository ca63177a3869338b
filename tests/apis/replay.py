"""Seeds rebuilt from their JSON, by code of their own: what a probe prints must say all that a call needs."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np

import assay

APIS = Path(assay.__file__).parent / "apis"


def ask(program: str, *names: str) -> dict[str, Any]:
    """What a probe prints for functions of these names, in the environment in which a campaign runs it."""
    command = [sys.executable, str(APIS / program), *names]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, env={"PYTHONHASHSEED": "0", "PATH": ""}, timeout=300
    )
    assert done.returncode == 0, done.stderr
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def arrays(seed: dict[str, Any]) -> list[np.ndarray[Any, Any]]:
    """The tensors of a seed; elements that are not printed are drawn from their range."""
    return [_array(each) for each in seed["tensors"]]


def _array(stored: dict[str, Any]) -> np.ndarray[Any, Any]:
    is_complex = stored["dtype"].startswith("complex")
    size = math.prod(stored["shape"])
    values = stored.get("values")
    if values is None:
        values = np.random.default_rng(0).uniform(stored["low"], stored["high"], size).tolist()
        values = [[each, each] for each in values] if is_complex else values
    assert len(values) == size
    if is_complex:
        values = [complex(float(real), float(imaginary)) for real, imaginary in values]
    if "float" in stored["dtype"]:
        values = [float(each) for each in values]
    return np.array(values, stored["dtype"]).reshape(stored["shape"])


def value(stored: Any, tensors: list[Any], scope: dict[str, Any]) -> Any:
    match stored:
        case {"tensor": index}:
            return tensors[index]
        case {"code": text}:
            return eval(text, dict(scope))
        case {"float": text}:
            return float(text)
        case {"complex": [real, imaginary]}:
            return complex(real, imaginary)
        case {"tuple": items}:
            return tuple(value(each, tensors, scope) for each in items)
        case {"set": items}:
            return {value(each, tensors, scope) for each in items}
        case {"dict": pairs}:
            return {key: value(each, tensors, scope) for key, each in pairs}
        case list():
            return [value(each, tensors, scope) for each in stored]
        case _:
            return stored


def call(api: dict[str, Any], seed: dict[str, Any], tensors: list[Any], scope: dict[str, Any]) -> Any:
    """Call the function of a seed on these tensors."""
    kwargs = {key: value(each, tensors, scope) for key, each in seed["kwargs"].items()}
    return eval(api["callee"], dict(scope))(*value(seed["args"], tensors, scope), **kwargs)
