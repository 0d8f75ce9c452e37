"""Order and concurrency; knows ports, not edges."""
