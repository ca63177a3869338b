"""The source ``python``: programs over Python values and tensors, of which CPython itself is the reference."""
