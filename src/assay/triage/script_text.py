"""Pieces of text that the scripts of findings share, whatever they compare."""

from __future__ import annotations

ENTRY = """
if __name__ == "__main__":
    try:
        status = main()
    except Exception as error:
        print("CANNOT RUN:", type(error).__name__, *str(error).splitlines()[:1])
        status = 2
    sys.exit(status)
""".strip().splitlines()
"""How a script ends: what it does not expect is no bug that it shows."""


def in_docstring(text: str) -> str:
    """One line as it may stand in a docstring.

    >>> in_docstring('raised "no"')
    'raised "no'
    """
    return text.replace("\\", "/").replace('"""', "'''").rstrip('"')
