"""Triage: a finding is reduced, localised, put in a bucket, written as one script; `finding.triage_finding` does it."""
