"""Pure: bytes in, Document out. Runs inside worker processes."""
