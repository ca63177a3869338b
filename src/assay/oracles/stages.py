"""Whose doing it is that an execution ended where it did."""

from __future__ import annotations


def blame(stage: str) -> str:
    """ "target", "eager" or "assay": who was at work in a stage.

    >>> blame("reference")
    'eager'
    """
    return {"target": "target", "reference": "eager", "load": "eager"}.get(stage, "assay")
