"""Features of the language, one family a file, found by listing the folder."""
