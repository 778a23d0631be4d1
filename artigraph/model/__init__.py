"""Typed, versioned values, and the rows that they become."""
