"""Recordings as other people have them, and what is made of them."""
