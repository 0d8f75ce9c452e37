"""Serves Ajuda: what each screen is for, and every code of a check, without a network."""

from fastapi import APIRouter, Request, Response

from nfed.documents.checks.codes import CODES
from nfed.web.access import Looking
from nfed.web.answers import page
from nfed.web.causes import SENTENCES
from nfed.web.routes import ScreenRoute

HELP = (
    (
        "Now",
        "/",
        (
            "Drop XML, ZIP or GZ files, or whole folders, onto the page: they are put into the "
            "folder and imported at once. Below stand today's counts, the job under way, what "
            "waits and why, the latest jobs, and whether folder, database and disk are well. "
            "All of it is live."
        ),
    ),
    (
        "Refused",
        "/painel/recusados",
        (
            "Refused files are grouped by their cause. Each tells its reason, what to do about "
            "it, and shows its text where it is wrong. When the cause is gone, have it tried "
            "again: one file, the ticked ones, or all of a cause. What is dismissed is moved to "
            "failed/dismissed/; nothing is ever deleted. A trial shows beforehand what another "
            "setting would change."
        ),
    ),
    (
        "Notes",
        "/painel/notas",
        (
            "Find a note by its key, or by the CNPJ or CPF of its issuer or recipient, with or "
            "without points, by words, month, status, value and more. What is found is counted "
            "and summed, and can be taken along as CSV or XLSX. Inside a note, click any value "
            "to see the element of the XML that it came from, its line, the file, and whether "
            "signature and protocol hold."
        ),
    ),
    (
        "Documents",
        "/painel/documentos",
        (
            "CT-e, MDF-e, NFS-e, BP-e, NF3-e, NFCom and CF-e, found by CNPJ, words, kind, month "
            "and status; each leads to the notes that it carries and to its XML. Voided numbers "
            "have a list of their own."
        ),
    ),
    (
        "Summary",
        "/painel/resumo",
        (
            "What a company sold and bought in a month: twelve months in bars and numbers, taxes, "
            "CFOP, NCM, customers, suppliers, what was cancelled, and the numbers that are missing "
            "in its series. Only authorised notes are summed, and those of the test environment "
            "apart from the others."
        ),
    ),
    (
        "Jobs",
        "/painel/trabalhos",
        (
            "A job is a batch of files that were imported together. Each lists what became of "
            "every file. One that is under way can be cancelled: what it did not come to stays "
            "in the folder."
        ),
    ),
    (
        "Settings",
        "/painel/configuracao",
        ("Every setting with the value in force and where it came from. Passwords are masked."),
    ),
)

router = APIRouter(include_in_schema=False, route_class=ScreenRoute)


@router.get("/painel/ajuda")
async def ask(request: Request, visitor: Looking) -> Response:
    """The help."""
    return page(request, "help.html", screen="help", help=HELP, codes=CODES, causes=SENTENCES)
