"""Everything around the service on one machine: its servers, its processes, `make` and the demo."""
