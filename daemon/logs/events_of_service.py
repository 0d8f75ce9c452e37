"""Events of the service itself: start, stop, settings, its own log."""

from daemon.logs.event import Event, Told

EVENTS_OF_SERVICE: dict[str, Event] = {
    "daemon_started": Event(
        "18d17e9e2ef94b7d8face57db5913bd3",
        "watching {folder_path}, storing in {database}",
        Told(
            "nfed has started",
            "Files dropped into @FOLDER_PATH@ are imported.",
            "Nothing is to be done.",
        ),
        Told(
            "O nfed começou",
            "Arquivos colocados em @FOLDER_PATH@ são importados.",
            "Nada a fazer.",
        ),
    ),
    "daemon_stopped": Event(
        "b5909a9ef8be4996a9f33048c4360fa6",
        "stopped; {folder_path} is no longer watched",
        Told(
            "nfed has stopped in order",
            "What had begun is finished; files that are left in @FOLDER_PATH@ wait for the next\n"
            "start.",
            "Nothing is to be done.",
        ),
        Told(
            "O nfed parou em ordem",
            "O que estava em curso foi concluído; os arquivos que restam em @FOLDER_PATH@ esperam\n"
            "o próximo início.",
            "Nada a fazer.",
        ),
    ),
    "stopping": Event(
        "d389d316b9b2436aa18267095c395756",
        "{signal}: {advice}",
        Told(
            "nfed was asked to stop",
            "It finishes the chunks that are running and leaves the rest in the folder.",
            "Nothing is to be done. A second signal makes it give up at once, losing nothing.",
        ),
        Told(
            "Pediu-se ao nfed que parasse",
            "Ele conclui o que está em curso e deixa o resto na pasta.",
            "Nada a fazer. Um segundo sinal o faz desistir já, sem perder nada.",
        ),
    ),
    "stopping_at_once": Event(
        "8bca678e7c1944b68403a4298c8d286a",
        "{signal} again: giving up at once",
        Told(
            "nfed was asked twice to stop",
            "Running chunks are given up. What was committed stays; the other files are in the\n"
            "folder.",
            "Nothing is to be done.",
        ),
        Told(
            "Pediu-se duas vezes ao nfed que parasse",
            "O que estava em curso foi abandonado. O que foi confirmado fica; os outros arquivos\n"
            "estão na pasta.",
            "Nada a fazer.",
        ),
    ),
    "settings_reloaded": Event(
        "d27cd880e9334b14ad660f093ffcd224",
        "settings read again; changed: {changed}",
        Told(
            "The settings were read again and are in force",
            "Changed: @CHANGED@. Chunks that were running were finished with the old ones.",
            "Nothing is to be done. `nfed config` shows every value and where it came from.",
        ),
        Told(
            "As configurações foram relidas e estão em vigor",
            "Mudou: @CHANGED@. O que estava em curso foi concluído com as antigas.",
            "Nada a fazer. `nfed config` mostra cada valor e sua origem.",
        ),
    ),
    "settings_refused": Event(
        "881f0bb3c8ef4ba6a84cb57908408fbd",
        "settings refused, the old ones stay: {error}",
        Told(
            "The settings were read again and are wrong",
            "The field ERROR names the setting. The daemon goes on with the old ones; but it\n"
            "would not start again with these.",
            "Correct it, say `nfed check`, and reload again.",
        ),
        Told(
            "As configurações foram relidas e estão erradas",
            "O campo ERROR diz qual. O serviço continua com as antigas; mas não voltaria a\n"
            "iniciar com estas.",
            "Corrija, rode `nfed check` e recarregue de novo.",
        ),
    ),
    "log_lines_dropped": Event(
        "348379f8e78c4c4cb242073c27e7d3fd",
        "{lines} log lines were dropped: nobody took them in time",
        Told(
            "Log lines were lost",
            "journald, or whoever reads the log, was stopped or too slow, and @LINES@ lines found\n"
            "no room. The import went on; the ledger has every file.",
            "Look at journald and its disk, or set log_files=never. `nfed jobs` has the history.",
        ),
        Told(
            "Linhas de log foram perdidas",
            "O journald, ou quem lê o log, estava parado ou lento; @LINES@ linhas não couberam.\n"
            "A importação continuou; o histórico tem todos os arquivos.",
            "Verifique o journald e seu disco, ou use log_files=never; veja também `nfed jobs`.",
        ),
    ),
    "log_call_broken": Event(
        "4e836e8ca0634bee947ac7a3db4440f6",
        "a log call at {where} cannot be shown: {error_type}",
        Told(
            "A log call was wrong",
            "A library (field LOGGER) called the log at @WHERE@ with arguments that do not fit\n"
            "its text. What it wanted to say is left out, since nobody knows what it holds.",
            "Report it to whoever makes the library. The import is not concerned.",
        ),
        Told(
            "Uma chamada ao log estava errada",
            "Uma biblioteca (campo LOGGER) chamou o log em @WHERE@ com argumentos que não cabem\n"
            "no texto. O que ela diria foi omitido, pois não se sabe o que contém.",
            "Avise quem faz a biblioteca. A importação não é afetada.",
        ),
    ),
    "thread_broke": Event(
        "04615c73f2c3487b8e3874ad8d51ff07",
        "thread {thread} ended with {error_type}",
        Told(
            "A thread ended with an exception that nobody caught",
            "A fault of nfed's or a library's. The field EXCEPTION says where.",
            "Report it with the field EXCEPTION. If the service stands still, restart it.",
        ),
        Told(
            "Uma thread terminou com uma exceção que ninguém tratou",
            "Uma falha do nfed ou de uma biblioteca. O campo EXCEPTION diz onde.",
            "Informe a falha com o campo EXCEPTION. Se o serviço parar de andar, reinicie-o.",
        ),
    ),
    "exception_ignored": Event(
        "823a6094b8bd4226bc68b49b2e71ed0e",
        "exception ignored in {where}: {error_type}",
        Told(
            "An exception came where none can be raised",
            "Python was tidying up (field WHERE) and went on. The field EXCEPTION says more.",
            "Report it with the field EXCEPTION. The import is not concerned.",
        ),
        Told(
            "Uma exceção surgiu onde nenhuma pode ser lançada",
            "O Python fazia limpeza (campo WHERE) e continuou. O campo EXCEPTION diz mais.",
            "Informe a falha com o campo EXCEPTION. A importação não é afetada.",
        ),
    ),
}
