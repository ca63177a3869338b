"""The worker's program: runs cases in a framework's own interpreter and sends back what they did.

It needs the standard library, numpy and the framework, never Assay itself, and runs on Python 3.9 and newer. It is
loaded by path under the package name ``assay_worker`` (`assay.execution.client`), so every import inside it is
relative.
"""

PROTOCOL = 1
