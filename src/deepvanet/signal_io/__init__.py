"""Any signal file, opened: channels on their true times."""
