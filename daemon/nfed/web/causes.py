"""Says in one sentence why files were refused, by the error's type; a check's code says more."""

from nfed.documents.checks.codes import CODES

SENTENCES = {
    "XMLParseError": "Not whole XML: damaged, cut off, or something else altogether",
    "HostileXML": "XML that asks for what no fiscal document needs",
    "FileTooLarge": "Larger than a fiscal document can be",
    "NotFiscalDocument": "XML, but no fiscal document that nfed knows",
    "UnsupportedLayout": "A layout that this version does not read yet",
    "InvalidAccessKey": "The access key is malformed, or another document's",
    "SchemaViolation": "Breaks the official schema",
    "CheckFailed": "A check found a fault",
    "InvalidSignature": "The signature is missing, broken or another's",
    "NotAuthorised": "Shows no authorisation of the tax office",
    "WrongTotals": "The amounts contradict each other",
    "InvalidFormat": "A number or code is not of its form",
    "ConflictingDocument": "Another document is stored under the same key",
    "RejectedByDatabase": "The database takes every other file, but not this one",
    "WorkerDied": "Could not be read within the time and memory allowed",
    "UnexpectedContent": "Content that nfed stumbles over",
    "ArchiveDamaged": "The archive cannot be opened",
    "ArchiveTruncated": "The archive has no end",
    "ArchiveEncrypted": "The archive asks for a password",
    "ArchiveTooLarge": "The archive is larger than the settings allow",
    "ArchiveTooDeep": "A zip inside a zip inside a zip",
    "ArchiveMembersRefused": "Members of the archive were refused, and could not be written out",
    "ArchiveNotSupported": "An archive that takes an extra to open",
    "MisnamedFile": "The first bytes are those of something else than the name says",
    "Unknown": "Nothing readable stands beside it",
}


def sentence_of(error_type: str, code: str) -> str:
    """A sentence for people, in English, as the catalogue has it."""
    return CODES.get(code) or SENTENCES.get(error_type, error_type)
