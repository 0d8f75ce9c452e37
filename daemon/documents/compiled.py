"""The compiled part, where there is one; without it the same is done in Python, only slower.

It is missing where nfed was installed without a C compiler, and where lxml lays out its trees in
another way than the one that it was compiled for.
"""

try:
    from daemon.documents import tree as tree
except ImportError:
    tree = None  # type: ignore[assignment]

IS_COMPILED = tree is not None
