"""Mutation benchmark: how many seeded faults in torch's Python-level compiler does a campaign find?

The catalogue (`catalogue.json`) holds single faults in the installed torch, each with a witness that proves it is no
equivalent one. `hook/` applies a fault at import; the fuzzer under test knows nothing of it. See README.md here.
"""
