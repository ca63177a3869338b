"""How two tensors are compared as numbers; see docs/how-numbers-are-judged.md."""
