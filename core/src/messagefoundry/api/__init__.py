"""The HTTP pages: read-only on loopback, and those that change things on an owner-only socket beside the store."""
