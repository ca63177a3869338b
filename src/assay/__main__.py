"""`python -m assay` is `assay`."""

from __future__ import annotations

import sys

from assay.cli import main

sys.exit(main())
