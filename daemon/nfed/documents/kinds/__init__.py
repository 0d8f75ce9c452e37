"""Makes documents: one module for each family of them.

A kind takes a `Part` (the element that was asked, the answer, or both), has its rows extracted,
runs its checks, and fills the `Head`: the row that the document is known by, with its key, its
status and where it came from. `documents.documents_from` knows which kind takes which element.

Adding a kind is one module here, its tables in `layout`, its elements in `xml.find`, and one line
there.
"""
