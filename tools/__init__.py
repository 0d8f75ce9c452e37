"""Tools of those who work on nfed; nothing of it is installed."""
