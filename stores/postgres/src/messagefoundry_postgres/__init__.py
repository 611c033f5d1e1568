"""The store on a PostgreSQL server, near or far."""
