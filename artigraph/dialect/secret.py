"""Addresses of databases as errors and reprs may show them."""

from __future__ import annotations

from sqlalchemy.engine import URL

from artigraph.redact import is_secret, without_credentials

__all__ = ["hide_secrets"]


def hide_secrets(url: URL) -> str:
    """An address without a password, in its options neither."""
    secret = {
        name: "..."
        for name, value in url.query.items()
        if is_secret(name) or without_credentials(str(value)) != str(value)
    }
    return url.update_query_dict(secret).render_as_string(hide_password=True)
