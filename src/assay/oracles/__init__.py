"""Oracles: pure functions from what was seen of a case to what is wrong with it, one a file, and the judge of them
all."""
