"""The path of a message: received, routed, delivered. Memory first, durable always.

`intake` receives, `flow` holds what is to be routed, `turns` runs Routers and Handlers (`transform`) in worker threads,
`lane` delivers, and `committer` makes each step durable and hands the work on. `window` bounds what is in memory.
"""
