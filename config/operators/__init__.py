"""Settings of the pages for operators: the admin's looks, Flower."""
