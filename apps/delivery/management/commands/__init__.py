"""Management commands of deliveries."""
