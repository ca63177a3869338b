"""The source ``graph``: programs generated from operator specifications under a policy."""
