"""Parses a file's bytes into a tree, and finds the documents in it.

`parse` gives lxml's tree of a file, or says what is wrong with it: not XML, not well-formed (with
line and column), hostile, or ended too early, which a file may mend by growing. The parser has no
DTD, no entities, no network, and libxml2's own bounds on depth and size. `encodings` decides by the
bytes where the declared encoding is wrong, and says so; it never guesses silently.

`find` walks the tree for documents, by local names alone: prefixes, namespaces, SOAP envelopes,
lots and answers of the distribution service (docZip: base64 of gzip) may stand around them. What is
asked of the tax office and its answer go together where one element holds both.

Nothing here knows what a document says: that is `kinds`, by the rows that `rows` extracts.
"""
