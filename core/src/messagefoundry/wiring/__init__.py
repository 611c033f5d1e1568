"""The graph that authors write in Python: declarations, their loader and checks, and the frozen Graph that results.

`wiring.load.load_graph` is the one way from a directory of modules to a Graph.
"""
