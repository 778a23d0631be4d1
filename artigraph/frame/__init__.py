"""Handles that stand in place of stored data, which is read when it is wanted."""
