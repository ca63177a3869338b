"""Operator families: every module here registers its specifications when `assay.ops.catalogue.load` imports it."""
