"""What can be seen of a value without loading it.

Each module of the folder ``kind`` says by ``@previews(...)`` what it shows. Nothing in it
imports a large library before a value wants it.
"""
