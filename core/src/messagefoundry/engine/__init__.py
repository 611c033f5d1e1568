"""The engine: puts stores, connections and the pipeline together, runs them, and carries out what operators ask."""
