"""Lists of the admin: large ones, and what is found in them."""
