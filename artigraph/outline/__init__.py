"""Looking at trees without their values: whole, or a page at a time."""
