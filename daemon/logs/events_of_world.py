"""Events of the world around: database, ledger, folder."""

from daemon.logs.event import Event, Told

EVENTS_OF_WORLD: dict[str, Event] = {
    "database_unavailable": Event(
        "8c71ad7c2c79457dba713de82ee212b2",
        "the database cannot be used: {error}; {advice}",
        Told(
            "The database does not answer",
            "It is down, locked, full, read-only or refuses the password (field ERROR). Files\n"
            "stay in the drop folder, nothing is lost, and nfed tries again by itself.",
            "Mend the database or its network, or correct database_url and reload. `nfed check`\n"
            "tries it; `systemctl status nfed` says how many files wait.",
        ),
        Told(
            "O banco de dados não responde",
            "Está fora do ar, bloqueado, cheio, somente para leitura ou recusa a senha (campo\n"
            "ERROR). Os arquivos ficam na pasta de entrada, nada se perde, e o nfed tenta de novo.",
            "Restabeleça o banco ou a rede, ou corrija database_url e recarregue. `nfed check` o\n"
            "testa; `systemctl status nfed` diz quantos arquivos esperam.",
        ),
    ),
    "database_reachable_again": Event(
        "26f3ea8a432445fa81414798ae029bde",
        "the database can be used again",
        Told(
            "The database answers again",
            "The files that waited are being imported.",
            "Nothing is to be done.",
        ),
        Told(
            "O banco de dados responde de novo",
            "Os arquivos que esperavam estão sendo importados.",
            "Nada a fazer.",
        ),
    ),
    "schema_warning": Event(
        "c494396a9ced4e6fa0e23ebc43945b47",
        "the database was migrated with a reservation: {warning}",
        Told(
            "Something of the database could not be brought to the newest schema",
            "A view, function or policy of its owner stands in the way (field WARNING): a column\n"
            "stays as narrow as it was. Documents are imported all the same; one with a value\n"
            "that does not fit is refused.",
            "Let the database's owner take away what is named, and run `nfed db migrate`.",
        ),
        Told(
            "Algo no banco de dados não pôde ser levado ao esquema mais novo",
            "Uma visão, função ou política do dono está no caminho (campo WARNING), e uma coluna\n"
            "fica estreita como era. Os documentos são importados mesmo assim; um com valor que\n"
            "não cabe é recusado.",
            "Peça ao dono do banco que retire o que foi nomeado e execute `nfed db migrate`.",
        ),
    ),
    "ledger_unavailable": Event(
        "65c47d3db79d432bb0c3181a556b45ed",
        "the ledger cannot be written: {error}; {advice}",
        Told(
            "The history of jobs and files cannot be written",
            "The ledger (a SQLite file on this machine) is locked, full or not writable. Files\n"
            "stay until their fate can be recorded.",
            "Make room on the disk, and look at the owner and mode of the ledger's folder.",
        ),
        Told(
            "O histórico de lotes e arquivos não pode ser escrito",
            "O histórico (um arquivo SQLite nesta máquina) está bloqueado, cheio ou não permite\n"
            "escrita. Os arquivos ficam até que seu destino possa ser registrado.",
            "Libere espaço em disco e verifique dono e permissões da pasta do histórico.",
        ),
    ),
    "ledger_reachable_again": Event(
        "3369f190dfb54707b457f200405f62c2",
        "the ledger can be written again",
        Told(
            "The history can be written again",
            "Jobs and fates of files are recorded again.",
            "Nothing is to be done.",
        ),
        Told(
            "O histórico pode ser escrito de novo",
            "Lotes e destinos de arquivos são registrados de novo.",
            "Nada a fazer.",
        ),
    ),
    "ledger_damaged": Event(
        "dc8c95d1aafa40d2b6f82af31c2886f4",
        "the ledger is damaged and was kept as {kept_as}: {error}",
        Told(
            "The history was damaged and begins anew",
            "The ledger's file is no sound SQLite database. It is kept as @KEPT_AS@; documents\n"
            "and database are not concerned.",
            "Check the disk. The old history may be readable in part with `sqlite3 … .recover`.",
        ),
        Told(
            "O histórico estava danificado e recomeça",
            "O arquivo do histórico não é um banco SQLite íntegro. Foi guardado como @KEPT_AS@;\n"
            "documentos e banco de dados não são afetados.",
            "Verifique o disco. Parte do histórico antigo pode ser lida com `sqlite3 … .recover`.",
        ),
    ),
    "folder_unavailable": Event(
        "93d7473248a144f89a028506f043c83b",
        "the drop folder cannot be used: {error}; {advice}",
        Told(
            "The drop folder is gone or may not be used",
            "It was removed, unmounted or its rights have changed. nfed waits for it.",
            "Mount it or make it again, writable for the daemon's user.",
        ),
        Told(
            "A pasta de entrada sumiu ou não pode ser usada",
            "Foi removida, desmontada ou suas permissões mudaram. O nfed espera por ela.",
            "Monte-a ou crie-a de novo, com escrita para o usuário do serviço.",
        ),
    ),
    "folder_available_again": Event(
        "013b8a8ea1a44e40a138962bd428196f",
        "the drop folder {folder_path} can be used again",
        Told("The drop folder is back", "Files are taken again.", "Nothing is to be done."),
        Told("A pasta de entrada voltou", "Arquivos são aceitos de novo.", "Nada a fazer."),
    ),
    "folder_replaced": Event(
        "295a01615bcf443f988be09524e50096",
        "another folder stands at {folder_path} now; it is watched",
        Told(
            "Another folder stands in the drop folder's place",
            "The folder was removed and made anew, or something was mounted over it. nfed has\n"
            "taken the new one.",
            "Nothing, if it was meant.",
        ),
        Told(
            "Outra pasta está no lugar da pasta de entrada",
            "A pasta foi removida e recriada, ou algo foi montado sobre ela. O nfed passou a usar\n"
            "a nova.",
            "Nada, se foi intencional.",
        ),
    ),
    "watch_restarted": Event(
        "a156fb8272394a18b7fbbdefc7a0cb90",
        "the watch on the folder was started again: {error}",
        Told(
            "The watch for new files was started again",
            "Events of the file system stopped for a moment. The folder is scanned anyway, so no\n"
            "file is missed.",
            "Nothing, unless it comes often: `nfed check` says how many watches are left.",
        ),
        Told(
            "A vigia de novos arquivos foi reiniciada",
            "Os eventos do sistema de arquivos pararam por um momento. A pasta é percorrida de\n"
            "qualquer modo; nenhum arquivo se perde.",
            "Nada, salvo se for frequente: `nfed check` diz quantas vigias restam.",
        ),
    ),
}
