"""Working parts without sockets and disks: a store, and connectors over a network inside the process.

They pass the kits. Tests of a pipeline run fast on them, and an author can read in them what a contract asks for.
"""
