"""`assay check`: the user's own function or module, eagerly against compiled."""

from __future__ import annotations

import argparse
import ast
import contextlib
import os
import shutil
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from assay.campaign.mistake import UserMistake
from assay.cli import FOUND, FOUND_NOTHING
from assay.cli.runs import RUNS, print_json

NARROWEST, WIDEST = 80, 120


def check(options: argparse.Namespace, began: float) -> int:
    """Check one subject; exit 1 where something differs."""
    from assay.backends import UnknownTarget, find_backend
    from assay.checking.checker import Wish
    from assay.checking.inputs import given_of
    from assay.checking.run import check_file
    from assay.checking.screen import screen
    from assay.checking.texts import Subject
    from assay.execution import BackendNotInstalled

    path, name = _split(options.subject)
    _parsed(path, options.target)
    given = given_of(options.input) if options.input else None
    try:
        for target in options.target:
            if find_backend(target).framework != "torch":
                raise UserMistake(f"{target} takes models, not Python; `assay check` compares targets of torch.compile")
    except UnknownTarget as unknown:
        raise UserMistake(str(unknown)) from None
    subject = Subject(str(path.resolve()), name, given, title=f"{path.name}:{name}")
    wish = Wish(
        tuple(dict.fromkeys(options.target)),
        transformed=options.transforms,
        seconds=options.time,
        training=not options.no_training,
        sizes=not options.no_sizes,
        derivatives=options.derivatives,
    )
    _importable(path)
    out = options.out or RUNS / f"check-{time.strftime('%Y%m%d-%H%M%S')}-{path.stem}"
    progress = _Progress(options.json)
    try:
        with contextlib.closing(progress):
            report = check_file(
                subject, wish, tell=progress, seconds=options.case_time, memory_mb=options.memory, out=out
            )
    except BackendNotInstalled as missing:
        raise UserMistake(str(missing)) from None
    if options.json:
        print_json(report.to_json())
    else:
        print(screen(report, min(max(shutil.get_terminal_size((110, 50)).columns, NARROWEST), WIDEST)))
    return FOUND_NOTHING if report.same else FOUND


def _split(text: str) -> tuple[Path, str]:
    """The file and the name. Raises UserMistake where there is no such file, or no name."""
    file, colon, name = text.rpartition(":")
    if not colon:
        file, name = text, ""
    path = Path(file)
    if not path.is_file():
        raise UserMistake(f"there is no file {file}; write path/file.py:name")
    if path.suffix != ".py":
        raise UserMistake(f"{file} is no Python file; write path/file.py:name")
    if not name:
        raise UserMistake(f"say what of {file} to check: {file}:NAME{_choices(path)}")
    return path, name


def _parsed(path: Path, targets: Sequence[str]) -> None:
    """See that the file is Python before anything is started, where this interpreter is the one that is to read it.
    Raises UserMistake."""
    if any("@" in target for target in targets):
        return
    try:
        ast.parse(path.read_bytes())
    except (SyntaxError, ValueError) as error:
        line = f" (line {error.lineno})" if isinstance(error, SyntaxError) and error.lineno else ""
        said = error.msg if isinstance(error, SyntaxError) else error
        raise UserMistake(f"{path.name}: {type(error).__name__}: {said}{line}") from None


def _choices(path: Path) -> str:
    """The functions and classes of a file, read and not run."""
    try:
        body = ast.parse(path.read_text(encoding="utf-8")).body
    except (SyntaxError, UnicodeDecodeError):
        return ""
    names = [each.name for each in body if isinstance(each, ast.FunctionDef | ast.ClassDef)]
    return f", where NAME is {', '.join(names)}" if names else ""


def _importable(path: Path) -> None:
    """Let workers and scripts import what lies beside the file and in the present folder: a backend, say."""
    folders = [str(path.resolve().parent), os.getcwd(), os.environ.get("PYTHONPATH", "")]
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, folders))


class _Progress:
    """Tells on a terminal what is being done."""

    def __init__(self, silent: bool) -> None:
        self._shown = sys.stderr.isatty() and not silent

    def __call__(self, what: str) -> None:
        if self._shown:
            # A line that wraps could not be taken back.
            told = f"{what} ..."[: shutil.get_terminal_size().columns - 1]
            print(f"\r\033[K{told}", end="", file=sys.stderr, flush=True)

    def close(self) -> None:
        """Leave the line empty."""
        if self._shown:
            print("\r\033[K", end="", file=sys.stderr, flush=True)
