"""AMIGOS, its short videos."""
