"""How two tensors are compared as numbers."""
