"""The functions of an installed library, and calls of them that the library documents or tests itself."""
