"""Bytes to locations and back: one module a kind of store."""
