"""AFEW-VA: faces of actors, rated frame by frame."""
