"""CASE, people who say with a joystick how they feel, in every moment of a video."""
