"""What a view of a stored frame computes: the only code of this folder that knows Arrow."""
