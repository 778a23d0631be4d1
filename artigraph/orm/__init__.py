"""The tables and nothing but the tables: no query lives here."""
