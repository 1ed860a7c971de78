"""Stand-ins for what the service calls: providers, servers, and a Redis that is not there."""
