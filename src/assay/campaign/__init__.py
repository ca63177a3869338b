"""A campaign: which case runs next, where, what becomes of it, and the store that outlives it; see docs/how-it-
works.md.
"""
