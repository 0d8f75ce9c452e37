"""The catalogue has every sentence, and says in Portuguese what the English says."""

import pickle

import pytest

from nfed.documents import documents_from
from nfed.documents.checks import Checks
from nfed.errors import InvalidAccessKey
from nfed.words import Language, Message, choose, word
from tests.support.notes import generator
from tools import catalogue

TEXT = catalogue.CATALOGUE.read_text("utf-8")
PORTUGUESE = Language.PORTUGUESE


def test_every_sentence_has_its_portuguese():
    assert catalogue.faults(TEXT) == []


def test_the_catalogue_holds_what_the_sources_say_and_nothing_else():
    assert catalogue.renewed(TEXT) == TEXT


def test_no_sentence_for_people_is_plain_text():
    """An error, a finding or a line of a command is a Message, or nobody can translate it."""
    assert catalogue.plain() == []


@pytest.mark.parametrize(
    ("variables", "language"),
    [
        ({}, "en"),
        ({"LANG": "C.UTF-8"}, "en"),
        ({"LANG": "pt_BR.UTF-8"}, "pt-BR"),
        ({"LANG": "en_US.UTF-8", "LC_MESSAGES": "pt_BR"}, "pt-BR"),
        ({"LANG": "pt_BR", "LC_MESSAGES": "pt_BR", "LC_ALL": "C"}, "en"),
        ({"LANG": "pt_BR", "LC_ALL": ""}, "pt-BR"),
    ],
)
def test_the_locale_chooses_the_language(variables, language):
    assert choose(None, variables) == language


def test_the_setting_goes_before_the_locale():
    assert choose("pt-BR", {"LANG": "en_US"}) == "pt-BR"
    assert choose("en", {"LANG": "pt_BR"}) == "en"


def test_a_message_is_its_english_and_can_be_told_in_portuguese():
    message = Message("{count:,} file", "{count:,} files", count=1200)

    assert message == "1,200 files"
    assert word(message, PORTUGUESE) == "1.200 arquivos"
    assert word(Message("{count:,} file", "{count:,} files", count=1), PORTUGUESE) == "1 arquivo"


def test_amounts_are_written_as_brazil_writes_them():
    message = Message(
        "<{tag}> is {stated}, the items add up to {added}",
        tag="ICMSTot/vProd",
        stated="12345.60",
        added="12345.00",
    )

    assert word(message, PORTUGUESE) == (
        "<ICMSTot/vProd> é 12.345,60, mas os itens somam 12.345,00"
    )


def test_an_error_a_pickle_and_json_bring_a_message_back_whole():
    inner = Message("signal {signal}", signal=9)
    message = Message("the worker process ended ({code})", code=inner)

    for other in (
        str(InvalidAccessKey(message)),
        pickle.loads(pickle.dumps(message)),
        Message.from_json(message.to_json()),
    ):
        assert other == "the worker process ended (signal 9)"
        assert word(other, PORTUGUESE) == "o processo de leitura terminou (sinal 9)"


@pytest.mark.parametrize(
    "kept",
    [
        None,
        "text",
        {"message": "{a.__class__}", "facts": {"a": 1}},
        {"message": "{a:>999999999}", "facts": {"a": 1}},
        {"message": "{b}", "facts": {"a": 1}},
        {"message": "{", "facts": {}},
        {"message": "{a}", "facts": {"a": [1]}},
        {"message": 1, "facts": {}},
    ],
)
def test_what_lies_in_a_file_and_is_no_message_is_none(kept):
    assert Message.from_json(kept) is None


def test_facts_are_never_taken_for_templates():
    message = Message("{path}: {detail}", path="{detail}", detail="{0.__class__} %s")

    assert word(message, PORTUGUESE) == "{detail}: {0.__class__} %s"


def test_every_reason_of_a_checked_note_has_words_of_its_own():
    """A note with many faults at once: each warning differs from its English."""
    xml = generator().note(1, items=2, rich=False).xml
    bad = xml.replace(b"<vNF>", b"<vNF>9").replace(b"<CFOP>5102", b"<CFOP>9102")
    (document,) = documents_from(bad, Checks())

    findings = document.findings

    assert {each.code for each in findings} >= {"TOT-610", "AUT-HOMOLOG"}
    assert [each.text for each in findings if word(each.text, PORTUGUESE) == each.text] == []


def test_sentences_of_libxml2_are_known():
    xml = generator().note(1, items=1, rich=False).xml
    (document,) = documents_from(xml.replace(b"<emit>", b"<emit><nada/>"), Checks())
    (broken,) = [each for each in document.findings if each.code == "XSD"][:1]

    told = word(broken.text, PORTUGUESE)

    assert told.startswith("linha ")
    assert "este elemento não é esperado aqui" in told
