"""Takes out what is stored: spreadsheets, the month's package of XML, deliveries, printed forms.

What it promises
    The same question gives the same bytes, whoever asks: the command, or a client of the API.
    Memory does not grow with the rows: they come in pages (`stores.pages`), and go out as bytes
    (an async iterator of them, from every format) before the next page is asked for.
    A document's XML is given as it was imported, byte by byte, where its SHA-256 can be met, and
    never indented or written anew, which would break its signature; `originals` says how.
    What a document says starts no formula in a spreadsheet, and leads out of no folder.

    A recipient is given each note once, and again when it has changed, whoever is killed meanwhile.

How it works
    `request` says what can be asked for; `chosen` understands the words that choose, wherever they
    come from. `lines` writes csv and JSON, `workbook` xlsx. `entries` makes the files of the
    month's package and the lines of its list, `originals` their bytes, `package` the zip.
    `deliver` hands packages over, by what `stores.deliveries` remembers.
    `printing` has a process of its own (`printer`) lay out DANFE and its kin, by a library that is
    slow to load and trips over what it does not expect: it is given documents in one form, and what
    it raises all the same becomes one sentence.

What it does not do
    It writes to no table of documents and asks no tax office. Which rows there are, and in which
    order, is `stores.pages`' to say; what the words of a command or of an address mean is said by
    `cli` and `api`, which hold the names of the formats and nothing of how they are made.
"""
