"""Assay: a fuzzer for deep-learning compilers and automatic differentiation."""

__version__ = "0.1.0"
