"""Package of Assay; see docs/how-it-works.md."""
