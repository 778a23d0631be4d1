"""What people write about a node: notes."""
