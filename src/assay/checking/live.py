"""`assay.check`: a subject that lives in this process, with what it is called with.

The subject itself runs here, since nothing but this process has it: modules are copied for every run, functions are
called as they are. What it is lifted to is text, and runs in a worker as every program does.
"""

from __future__ import annotations

import copy
import importlib
import inspect
import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from assay.backends import UnknownTarget, find_backend
from assay.campaign.mistake import UserMistake
from assay.checking.checker import LADDER, Wish, start
from assay.checking.defaults import CASE_SECONDS, DERIVATIVES, MEMORY_MB, SECONDS, TRANSFORMED
from assay.checking.report import Report
from assay.checking.run import bench_of, finished, silent
from assay.checking.texts import LIVE, Subject
from assay.execution import BackendNotInstalled
from assay.execution.live import LiveBench

Target = str | Callable[..., Any]


def check_live(
    subject: Callable[..., Any],
    example_inputs: Any = (),
    kwargs: Mapping[str, Any] | None = None,
    *,
    targets: Sequence[Target] = (),
    transforms: int = TRANSFORMED,
    training: bool = True,
    sizes: bool = True,
    derivatives: int = DERIVATIVES,
    seconds: float = SECONDS,
    out: str | os.PathLike[str] | None = None,
    tell: Callable[[str], None] = silent,
) -> Report:
    """Check what lives in this process; see `assay.check`. Raises UserMistake, with one line."""
    if not callable(subject):
        raise UserMistake(f"what is checked must be callable; this is of type {type(subject).__name__}")
    if "torch" not in sys.modules:
        raise UserMistake("torch was not imported, so that there is nothing of it to check")
    begun = time.monotonic()
    names = tuple(dict.fromkeys(_target(each) for each in targets))
    args = tuple(example_inputs) if isinstance(example_inputs, tuple | list) else (example_inputs,)
    given = dict(kwargs or {})
    here = Subject("", _name(subject), None, title=_name(subject), folder=_folder(subject))

    def fresh() -> tuple[str, Any, Any]:
        return here.folder, _anew(subject), SimpleNamespace(assay_inputs=lambda: (args, given))

    wish = Wish(names, transforms, seconds, training, sizes, derivatives)
    inherited = os.environ.get("PYTHONPATH")
    # A worker is to find what this process finds: a backend of the user's, say.
    os.environ["PYTHONPATH"] = os.pathsep.join(entry for entry in sys.path if entry)
    try:
        bench, texts = LiveBench(names or LADDER, LIVE, fresh), bench_of(wish, CASE_SECONDS, MEMORY_MB)
        try:
            check = start(here, wish, bench.run, texts.run, tell=tell)
            return finished(check, begun, None if out is None else Path(out))
        finally:
            texts.close()
            bench.close()
    except (BackendNotInstalled, UnknownTarget) as missing:
        raise UserMistake(str(missing)) from None
    finally:
        if inherited is None:
            del os.environ["PYTHONPATH"]
        else:
            os.environ["PYTHONPATH"] = inherited


def _anew(subject: Any) -> Any:
    """A module as it is now, in a copy; anything else itself. Raises UserMistake."""
    torch = sys.modules["torch"]
    if not isinstance(subject, torch.nn.Module):
        return subject
    try:
        return copy.deepcopy(subject)
    except (RuntimeError, TypeError, copy.Error) as error:
        raise UserMistake(
            f"{type(subject).__name__} cannot be copied ({error}); check it by its file instead"
        ) from None


def _target(target: Target) -> str:
    """A target by its name; a backend of torch.compile that is a function by where it is found. Raises UserMistake."""
    if isinstance(target, str):
        try:
            framework = find_backend(target).framework
        except UnknownTarget as unknown:
            raise UserMistake(str(unknown)) from None
        if framework != "torch":
            raise UserMistake(f"{target} takes models, not Python; compare targets of torch.compile")
        return target
    module, name = getattr(target, "__module__", ""), getattr(target, "__qualname__", "")
    try:
        found = getattr(importlib.import_module(module), name, None)
    except ImportError:
        found = None
    if found is not target or module == "__main__":
        raise UserMistake(f"the backend {name or target!r} has to be a function of a module that can be imported")
    return f"torch:{module}.{name}"


def _name(subject: Any) -> str:
    return str(getattr(subject, "__qualname__", type(subject).__qualname__))


def _folder(subject: Any) -> str:
    """Where the code of a subject lies; empty where that is in no file."""
    try:
        file = inspect.getsourcefile(subject if inspect.isroutine(subject) else type(subject))
    except TypeError:
        return ""
    return str(Path(file).resolve().parent) if file and os.path.exists(file) else ""
