"""Double opt-in: which subscriptions wait for a confirmation, and the tokens that give it."""
