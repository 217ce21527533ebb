"""Files that the makers of devices export: one module for each maker."""
