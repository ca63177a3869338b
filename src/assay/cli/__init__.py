"""The command line of Assay."""


def main() -> int:
    """Entry point of the ``assay`` command."""
    return 0
