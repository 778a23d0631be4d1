"""artigraph keeps what a notebook made, and finds it again.

Describe your data as typed, versioned models, hang them on a tree of nodes,
keep frames and arrays in any object store and the rest in a SQL database.

Every public name is loaded on first use, so ``import artigraph`` alone
imports neither pandas nor numpy nor any other large library.
"""
