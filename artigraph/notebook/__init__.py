"""artigraph inside IPython: the only folder that imports it."""
