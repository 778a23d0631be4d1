"""Filters as JSON and back: only known classes are made, and nothing is evaluated.

What :meth:`artigraph.Filter.to_json` writes says its format's version, names classes by
their names, and keeps values as documents of models do. Equal filters give equal texts.
"""
