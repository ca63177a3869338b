"""Operator specifications, one family a file, and the rules that follow from them (types, facts, promotion)."""
