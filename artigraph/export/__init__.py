"""What is found, for other libraries: as frames, as tables and as graphs."""
