"""The program representation: sizes, types, statements with regions, storages, the verifier, and the case."""
