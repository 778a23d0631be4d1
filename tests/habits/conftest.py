"""A shell for habits that show in a notebook."""

from __future__ import annotations

from tests.notebook.conftest import bare_shell, memory_shell

__all__ = ["bare_shell", "memory_shell"]
