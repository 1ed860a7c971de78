"""What people choose: categories, preferences, quiet hours."""
