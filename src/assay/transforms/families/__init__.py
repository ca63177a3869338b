"""The families of transforms; `assay.transforms.registry` lists this folder."""
