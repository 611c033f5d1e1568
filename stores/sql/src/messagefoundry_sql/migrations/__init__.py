"""How a store of an older release is brought here: Alembic's migrations, in two halves.

A change that older code would miss is made in two releases. The first expands: it adds, copies, and its code writes
both places. A later one contracts, when every engine runs code that does without. `revisions` says how ids tell the
halves apart. A migration's docstring begins with one line for `messagefoundry store status`.
"""
