"""Pages of the admin, as operators use them."""
