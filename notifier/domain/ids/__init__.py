"""Ids that others see: of deliveries, with their installation, and of a company's people."""
