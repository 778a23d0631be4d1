"""Read, write, move and delete the rows of nodes."""
