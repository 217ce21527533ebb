"""WESAD, a wrist and a chest that are stressed and amused."""
