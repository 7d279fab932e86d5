"""The `tg` command: the one place that prints and sets up logging."""
