"""Equivalence-preserving rewrites of programs, one family a file of `families`."""
