"""What a store does, written once for every SQL database.

`SqlStore` commits units of work, `SqlReader` looks things up, `prepare` creates or upgrades the schema. A database
brings a `Dialect` and a `Database`: how it is opened, how it locks, and what its errors mean.
"""

from messagefoundry_sql.database import Cursor, Database, Dialect
from messagefoundry_sql.opening import prepare
from messagefoundry_sql.reads import SqlReader
from messagefoundry_sql.store import SqlStore, needs_answers

__all__ = ["Cursor", "Database", "Dialect", "SqlReader", "SqlStore", "needs_answers", "prepare"]
