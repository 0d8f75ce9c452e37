"""Events of jobs and of their files."""

from daemon.logs.event import Event, Told

EVENTS_OF_JOBS: dict[str, Event] = {
    "batch_processing_started": Event(
        "a5d8a353d2f74fbbbbe5a5bc60a6ae48",
        "job {job_id} started on {folder_path}",
        Told(
            "A job has begun",
            "Files in the drop folder had settled; the job @JOB_ID@ imports them.",
            "Nothing is to be done. `nfed jobs @JOB_ID@` shows how it went.",
        ),
        Told(
            "Um lote começou",
            "Os arquivos da pasta de entrada estavam completos; o lote @JOB_ID@ os importa.",
            "Nada a fazer. `nfed jobs @JOB_ID@` mostra o resultado.",
        ),
    ),
    "batch_files_found": Event(
        "dbcebc409f034edeac55e21ab72b6a72",
        "job {job_id} has {total_files} files",
        Told(
            "How many files a job has",
            "The job @JOB_ID@ holds @TOTAL_FILES@ files.",
            "Nothing is to be done.",
        ),
        Told(
            "Quantos arquivos o lote tem",
            "O lote @JOB_ID@ contém @TOTAL_FILES@ arquivos.",
            "Nada a fazer.",
        ),
    ),
    "file_processed_successfully": Event(
        "ada85977811b4b6b9ce134218dd46080",
        "{file}: {outcome}, chave {chave}",
        Told(
            "The document of a file is in the database",
            "@FILE@ (chave @CHAVE@) is @OUTCOME@: imported is new, updated has brought the\n"
            "protocol that the stored note lacked, duplicate was stored before.",
            "Nothing is to be done; the file is in done/.",
        ),
        Told(
            "O documento de um arquivo está no banco de dados",
            "@FILE@ (chave @CHAVE@): @OUTCOME@. imported é novo, updated trouxe o protocolo que\n"
            "faltava à nota armazenada, duplicate já estava armazenado.",
            "Nada a fazer; o arquivo está em done/.",
        ),
    ),
    "file_processing_failed": Event(
        "82690d81b81e4dba8011ffd5a5c4e21b",
        "{file} refused: {error_type}: {error}",
        Told(
            "A file was refused",
            "@FILE@ is itself at fault (@ERROR_TYPE@). It lies in failed/ with the reason and\n"
            "an advice beside it, in a file of the same name and .error.json.",
            "Read the reason. When the file was mended, or the cause is gone, `nfed retry` puts\n"
            "it back; else ask the issuer for the original XML.",
        ),
        Told(
            "Um arquivo foi recusado",
            "O próprio arquivo @FILE@ tem um defeito (@ERROR_TYPE@). Ele está em failed/, com o\n"
            "motivo e um conselho ao lado, em um arquivo de mesmo nome com .error.json.",
            "Leia o motivo. Corrigida a causa, `nfed retry` devolve o arquivo à pasta; caso\n"
            "contrário, peça o XML original ao emitente.",
        ),
    ),
    "archive_unpacked": Event(
        "ab12e2befcbc4dda8ce83c67c336aa95",
        "{file} unpacked: {members} members, {refused} refused, {ignored} left aside",
        Told(
            "An archive was taken apart",
            "Each of the @MEMBERS@ documents in @FILE@ has an outcome of its own; @REFUSED@ were\n"
            "refused and written to failed/, @IGNORED@ members are no documents.",
            "Nothing is to be done; the archive is in done/.",
        ),
        Told(
            "Um arquivo compactado foi aberto",
            "Cada um dos @MEMBERS@ documentos em @FILE@ tem resultado próprio; @REFUSED@ foram\n"
            "recusados e gravados em failed/, @IGNORED@ membros não são documentos.",
            "Nada a fazer; o arquivo compactado está em done/.",
        ),
    ),
    "file_deferred": Event(
        "9c3dac9282ad45c5bc399ce6bce78964",
        "{file} waits ({reason}): {detail}",
        Told(
            "A file waits in the drop folder",
            "@FILE@ cannot be imported yet (@REASON@), through no fault that would have it\n"
            "refused: somebody is writing it, it ends too early, or it may not be read.",
            "Nothing while it is being written. Does it stay: look at its owner and mode, and at\n"
            "whoever writes it.",
        ),
        Told(
            "Um arquivo espera na pasta de entrada",
            "@FILE@ ainda não pode ser importado (@REASON@), sem defeito que o faça ser recusado:\n"
            "está sendo escrito, termina cedo demais ou não pode ser lido.",
            "Nada enquanto está sendo escrito. Se continuar ali, verifique dono e permissões, e\n"
            "quem o escreve.",
        ),
    ),
    "file_left_alone": Event(
        "145bf63ee84a452598fb6554267a2f06",
        "{file} is left alone: {reason}",
        Told(
            "Something in the drop folder is no file to import",
            "@FILE@ has a name that ends in .xml but is @REASON@. It is never touched.",
            "Move it away, or drop the file itself instead of a link to it.",
        ),
        Told(
            "Algo na pasta de entrada não é um arquivo a importar",
            "@FILE@ tem nome terminado em .xml, mas não é um arquivo comum: @REASON@. Nunca é\n"
            "tocado.",
            "Retire-o, ou coloque o próprio arquivo em vez de um link.",
        ),
    ),
    "file_vanished_before_move": Event(
        "a67ad6a3ee7d4bf6af09352e9c041198",
        "{file} is gone from the folder; its document is stored",
        Told(
            "A file disappeared after its import",
            "@FILE@ was imported, but somebody took it from the drop folder before it could be\n"
            "moved to done/. Its document is in the database.",
            "Find out who else takes files from the drop folder; only nfed should.",
        ),
        Told(
            "Um arquivo desapareceu depois de importado",
            "@FILE@ foi importado, mas alguém o tirou da pasta de entrada antes que fosse movido\n"
            "para done/. O documento está no banco de dados.",
            "Descubra quem mais tira arquivos da pasta de entrada; só o nfed deveria fazê-lo.",
        ),
    ),
    "file_move_failed": Event(
        "abb253dfa87e4b6c9d6b2e7bb89a2a62",
        "{file} cannot be put away: {error}",
        Told(
            "A file cannot be moved to its shelf",
            "The fate of @FILE@ is on record, but it cannot be moved to done/ or failed/. It\n"
            "stays where it is and is tried again; it is not imported twice.",
            "Give the daemon's user the right to write in the drop folder, done/ and failed/,\n"
            "which must lie on one mount, and make room on the disk.",
        ),
        Told(
            "Um arquivo não pode ser movido",
            "O destino de @FILE@ está registrado, mas ele não pode ser movido para done/ ou\n"
            "failed/. Fica onde está e será tentado de novo; não é importado duas vezes.",
            "Dê ao usuário do serviço o direito de escrever na pasta de entrada, em done/ e em\n"
            "failed/, que devem estar na mesma montagem, e libere espaço em disco.",
        ),
    ),
    "batch_progress": Event(
        "5b23f8d1a0224b45bd3f63a409aed4e2",
        "job {job_id}: {processed}/{total} files, {failed} refused",
        Told(
            "How far a large job is",
            "@PROCESSED@ of @TOTAL@ files of the job @JOB_ID@ are done, @FAILED@ refused.",
            "Nothing is to be done.",
        ),
        Told(
            "Andamento de um lote grande",
            "@PROCESSED@ de @TOTAL@ arquivos do lote @JOB_ID@ estão prontos, @FAILED@ recusados.",
            "Nada a fazer.",
        ),
    ),
    "batch_processing_completed": Event(
        "ffb72e264f654411a968a65357d4899f",
        "job {job_id} completed: {successful} of {total} files in the database, {failed} refused, "
        "{duplicate} duplicates, in {duration_seconds} s",
        Told(
            "A job is complete",
            "Every file of the job @JOB_ID@ has its outcome: @SUCCESSFUL@ of @TOTAL@ are in the\n"
            "database, @FAILED@ were refused.",
            "Nothing when none was refused; else `nfed jobs @JOB_ID@` lists them with reasons.",
        ),
        Told(
            "Um lote terminou",
            "Todo arquivo do lote @JOB_ID@ tem seu resultado: @SUCCESSFUL@ de @TOTAL@ estão no\n"
            "banco de dados, @FAILED@ foram recusados.",
            "Nada se nenhum foi recusado; senão `nfed jobs @JOB_ID@` os lista com os motivos.",
        ),
    ),
    "batch_processing_cancelled": Event(
        "d230ae42152f438ca7caa49c0d963a36",
        "job {job_id} cancelled ({reason}): {successful} of {total} files in the database",
        Told(
            "A job was ended on request",
            "The job @JOB_ID@ ended early: @REASON@. What it had begun is finished; the other\n"
            "files are in the drop folder.",
            "Nothing is to be done: they come again by themselves.",
        ),
        Told(
            "Um lote foi encerrado a pedido",
            "O lote @JOB_ID@ terminou antes: @REASON@. O que estava em curso foi concluído; os\n"
            "outros arquivos estão na pasta de entrada.",
            "Nada a fazer: eles voltam sozinhos.",
        ),
    ),
    "batch_processing_failed": Event(
        "be967cfb63854ed19fe7c7f7e8d99485",
        "job {job_id} failed: {reason}",
        Told(
            "A job could not run to its end",
            "The job @JOB_ID@ made no progress or met a fault that is no file's: @REASON@. Its\n"
            "files are in the drop folder and come again after a pause.",
            "Look at the reason: mostly the database or a disk. `nfed check` says what is wrong.",
        ),
        Told(
            "Um lote não pôde ser concluído",
            "O lote @JOB_ID@ não avançou ou encontrou uma falha que não é de nenhum arquivo:\n"
            "@REASON@. Seus arquivos estão na pasta de entrada e voltam após uma pausa.",
            "Veja o motivo: quase sempre o banco de dados ou um disco. `nfed check` diz o que há.",
        ),
    ),
    "batch_processing_broke": Event(
        "65d9fb41e0524b88bd9fc5b267604529",
        "job {job_id} met a fault of nfed: {error}",
        Told(
            "A fault of nfed ended a job",
            "The job @JOB_ID@ met an error that nobody expected; the field EXCEPTION holds where.\n"
            "No file is lost, and the job's files come again.",
            "Please report it with the field EXCEPTION: `journalctl -o verbose JOB_ID=@JOB_ID@`.",
        ),
        Told(
            "Um defeito do nfed encerrou um lote",
            "O lote @JOB_ID@ encontrou um erro inesperado; o campo EXCEPTION mostra onde. Nenhum\n"
            "arquivo se perdeu, e os arquivos do lote voltam.",
            "Por favor informe-o com o campo EXCEPTION: `journalctl -o verbose JOB_ID=@JOB_ID@`.",
        ),
    ),
    "jobs_interrupted": Event(
        "75b22cf7951f4b2dbd75202161ba0f80",
        "{jobs} jobs were found running after a crash; {advice}",
        Told(
            "The daemon did not stop in order the last time",
            "@JOBS@ jobs were still running when nfed ended without a word: a crash, a kill or a\n"
            "power cut. Their files are in the drop folder and come again.",
            "Nothing for the files. Look in the journal for why it ended.",
        ),
        Told(
            "Da última vez o serviço não terminou em ordem",
            "@JOBS@ lotes ainda corriam quando o nfed terminou sem aviso: queda, kill ou falta de\n"
            "energia. Seus arquivos estão na pasta de entrada e voltam.",
            "Nada quanto aos arquivos. Procure no journal por que terminou.",
        ),
    ),
    "worker_replaced": Event(
        "83c6f19c663e43a0bc2172be57628f2a",
        "a worker process was replaced: {error}",
        Told(
            "A process that reads files died, hung or used up its memory",
            "It was replaced; its @FILES@ files are read again one by one, so that a file which\n"
            "is to blame costs only itself.",
            "Nothing, unless it comes again and again: then look at MemoryMax= and at the file\n"
            "that is refused as WorkerDied.",
        ),
        Told(
            "Um processo de leitura morreu, travou ou esgotou sua memória",
            "Foi substituído; seus @FILES@ arquivos são lidos de novo um a um, de modo que um\n"
            "arquivo culpado só custa a si mesmo.",
            "Nada, salvo se repetir: então veja MemoryMax= e o arquivo recusado como WorkerDied.",
        ),
    ),
}
