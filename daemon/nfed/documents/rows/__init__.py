"""Extracts a document's rows from its tree, by the layout.

`plan` compiles the layout once into a trie of element names: what finding an element does (begin a
row, fill columns). `extract` walks a tree along the trie in one pass and fills rows; a value that
its column cannot hold is named, and what finds no column is kept aside in nf_outros_valores, so
that nothing is lost. `values` converts a text for its column; values stay the XML's own text.

The walk exists twice: in Python (`Extraction._visit`), and compiled (`walk`), which takes a fifth
of the time and is what runs wherever it could be built. One oracle test compares the two over
thousands of changed documents. The walk also digests what the document says, so that two writings
of one note are known to be the same.

Rows are plain lists: the parent row's place first, then a value for each stored column. Which
parent gets which id is the store's business.
"""
