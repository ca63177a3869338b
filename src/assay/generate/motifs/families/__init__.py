"""Families of motifs, one a file; `assay.generate.motifs.catalogue` lists this folder."""
