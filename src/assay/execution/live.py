"""Runs cases in this very process: for subjects that live here, which no worker could be given.

What a worker does for a case is done here by the worker's own program, loaded into this process. A crash of the system
under test ends this process too, and no limit of time or memory holds; the rest, down to the records, is the same.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import random
import sys
import tempfile
import types
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from assay.backends import find_backend
from assay.execution.client import PROGRAM, BackendNotInstalled, run_request
from assay.ir.case import Case
from assay.oracles.outcome import Code, Outcome, outcome_from_frame

PACKAGE = "assay_worker"


class _Board:
    """Takes the stages of a case, which nobody asks for here."""

    def set(self, stage: str) -> None:
        """Nothing."""

    def note(self, text: str) -> None:
        """Nothing."""


class LiveBench:
    """Runs cases here. ``module`` is the name under which texts import what lives here, ``fresh`` makes it anew.

    Raises BackendNotInstalled where a target cannot be loaded.
    """

    def __init__(self, targets: Sequence[str], module: str, fresh: Callable[[], Any]) -> None:
        self._module = types.ModuleType(module)
        self._module.fresh = fresh  # type: ignore[attr-defined]
        self._folder = tempfile.TemporaryDirectory(prefix="assay-live-")
        os.environ.setdefault("ASSAY_WORKER_FOLDER", self._folder.name)
        self._runtime = _worker_module("torch_runtime")
        self._load = _worker_module("main").load_backend
        for target in dict.fromkeys(("eager", *targets)):
            self._prepare(target)

    def _prepare(self, target: str) -> None:
        backend = find_backend(target)
        if backend.python is not None:
            raise BackendNotInstalled(f"{target} is another interpreter, in which what lives here does not")
        if backend.name in self._runtime.modules:
            return
        try:
            module = self._load(Path(backend.path).stem, backend.path)
            if backend.module.PREFIX:
                # Its own import is all that a backend of the user's needs.
                module.prepare(backend.name)
        except (ImportError, LookupError) as error:
            if not isinstance(error, ImportError) and type(error) is not LookupError:
                # A key or an index that is not there is an error of ours.
                raise
            raise BackendNotInstalled(f"target '{target}' is not available here ({error})") from None
        self._runtime.modules[backend.name] = module

    def run(
        self,
        case: Case,
        evidence: tuple[str, ...] = (),
        *,
        alone: bool = False,
        code: Code = "merged",
        patience: float = 1.0,
    ) -> Outcome:
        """Run a case; nothing runs alone here, and machine code is made as the target makes it."""
        backend = find_backend(case.target)
        self._prepare(case.target)
        request = run_request(case, backend.name, evidence, "plain")
        with self._here():
            header, buffers = self._runtime.execute(request, _Board())
        return outcome_from_frame(header, [bytes(each) for each in buffers])

    @contextlib.contextmanager
    def _here(self) -> Iterator[None]:
        """The module that texts import; streams of random numbers and modes as they were, afterwards."""
        torch = sys.modules["torch"]
        before: Mapping[str, Any] = {
            "torch": torch.get_rng_state(),
            "python": random.getstate(),
            "dtype": torch.get_default_dtype(),
            "grad": torch.is_grad_enabled(),
        }
        numpy = sys.modules.get("numpy")
        drawn = None if numpy is None else numpy.random.get_state()
        path, name = list(sys.path), self._module.__name__
        sys.modules[name] = self._module
        try:
            # What the runtime asks of torch is not what the user is to be warned of.
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                yield
        finally:
            sys.modules.pop(name, None)
            sys.path[:] = path
            torch.set_rng_state(before["torch"])
            random.setstate(before["python"])
            torch.set_default_dtype(before["dtype"])
            torch.set_grad_enabled(before["grad"])
            if numpy is not None:
                numpy.random.set_state(drawn)

    def close(self) -> None:
        """Remove what was kept."""
        if os.environ.get("ASSAY_WORKER_FOLDER") == self._folder.name:
            del os.environ["ASSAY_WORKER_FOLDER"]
        self._folder.cleanup()


def _worker_module(name: str) -> Any:
    """A module of the worker's program, loaded into this process under the name that it has in a worker."""
    if PACKAGE not in sys.modules:
        spec = importlib.util.spec_from_file_location(
            PACKAGE, PROGRAM / "__init__.py", submodule_search_locations=[str(PROGRAM)]
        )
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[PACKAGE] = module
        spec.loader.exec_module(module)
    return importlib.import_module(f"{PACKAGE}.{name}")
