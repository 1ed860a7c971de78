"""The SQL of who gets a notification: audiences, refusals and frequency caps."""
