"""The embedded store: one SQLite file beside the configuration, in WAL mode."""
