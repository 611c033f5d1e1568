"""How older stores become today's: one module for each version of the schema, run by Alembic."""
