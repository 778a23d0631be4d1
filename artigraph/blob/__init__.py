"""Blobs beside the rows that name them: put, read, removed, and looked after."""
