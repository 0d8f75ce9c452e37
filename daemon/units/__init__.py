"""What `nfed install-service` writes, as it lies in deploy/ (copied by docs/build.py)."""
