"""Seed calls of library functions: programs that ask an installed library for them."""
