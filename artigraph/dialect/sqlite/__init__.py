"""SQLite: its answers, and the care that its files want."""
