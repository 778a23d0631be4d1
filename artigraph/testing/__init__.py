"""Suites that authors of serializers and storages subclass."""
