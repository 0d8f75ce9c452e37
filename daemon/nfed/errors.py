"""Sorts errors by what happens next rather than by where they arose."""

from nfed.words import Message


class NfedError(Exception):
    """Whatever nfed raises on purpose."""


class DocumentError(NfedError):
    """The file's own fault: it goes to failed/ with this text beside it.

    `error_type` is the stable name written to the ledger and to error.json.
    """

    error_type = "DocumentError"
    advice = "Ask the issuer for the original XML and drop it into the folder again."
    code: str | None = None
    """Which check refused it, as in the table of codes; None where no check did."""
    chave: str | None = None
    """The document's key, where it is known."""
    findings: tuple[tuple[str, str], ...] = ()
    """Code and text of all that the checks found, this refusal's own first."""


class XMLParseError(DocumentError):
    """Not well-formed XML; the message holds line and column where libxml2 gives them."""

    error_type = "XMLParseError"
    advice = (
        "The file is damaged or incomplete. Export it again from the issuing system, or download "
        "it from the tax office's portal by its key, and drop it into the folder again."
    )


class XMLTruncated(XMLParseError):
    """XML that ends too early: a writer may still be at work, so it is deferred first."""


class HostileXML(DocumentError):
    """XML that asks for what no fiscal document needs: a DOCTYPE, entities, endless nesting."""

    error_type = "HostileXML"
    advice = (
        "Fiscal documents never carry a DOCTYPE, entities or such nesting. Find out who sent the "
        "file before you do anything else with it."
    )


class TooComplex(HostileXML):
    """More elements, or attributes on one element, than a fiscal document can have."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class FileTooLarge(DocumentError):
    """Larger than `max_file_bytes` (then it is refused unread), or holding too many documents."""

    error_type = "FileTooLarge"
    advice = (
        "A single fiscal document is far smaller. If this one is genuine, raise max_file_bytes "
        "and say `nfed retry`."
    )


class TooManyDocuments(FileTooLarge):
    """More documents in one file, or a larger one packed in it, than nfed takes; no setting."""

    advice = "Split it: no setting raises this limit. Each part may hold several documents."


class NotFiscal(DocumentError):
    """Well-formed, but its root element belongs to no document that nfed knows."""

    error_type = "NotFiscalDocument"
    advice = "Check that this is the document's XML and not another export of the same system."


class NotADocument(NotFiscal):
    """Well-formed XML of something else: a page, an order, another program's export."""

    code = "NOT-FISCAL"


class UnsupportedDocument(NotFiscal):
    """A fiscal document of a kind that nfed does not import; the message names the kind."""

    code = "NOT-SUPPORTED"
    advice = (
        "It is a fiscal document, and nothing is wrong with it: nfed does not import its kind. "
        "Keep it elsewhere, or leave it in failed/ and say `nfed retry` once nfed reads it."
    )


class AnswerAlone(NotFiscal):
    """The tax office's answer that holds no document; the message holds its cStat and xMotivo."""

    code = "ANSWER"
    advice = (
        "There is nothing in it to import: the tax office had no document, or refused the request. "
        "The file may be deleted."
    )


class UnsupportedLayout(DocumentError):
    """A note in a layout whose places this version does not know: half of it would be lost."""

    error_type = "UnsupportedLayout"
    advice = "Keep the file in failed/ and say `nfed retry` once nfed reads this layout."


class InvalidAccessKey(DocumentError):
    """The key is malformed, its check digit is wrong, or the protocol names another key."""

    def __init__(self, message: str, chave: str | None = None) -> None:
        super().__init__(message)
        self.chave = chave

    error_type = "InvalidAccessKey"
    code = "KEY"
    advice = (
        "The document was altered or mistyped after it was issued. Download it again by its key. "
        "With check_key=warn such files are imported with a warning."
    )


class UnusableAccessKey(InvalidAccessKey):
    """Nothing that could serve as a key: without one a document cannot be told from another."""

    advice = (
        "The document was altered or mistyped after it was issued. Ask the issuer for the original "
        "XML, or download it from the tax office's portal, and drop it into the folder again."
    )


