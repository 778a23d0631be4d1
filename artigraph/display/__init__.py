"""Facts become text, HTML, SVG and mermaid strings: no IPython, no files, no database."""
