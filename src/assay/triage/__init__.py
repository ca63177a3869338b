"""Triage: a finding is reduced, localised, put in a bucket, written as one script; `triage_finding` does all of it."""

from assay.triage.finding import triage_finding

__all__ = ["triage_finding"]
