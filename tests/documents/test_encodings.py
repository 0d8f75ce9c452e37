"""Encodings that are what they say, and those that are not."""

import pytest

from nfed.documents.xml.parse import parse
from nfed.errors import XMLTruncated


def _xml(declared: str | None, text: str = "Açúcar – pão") -> str:
    head = f'<?xml version="1.0" encoding="{declared}"?>' if declared else ""
    return f"{head}<NFe><x>{text}</x></NFe>"


@pytest.mark.parametrize(
    ("declared", "encoding"),
    [
        ("UTF-8", "utf-8"),
        ("UTF-8", "utf-8-sig"),
        (None, "utf-8"),
        ("UTF-16", "utf-16"),
        ("windows-1252", "cp1252"),
        ("Windows-1252", "cp1252"),
    ],
)
def test_a_true_declaration_is_believed_without_a_word(declared, encoding):
    source = parse(_xml(declared).encode(encoding))

    assert source.root[0].text == "Açúcar – pão"
    assert source.remarks == ()


@pytest.mark.parametrize("encoding", ["iso-8859-1", "iso-8859-15"])
def test_latin_1_is_read_as_declared(encoding):
    source = parse(_xml(encoding.upper(), "Açúcar").encode(encoding))

    assert source.root[0].text == "Açúcar"
    assert source.remarks == ()


@pytest.mark.parametrize(
    ("declared", "encoding", "says"),
    [
        ("UTF-8", "cp1252", "read as Windows-1252"),
        (None, "cp1252", "read as Windows-1252"),
        ("ISO-8859-1", "cp1252", "read as Windows-1252"),
        ("US-ASCII", "cp1252", "read as Windows-1252"),
        ("ISO-8859-1", "utf-8", "read as UTF-8"),
        ("windows-1252", "utf-8", "read as UTF-8"),
        ("utf8-brasil", "utf-8", "does not exist"),
        ("ansi", "cp1252", "does not exist"),
        ("utf-16", "utf-8", "one byte a letter: read as UTF-8"),  # .NET's StringWriter
        ("utf-16", "cp1252", "one byte a letter: read as Windows-1252"),
    ],
)
def test_a_wrong_declaration_is_seen_by_the_bytes_and_told(declared, encoding, says):
    source = parse(_xml(declared).encode(encoding))

    assert source.root[0].text == "Açúcar – pão"
    ((code, remark),) = source.remarks
    assert (code, says in remark) == ("ENCODING", True)
    assert source.text == _xml(declared)


@pytest.mark.parametrize(
    ("declared", "encoding"),
    [("UTF-8", "cp1252"), ("ISO-8859-1", "utf-8"), (None, "cp1252"), ("UTF-16", "utf-8")],
)
def test_a_beginning_in_a_wrong_encoding_is_still_a_beginning(declared, encoding):
    whole = _xml(declared).encode(encoding)

    for length in range(1, len(whole) - 1):
        with pytest.raises(XMLTruncated):
            parse(whole[:length])


def test_leading_blank_lines_and_a_declaration_after_them_are_read():
    assert parse(b"\r\n \n" + _xml("UTF-8").encode()).root[0].text == "Açúcar – pão"
    assert parse(b"\n" + _xml("UTF-8").encode("cp1252")).root[0].text == "Açúcar – pão"
