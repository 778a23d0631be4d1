"""Nodes thrown away and given back, locked and unlocked; and values given up."""
