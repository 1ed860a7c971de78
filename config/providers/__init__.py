"""The providers that this installation sends through, from the environment."""
