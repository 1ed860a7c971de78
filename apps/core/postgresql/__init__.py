"""Django's backend for PostgreSQL, with a pool of connections in each process."""
