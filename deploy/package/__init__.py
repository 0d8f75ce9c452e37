"""Builds the Debian package, and the Debian 13 tree that it is built and tried in."""
