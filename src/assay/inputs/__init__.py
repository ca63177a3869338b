"""Value profiles: what the elements of inputs are."""
