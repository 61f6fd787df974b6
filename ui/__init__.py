"""Surfaces: HTTP, web page, terminal. They render replies and decide nothing."""
