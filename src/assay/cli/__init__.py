"""The command line of Assay. What a command needs is imported when it runs, so that `assay --help` answers at once."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence

FOUND_NOTHING, FOUND, MISTAKE, DEFECT = 0, 1, 2, 3
"""Exit codes: nothing found, findings, the user's mistake, a defect of Assay."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    began = time.monotonic()
    from assay.campaign.mistake import UserMistake
    from assay.cli.arguments import parser

    try:
        options = parser().parse_args(arguments)
        code = options.command(options, began)
        sys.stdout.flush()
        return int(code)
    except UserMistake as mistake:
        print(f"assay: {mistake}", file=sys.stderr)
        return MISTAKE
    except BrokenPipeError:
        # Whoever read our output, `head` say, has seen enough.
        sys.stderr.close()
        return FOUND_NOTHING
    except KeyboardInterrupt:
        print("assay: interrupted", file=sys.stderr)
        return 130
    except Exception as error:
        return _told(error)


def _told(error: Exception) -> int:
    """Tell of an error that no command foresaw: a full disk is the user's, everything else ours."""
    import errno
    import traceback

    full = isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)
    if full or (type(error).__module__ == "sqlite3" and "full" in str(error)):
        print("assay: the disk is full; make room and go on with `assay resume`", file=sys.stderr)
        return MISTAKE
    traceback.print_exception(error)
    print(
        "assay: this is a defect of Assay, not of what it tests; please report it with the lines above", file=sys.stderr
    )
    return DEFECT
