"""Events of the HTTP API and of what it is asked for."""

from daemon.logs.event import Event, Told

EVENTS_OF_HTTP: dict[str, Event] = {
    "http_listening": Event(
        "e6d8ac68eb1d4a4ebd2d9115c32cacaa",
        "HTTP API on {addresses}",
        Told(
            "The HTTP API answers",
            "It listens on @ADDRESSES@.",
            "Nothing is to be done. Without api_token only this machine may ask.",
        ),
        Told(
            "A API HTTP está respondendo",
            "Ela escuta em @ADDRESSES@.",
            "Nada a fazer. Sem api_token, só esta máquina pode consultar.",
        ),
    ),
    "http_request_broke": Event(
        "2f0e4a112b6742edb3aaa775cd85aa80",
        "an HTTP request to {path} broke",
        Told(
            "An HTTP request met a fault of nfed's own",
            "The client got an answer of status 500; the import goes on.",
            "Report it with the traceback that follows in the journal.",
        ),
        Told(
            "Uma requisição HTTP encontrou um defeito do próprio nfed",
            "O cliente recebeu o status 500; a importação continua.",
            "Relate o defeito com o traceback que segue no journal.",
        ),
    ),
    "folder_job_failed": Event(
        "8125299853f14ec695ee9f2b20058dba",
        "job {job_id} could not run: {error}",
        Told(
            "An import that was asked for over HTTP could not run",
            "The job @JOB_ID@ failed; its files are where they were.",
            "Mend what the field ERROR names, and ask again.",
        ),
        Told(
            "Uma importação pedida por HTTP não pôde ser feita",
            "O lote @JOB_ID@ falhou; os arquivos estão onde estavam.",
            "Corrija o que o campo ERROR diz e peça de novo.",
        ),
    ),
    "old_jobs_forgotten": Event(
        "83b52b6f725a48aa9aa3853c77807f31",
        "{jobs} old jobs were forgotten",
        Told(
            "Old jobs were taken out of the history",
            "@JOBS@ jobs ended longer ago than job_retention_days. Failed ones are kept.",
            "Nothing is to be done. No document is ever deleted.",
        ),
        Told(
            "Lotes antigos saíram do histórico",
            "@JOBS@ lotes terminaram há mais tempo que job_retention_days. Os que falharam ficam.",
            "Nada a fazer. Nenhum documento é apagado.",
        ),
    ),
}
