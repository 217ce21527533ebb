"""MAHNOB-HCI."""
