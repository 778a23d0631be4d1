"""What can be seen of a value without loading it: one module a kind.

Each module of this folder is imported at the first preview; it says by ``@previews(...)``
what it shows. Nothing in it imports a large library before a value wants it.
"""
