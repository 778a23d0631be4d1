"""Callbacks for training loops of other libraries, which log to a run: one module a library.

Each is imported by whoever uses it, as in ``from artigraph.callbacks.xgboost import
run_callback``, and imports its library when a callback is made.
"""
