"""Publishers and people: their rows, clients, keys and inboxes, and what operators do to them."""
