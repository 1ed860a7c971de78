"""Steps that press the admin, by what they press."""
