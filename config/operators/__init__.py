"""Settings of the operators' pages: the admin's theme and sidebar, Flower."""
