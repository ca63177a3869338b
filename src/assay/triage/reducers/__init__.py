"""Reducers, one a file; `assay.triage.registry` finds them by listing this folder."""
