"""Programs as text: torch modules, and the cases that are made of them."""
