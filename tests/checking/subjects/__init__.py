"""Files of users, for the tests of `assay check`."""
