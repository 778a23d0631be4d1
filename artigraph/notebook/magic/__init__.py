"""``%artigraph`` and ``%%artigraph``: the store, from a line of its own."""
