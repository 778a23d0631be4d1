"""Questions about rows, which become SQL ``WHERE`` clauses."""
