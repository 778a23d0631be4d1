"""artigraph's own previews: each module of this folder is imported at the first one."""
