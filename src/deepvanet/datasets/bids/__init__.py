"""Recordings laid out by BIDS."""
