"""From raw recordings to pieces of equal shape; pure functions on arrays."""
