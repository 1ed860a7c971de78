"""What every app's admin is made of: lists of large tables, buttons, and how things look."""
