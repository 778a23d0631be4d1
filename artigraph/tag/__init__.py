"""Tags: what people say of a node later. Set, taken away and read, many at once."""
