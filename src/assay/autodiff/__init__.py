"""Derivative scenarios: what is asked of a case that is differentiated, and what is known to be meant as it is."""
