"""The edge towards whoever supervises the daemon."""
