"""The user's own function or module, checked: `assay check`, `assay.check`, and the pytest plugin.

inputs, subject -> texts of cases -> describe -> plain, other sizes, training -> lifted -> transforms -> Report
"""
