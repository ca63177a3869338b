"""What a check takes unless it is told otherwise: on the command line, in `assay.check` and of pytest's fixture.

Nothing is imported here, since `import assay` and `assay --help` read it.
"""

from __future__ import annotations

TRANSFORMED = 8
"""Transformed programs."""

DERIVATIVES = 1
"""The order up to which a subject is differentiated in every way; libraries have faults of their own in the second."""

SECONDS = 300.0
"""After so long nothing more is begun."""

CASE_SECONDS = 120.0
"""The time limit of one case."""

MEMORY_MB = 8192
"""The memory limit of one case."""
