"""Pages that people open from links in messages."""
