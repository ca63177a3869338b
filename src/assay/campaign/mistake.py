"""What the user got wrong, as against a defect of Assay: one line that says what is wrong and what to do, and exit
code 2.
"""

from __future__ import annotations


class UserMistake(Exception):
    """One line for the user: what is wrong, what to do."""
