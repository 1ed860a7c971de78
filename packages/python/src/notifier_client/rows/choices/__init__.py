"""What people and the company choose: categories, caps, quiet hours."""