class SchemaViolation(DocumentError):
    """The document fails the official XSD, and check_schema=refuse."""

    error_type = "SchemaViolation"
    code = "XSD"
    advice = (
        "The document breaks the official schema. With check_schema=warn it is imported and the "
        "violations are kept as warnings."
    )


class CheckFailed(DocumentError):
    """A check whose policy is `refuse` found something; the message holds what, and the code."""

    error_type = "CheckFailed"

    def __init__(self, chave: str, findings: tuple[tuple[str, str], ...]) -> None:
        self.code, text = findings[0]
        super().__init__(Message("{code}: {text}", code=self.code, text=text))
        self.chave = chave
        self.findings = findings


class InvalidSignature(CheckFailed):
    """The signature is missing, broken or another's, and check_signature=refuse."""

    error_type = "InvalidSignature"
    advice = (
        "The file is not what its issuer signed: it was altered, saved again by another program, "
        "or signed by somebody else. Download the original by its key from the tax office's "
        "portal. With check_signature=warn such files are imported with a warning."
    )


class NotAuthorised(CheckFailed):
    """The file does not show that the note is authorised, and check_authorisation=refuse."""

    error_type = "NotAuthorised"
    advice = (
        "The file does not show that the tax office authorised this note for production. Ask the "
        "issuer for the nfeProc, which holds the protocol, or look the key up. With "
        "check_authorisation=warn such files are imported with their status and a warning."
    )


class WrongTotals(CheckFailed):
    """The note's amounts do not add up, and check_totals=refuse."""

    error_type = "WrongTotals"
    advice = (
        "The amounts of this note contradict each other. Compare it with the issuer's DANFE. With "
        "check_totals=warn such files are imported with a warning."
    )


class InvalidFormat(CheckFailed):
    """A number or code is not of its form, and check_format=refuse."""

    error_type = "InvalidFormat"
    advice = (
        "The note holds a number or code that cannot be right, so it may have been edited. "
        "Compare it with the tax office's portal. With check_format=warn such files are imported "
        "with a warning."
    )


class ConflictingDocument(DocumentError):
    """Another note is stored under the same key."""

    error_type = "ConflictingDocument"
    advice = (
        "Two files with one key say different things, so at least one of them is not what was "
        "authorised. Where the message says `superseded`, the stored one is, and this file may be "
        "deleted. Else compare both with the tax office's portal; the stored one was left as it is."
        " Where this file is the right one, its protocol decides: once that is stored too, "
        "`nfed retry` lets this file take the stored one's place."
    )


class RejectedByDatabase(DocumentError):
    """The database takes every other file, but not this one."""

    error_type = "RejectedByDatabase"
    advice = "The reason is the database's own; please report it with the file if you can."


class WorkerDied(DocumentError):
    """Reading this file alone killed, hung or exhausted a worker process, again and again."""

    error_type = "WorkerDied"
    advice = "The file could not be read within the time and memory allowed. Look at it by hand."


class UnexpectedContent(DocumentError):
    """Content that nfed stumbles over: a fault of nfed, kept from costing more than the file."""

    error_type = "UnexpectedContent"
    advice = "This is a fault of nfed: please report it with the file if you can."


class ArchiveError(DocumentError):
    """An archive, or a member of one, that cannot be opened."""

    error_type = "ArchiveDamaged"
    advice = (
        "The archive is damaged or of a kind that nfed does not open. Pack the files again as a "
        "plain .zip, or drop them into the folder as they are."
    )


class ArchiveTruncated(ArchiveError):
    """An archive without its end: a writer may still be at work, so it is deferred first."""

    error_type = "ArchiveTruncated"
    advice = "The archive was not transferred to its end. Fetch it again and drop it anew."


class ArchiveEncrypted(ArchiveError):
    """It asks for a password."""

    error_type = "ArchiveEncrypted"
    advice = "Unpack it with its password, and drop the files into the folder."


class ArchiveTooLarge(ArchiveError):
    """It asks for more than one of the settings max_archive_… allows."""

    error_type = "ArchiveTooLarge"
    advice = (
        "Archives that swell like this are often made to do harm. If this one is genuine, split "
        "it, or raise the setting that is named and say `nfed retry`."
    )


