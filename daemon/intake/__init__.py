"""The disk's edge: what lies in the folder, and where it is put away."""
