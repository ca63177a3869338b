"""`assay coverage`: what a run exercised and engaged, what never was, and why."""

from __future__ import annotations

import argparse
import shutil
import sys
import time

from assay.campaign.mistake import UserMistake
from assay.cli import FOUND_NOTHING
from assay.cli.runs import open_for_reading, print_json

NARROWEST, WIDEST = 80, 160
SILENT_SECONDS = 2.0
EVERY_SECONDS = 0.5


def coverage(options: argparse.Namespace, began: float) -> int:
    """Tell what a run exercised."""
    from assay.backends import UnknownTarget
    from assay.campaign.coverage import cover
    from assay.execution import BackendNotInstalled
    from assay.report.coverage import coverage_screen, coverage_to_json

    with open_for_reading(options.folder or options.run) as store:
        try:
            found = cover(store, options.target, options.cases, _Progress())
        except (UnknownTarget, BackendNotInstalled) as error:
            raise UserMistake(str(error)) from None
        if options.json:
            print_json({"run": str(store.folder), **coverage_to_json(found, options.full)})
        else:
            width = min(max(shutil.get_terminal_size((100, 50)).columns, NARROWEST), WIDEST)
            print(coverage_screen(store.folder, found, options.full, width))
    return FOUND_NOTHING


class _Progress:
    """Tells on a terminal how far the counting is, once it takes a while."""

    def __init__(self) -> None:
        self._last = time.monotonic() + SILENT_SECONDS
        self._shown = False

    def __call__(self, done: int, of: int) -> None:
        now = time.monotonic()
        if done == of and self._shown:
            print("\r\033[K", end="", file=sys.stderr, flush=True)
        elif now > self._last + EVERY_SECONDS and sys.stderr.isatty():
            self._last, self._shown = now, True
            print(f"\r{done} of {of} cases; --cases N counts fewer", end="", file=sys.stderr, flush=True)
