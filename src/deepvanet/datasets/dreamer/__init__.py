"""DREAMER, one MATLAB file."""
