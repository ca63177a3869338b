"""Library functions as cases: seed calls that the installed library itself gives, mutated, and written as text."""
