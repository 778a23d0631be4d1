"""MariaDB: its answers, its columns, and what its connections are told."""
