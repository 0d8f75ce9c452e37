"""Holds what `nfed install-service` writes, copied from deploy/ by tools/build.py."""
