"""Rows and blobs: written, read and deleted together."""