class ArchiveBeyondReach(ArchiveTooLarge):
    """It asks for more than nfed gives any archive of its kind, whatever the settings."""

    advice = (
        "No setting raises this limit. Unpack it, and drop what it holds into the folder, or pack "
        "the files again as a plain .zip."
    )


class ArchiveTooDeep(ArchiveError):
    """A zip inside a zip inside a zip."""

    error_type = "ArchiveTooDeep"
    advice = "Drop the inner archive itself into the folder; it lies in failed/ now."


class ArchiveWithoutDocuments(ArchiveError):
    """It holds nothing that is a document, nor an archive that nfed opens."""

    error_type = "ArchiveWithoutDocuments"
    code = "ARCHIVE"
    advice = (
        "No member of it ends in .xml, nor is one an archive that nfed opens. Look at the names; "
        "with by_content=true (NFED_BY_CONTENT) members are taken by their first bytes."
    )


class ArchivePartlyRead(ArchiveError):
    """It holds archives, or XML, that nfed does not open; what could be read is stored."""

    error_type = "ArchivePartlyRead"
    code = "ARCHIVE"
    advice = (
        "Unpack what is named and drop it into the folder; what was read is stored and need not "
        "come again. With by_content=true (NFED_BY_CONTENT) members are taken by their first bytes."
    )


class ExtraMissing(ArchiveError):
    """A .rar or .7z, and nothing installed that opens it."""

    error_type = "ArchiveNotSupported"
    advice = (
        "Unpack it and drop the files into the folder; or install nfed[archives] (for a .rar also "
        "unrar or bsdtar) and say `nfed retry`."
    )

    def __init__(self, what: str, needs: str = "nfed[archives]") -> None:
        super().__init__(
            Message("{what} is opened with {needs}, which is not installed", what=what, needs=needs)
        )


class Misnamed(DocumentError):
    """The first bytes are those of something else than the name says."""

    error_type = "MisnamedFile"
    advice = (
        "Give the file the suffix of what it is and drop it into the folder again; or set "
        "by_content=true (NFED_BY_CONTENT) and say `nfed retry`: then files are taken by their "
        "first bytes."
    )


class ArchiveNotWrittenOut(ArchiveError):
    """Members were refused and could not be written to failed/: the archive goes there itself."""

    error_type = "ArchiveMembersRefused"
    advice = "The other members are stored. What became of each is in the ledger: `nfed jobs`."


class RefusedDocument(DocumentError):
    """Raised by the importers of single files, whatever is wrong with the file."""

    def __init__(self, message: str, error_type: str, chave: str | None) -> None:
        super().__init__(message)
        self.error_type = error_type
        self.chave = chave


class StoreUnavailable(NfedError):
    """The world's fault: the database is down, full, locked or read-only. Try again later."""

    def __init__(self, message: str, retry_after_seconds: float | None = None) -> None:
        """`retry_after_seconds`: how long at least the database asked to be left alone."""
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds


class StoreRejected(NfedError):
    """The database refused the content of a chunk; retried file by file."""


class WorkersUnavailable(NfedError):
    """Worker processes cannot be started: the world's fault, the job fails and files stay."""


class ConfigError(NfedError):
    """A setting is wrong: one line that names it, exit 78 (EX_CONFIG, sysexits.h)."""


class FolderUnavailable(NfedError):
    """The drop folder is gone, full, not writable, or not ours: the world's fault, try again."""


class FolderUnfit(FolderUnavailable):
    """What the settings name can never be a drop folder; at a start, exit 78."""


class FolderBusy(FolderUnavailable):
    """Another process holds the folder's lock."""


class IllegalTransition(NfedError):
    """A job was asked for a move that the table of states does not allow."""


class BatchProcessingException(NfedError):
    """A program asked for an import that cannot begin; `details` say what was found."""

    def __init__(self, message: str, details: dict[str, object] | None = None) -> None:
        super().__init__(message)
        self.details: dict[str, object] = details or {}


class AddressUnavailable(NfedError):
    """The HTTP address cannot be listened on: taken, or not this machine's."""
