"""Curves: numbers by step, kept in packed blocks beside a node."""
