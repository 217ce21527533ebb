"""Recordings of a user, which a table lists."""
