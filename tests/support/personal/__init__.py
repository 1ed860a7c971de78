"""A person with marks, and where they are found."""
