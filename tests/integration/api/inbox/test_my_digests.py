"""How often a person wants what may wait, read and written with their own token."""
