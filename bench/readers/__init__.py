"""Readers of 837P files, each to be run as a process of its own: what it read, how long it took and what it needed."""
