"""What a person's own app reads and writes beside the inbox: settings, choices, quiet hours."""
