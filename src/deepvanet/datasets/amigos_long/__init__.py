"""AMIGOS, its four long videos."""
