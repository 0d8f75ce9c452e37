"""The made-up notes are as good as real ones: valid, signed, added up, and always the same."""

import base64
import decimal
import hashlib
from collections import Counter
from datetime import UTC, datetime
from decimal import Decimal
from importlib.resources import files
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from lxml import etree

from bench.generator import Generator, Note, check_digit, main, with_protocol

NS = {
    "n": "http://www.portalfiscal.inf.br/nfe",
    "d": "http://www.w3.org/2000/09/xmldsig#",
}
FIRST = 1_000


@pytest.fixture(scope="module")
def generator() -> Generator:
    return Generator(seed=1)


@pytest.fixture(scope="module")
def schemas() -> dict[str, etree.XMLSchema]:
    folder = files("nfelib") / "nfe/schemas/v4_0"
    names = {"nfeProc": "procNFe_v4.00.xsd", "NFe": "nfe_v4.00.xsd"}
    return {root: etree.XMLSchema(file=str(folder / name)) for root, name in names.items()}


@pytest.fixture(scope="module")
def first_thousand(generator: Generator) -> list[tuple[Note, etree._Element]]:
    return [(note, etree.fromstring(note.xml)) for note in generator.notes(FIRST)]


@pytest.fixture(scope="module")
def assorted(generator: Generator) -> list[tuple[Note, etree._Element]]:
    """Both models, rich and plain, authorised and bare."""
    notes = [
        generator.note(n, modelo=modelo, rich=rich, authorised=authorised)
        for modelo in ("55", "65")
        for rich in (True, False)
        for authorised in (True, False)
        for n in range(50)
    ]
    return [(note, etree.fromstring(note.xml)) for note in notes]


@pytest.mark.parametrize("modelo", ["55", "65"])
@pytest.mark.parametrize("authorised", [True, False])
@pytest.mark.parametrize("rich", [True, False])
def test_every_note_is_valid_by_the_official_schema(
    generator: Generator,
    schemas: dict[str, etree.XMLSchema],
    modelo: str,
    authorised: bool,
    rich: bool,
) -> None:
    schema = schemas["nfeProc" if authorised else "NFe"]

    notes = generator.notes(100, modelo=modelo, authorised=authorised, rich=rich)

    for note in notes:
        schema.assertValid(etree.fromstring(note.xml))


def test_the_same_seed_gives_the_same_bytes_in_any_order() -> None:
    forward = [note.xml for note in Generator(seed=7).notes(30)]
    other = Generator(seed=7)
    backward = [other.note(n).xml for n in reversed(range(30))]

    assert forward == backward[::-1]


def test_the_bytes_do_not_hang_on_the_decimal_context_of_the_caller(generator: Generator) -> None:
    usual = [note.xml for note in generator.notes(20)]

    with decimal.localcontext(prec=6, rounding=decimal.ROUND_UP):
        odd = [note.xml for note in generator.notes(20)]

    assert odd == usual


def test_another_seed_gives_other_issuers_and_other_notes(generator: Generator) -> None:
    other = Generator(seed=2)

    assert other.note(0).xml != generator.note(0).xml
    assert not {e.cnpj for e in other.emitentes} & {e.cnpj for e in generator.emitentes}


def test_no_two_notes_share_a_chave(
    generator: Generator, first_thousand: list[tuple[Note, etree._Element]]
) -> None:
    keys = [note.chave for note, _ in first_thousand]
    keys += [note.chave for note in generator.notes(200, modelo="65", items=1)]

    assert len(set(keys)) == len(keys)


def test_the_check_digit_agrees_with_a_published_chave_with_letters() -> None:
    assert check_digit("3526050X0J92JY00019657001000000604144867901") == "1"


def test_every_check_digit_is_right(first_thousand: list[tuple[Note, etree._Element]]) -> None:
    for note, root in first_thousand:
        for key in [note.chave, *_texts(root, "refNFe"), *_texts(root, "refCTe")]:
            assert _modulo_11(key[:43], 9) == key[43], key
        for cnpj in _texts(root, "CNPJ"):
            assert _modulo_11(cnpj[:12], 9) + _modulo_11(cnpj[:13], 9) == cnpj[12:], cnpj
        for cpf in _texts(root, "CPF"):
            assert _modulo_11(cpf[:9], 11) + _modulo_11(cpf[:10], 11) == cpf[9:], cpf


def test_the_chave_says_what_the_note_says(
    assorted: list[tuple[Note, etree._Element]],
) -> None:
    for note, root in assorted:
        issued = datetime.fromisoformat(_text(root, "ide/n:dhEmi"))
        composed = (
            _text(root, "ide/n:cUF")
            + f"{issued:%y%m}"
            + _text(root, "emit/n:CNPJ")
            + _text(root, "ide/n:mod")
            + _text(root, "ide/n:serie").zfill(3)
            + _text(root, "ide/n:nNF").zfill(9)
            + _text(root, "ide/n:tpEmis")
            + _text(root, "ide/n:cNF")
            + _text(root, "ide/n:cDV")
        )

        assert composed == note.chave
        assert root.xpath("string(//n:infNFe/@Id)", namespaces=NS) == f"NFe{note.chave}"
        assert note.emitida_em == issued
        assert note.valor_total == Decimal(_text(root, "total/n:ICMSTot/n:vNF"))
        assert note.itens == len(_all(root, "//n:det"))
        assert (note.modelo, note.numero) == (composed[20:22], int(composed[25:34]))


def test_about_one_note_in_twenty_comes_from_an_issuer_with_letters(
    first_thousand: list[tuple[Note, etree._Element]],
) -> None:
    with_letters = [note for note, _ in first_thousand if not note.emitente_cnpj.isdigit()]

    assert 30 <= len(with_letters) <= 70


def test_every_signature_verifies(assorted: list[tuple[Note, etree._Element]]) -> None:
    assert [note.chave for note, root in assorted if not _verifies(root)] == []


def test_the_protocol_repeats_the_digest(assorted: list[tuple[Note, etree._Element]]) -> None:
    for note, root in assorted:
        digests = _texts(root, "digVal")
        assert digests == ([_signed_digest(root)] if note.authorised else [])


@pytest.mark.parametrize("authorised", [True, False])
def test_an_edited_note_verifies_only_after_it_is_signed_again(
    generator: Generator, schemas: dict[str, etree.XMLSchema], authorised: bool
) -> None:
    note = generator.note(3, items=2, authorised=authorised)
    edited = note.xml.replace(b"<natOp>", b"<natOp>Outra: ")

    signed = generator.resign(edited)

    root = etree.fromstring(signed)
    assert not _verifies(etree.fromstring(edited))
    assert _verifies(root)
    schemas["nfeProc" if authorised else "NFe"].assertValid(root)
    assert _texts(root, "digVal") == ([_signed_digest(root)] if authorised else [])


def test_signing_an_unedited_note_again_changes_nothing(generator: Generator) -> None:
    for note in generator.notes(30):
        assert generator.resign(note.xml) == note.xml


def test_the_certificate_belongs_to_the_company_that_issued_or_its_provider(
    assorted: list[tuple[Note, etree._Element]],
) -> None:
    cnpj_oid = x509.ObjectIdentifier("2.16.76.1.3.3")
    same_branch = Counter[bool]()
    for note, root in assorted:
        certificate = _certificate(root)
        common_name = certificate.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)[0].value
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        others = names.get_values_for_type(x509.OtherName)
        # The value is DER, so two bytes of tag and length come before the text.
        owner = next(name.value[2:] for name in others if name.type_id == cnpj_oid).decode()

        assert str(common_name).endswith(f":{owner}")
        provider = root.findtext(".//{*}infPAA/{*}CNPJPAA")
        if provider is not None:
            assert owner == provider
            continue
        assert owner[:8] == note.emitente_cnpj[:8]
        same_branch[owner == note.emitente_cnpj] += 1
    assert len(same_branch) == 2


def test_a_bare_nfe_is_the_authorised_one_without_its_protocol(generator: Generator) -> None:
    for n in range(20):
        whole = generator.note(n, authorised=True).xml
        bare = generator.note(n, authorised=False).xml

        assert bare[bare.index(b"<NFe ") :] in whole


@pytest.mark.parametrize("c_stat", ["100", "150", "101", "110", "302", "225", "999"])
def test_a_protocol_can_answer_anything(
    generator: Generator, schemas: dict[str, etree.XMLSchema], c_stat: str
) -> None:
    bare = generator.note(4, items=1, authorised=False).xml

    root = etree.fromstring(with_protocol(bare, c_stat))

    schemas["nfeProc"].assertValid(root)
    assert _texts(root, "cStat") == [c_stat]
    assert len(_texts(root, "nProt")) == (0 if c_stat in ("225", "999") else 1)
    assert _verifies(root)


def test_a_protocol_can_be_replaced(generator: Generator) -> None:
    authorised = generator.note(4, items=1).xml

    root = etree.fromstring(with_protocol(authorised, "302", "Motivo <próprio>"))

    assert _texts(root, "cStat") == ["302"]
    assert _texts(root, "xMotivo") == ["Motivo <próprio>"]


GROUPS = """
    ICMS00 ICMS02 ICMS10 ICMS15 ICMS20 ICMS30 ICMS40 ICMS51 ICMS53 ICMS60 ICMS61 ICMS70 ICMS90
    ICMSPart ICMSST ICMSSN101 ICMSSN102 ICMSSN201 ICMSSN202 ICMSSN500 ICMSSN900 IPITrib IPINT
    PISAliq PISQtde PISNT PISOutr PISST COFINSAliq COFINSQtde COFINSNT COFINSOutr COFINSST II DI
    adi nDraw ISSQN ISSQNtot ICMSUFDest impostoDevol IS IBSCBS gIBSCBS gIBSCBSMono gRed gDif
    gTribRegular gTribCompraGov gTransfCred gAjusteCompet gEstornoCred gCredPresOper ISTot
    IBSCBSTot vNFTot vItem gCompraGov med rastro comb CIDE encerrante veicProd arma NVE nRECOPI
    detExport exportInd infAdProd xPed nItemPed nFCI gCred CEST cBarra refNFe refNF refNFP refCTe
    refECF retirada entrega autXML idEstrangeiro transporta veicTransp reboque vagao balsa vol
    lacres retTransp fat dup card vTroco infIntermed exporta compra cana infRespTec infAdFisco
    infCpl obsCont obsFisco procRef infNFeSupl retTrib infPAA dhCont
""".split()  # noqa: SIM905 -- a list of 130 lines reads worse


@pytest.mark.parametrize("group", GROUPS)
def test_every_group_occurs_in_the_first_thousand_notes(
    occurring: Counter[str], group: str
) -> None:
    assert occurring[group] > 0


@pytest.mark.parametrize("group", ["rastro", "arma", "NVE", "adi", "NFref", "dup", "detPag", "vol"])
def test_a_repeating_group_repeats_somewhere(
    first_thousand: list[tuple[Note, etree._Element]], group: str
) -> None:
    assert any(
        len(list(parent.iterchildren(f"{{{NS['n']}}}{group}"))) > 1
        for _, root in first_thousand
        for parent in {child.getparent() for child in _all(root, f"//n:{group}")}
        if parent is not None
    )


def test_numbers_are_as_long_as_their_types_allow(
    first_thousand: list[tuple[Note, etree._Element]],
) -> None:
    prices = [text for _, root in first_thousand for text in _texts(root, "vUnCom")]
    rates = [text for _, root in first_thousand for text in _texts(root, "pICMS")]
    drawbacks = {len(text) for _, root in first_thousand for text in _texts(root, "nDraw")}
    imports = {len(text) for _, root in first_thousand for text in _texts(root, "nDI")}

    assert max(len(price.replace(".", "")) for price in prices) == 21
    assert any(len(rate.partition(".")[2]) == 4 and not rate.endswith("00") for rate in rates)
    assert drawbacks == set(range(11, 21))
    assert max(imports) == 15
    assert max(note.valor_total for note, _ in first_thousand) == Decimal("9999999999999.99")


def test_notes_come_from_every_offset_and_from_half_past_eleven(
    first_thousand: list[tuple[Note, etree._Element]],
) -> None:
    moments = [note.emitida_em for note, _ in first_thousand]

    assert {f"{moment:%z}" for moment in moments} == {"-0300", "-0400", "-0500", "-0200"}
    late = [moment for moment in moments if (moment.hour, moment.minute) == (23, 30)]
    assert any(moment.astimezone(UTC).month != moment.month for moment in late)


def test_buyers_are_of_every_kind(
    generator: Generator, first_thousand: list[tuple[Note, etree._Element]]
) -> None:
    kinds = Counter(
        etree.QName(_all(root, "//n:dest/*[1]")[0]).localname for _, root in first_thousand
    )
    consumers = [etree.fromstring(note.xml) for note in generator.notes(60, modelo="65", items=1)]

    assert set(kinds) == {"CNPJ", "CPF", "idEstrangeiro"}
    assert any(not _all(root, "//n:dest") for root in consumers)
    assert any(_all(root, "//n:dest/n:CPF") for root in consumers)


def test_the_totals_are_the_sums_of_the_items(
    first_thousand: list[tuple[Note, etree._Element]],
) -> None:
    for note, root in first_thousand:
        total = _all(root, "//n:ICMSTot")[0]
        for field in total.iterchildren():
            name = etree.QName(field).localname
            if path := SUMMED.get(name):
                found = sum((Decimal(str(x.text)) for x in _all(root, path)), Decimal("0.00"))
                assert Decimal(str(field.text)) == found, (note.chave, name)
        assert {etree.QName(field).localname for field in total.iterchildren()} <= {*SUMMED, "vNF"}


# One sum of the items for every field of ICMSTot but vNF. Services are counted in ISSQNtot.
_GOODS = "//n:det[not(n:imposto/n:ISSQN)]"
_ICMS = "//n:det/n:imposto/n:ICMS/*"
SUMMED = {
    "vProd": f"{_GOODS}/n:prod[n:indTot=1]/n:vProd",
    **{name: f"//n:det/n:prod/n:{name}" for name in ("vFrete", "vSeg", "vDesc", "vOutro")},
    **{name: f"{_ICMS}/n:{name}" for name in ("vBC", "vICMS", "vICMSDeson", "vFCP", "vBCST")},
    "vST": f"{_ICMS}/n:vICMSST",
    **{name: f"{_ICMS}/n:{name}" for name in ("vFCPST", "vFCPSTRet", "qBCMonoReten", "qBCMonoRet")},
    **{name: f"{_ICMS}/n:{name}" for name in ("qBCMono", "vICMSMono", "vICMSMonoReten")},
    "vICMSMonoRet": f"{_ICMS}/n:vICMSMonoRet",
    **{name: f"//n:ICMSUFDest/n:{name}" for name in ("vFCPUFDest", "vICMSUFDest", "vICMSUFRemet")},
    "vII": "//n:det/n:imposto/n:II/n:vII",
    "vIPI": "//n:det/n:imposto/n:IPI/n:IPITrib/n:vIPI",
    "vIPIDevol": "//n:det/n:impostoDevol/n:IPI/n:vIPIDevol",
    "vPIS": f"{_GOODS}/n:imposto/n:PIS/*/n:vPIS",
    "vCOFINS": f"{_GOODS}/n:imposto/n:COFINS/*/n:vCOFINS",
    "vTotTrib": "//n:det/n:imposto/n:vTotTrib",
}


def test_vnf_follows_rule_w16_10(first_thousand: list[tuple[Note, etree._Element]]) -> None:
    """The relieved ICMS is taken off unless its items say that it is not (indDeduzDeson 0)."""
    for note, root in first_thousand:
        expected = sum(
            sign * _amount(root, f"total/n:{path}")
            for sign, path in (
                (1, "ICMSTot/n:vProd"),
                (-1, "ICMSTot/n:vDesc"),
                (0 if "0" in _texts(root, "indDeduzDeson") else -1, "ICMSTot/n:vICMSDeson"),
                (1, "ICMSTot/n:vST"),
                (1, "ICMSTot/n:vFCPST"),
                (1, "ICMSTot/n:vFrete"),
                (1, "ICMSTot/n:vSeg"),
                (1, "ICMSTot/n:vOutro"),
                (1, "ICMSTot/n:vII"),
                (1, "ICMSTot/n:vIPI"),
                (1, "ICMSTot/n:vIPIDevol"),
                (1, "ISSQNtot/n:vServ"),
            )
        )
        assert note.valor_total == expected, note.chave


def test_the_new_taxes_add_up_to_their_totals(
    first_thousand: list[tuple[Note, etree._Element]],
) -> None:
    reformed = [(note, root) for note, root in first_thousand if _all(root, "//n:IBSCBSTot")]
    for note, root in reformed:
        for total, item in (
            ("IBSCBSTot/n:vBCIBSCBS", "gIBSCBS/n:vBC"),
            ("IBSCBSTot/n:gIBS/n:gIBSUF/n:vIBSUF", "gIBSCBS/n:gIBSUF/n:vIBSUF"),
            ("IBSCBSTot/n:gIBS/n:gIBSMun/n:vIBSMun", "gIBSCBS/n:gIBSMun/n:vIBSMun"),
            ("IBSCBSTot/n:gIBS/n:gIBSUF/n:vDif", "gIBSCBS/n:gIBSUF/n:gDif/n:vDif"),
            ("IBSCBSTot/n:gIBS/n:vIBS", "gIBSCBS/n:vIBS"),
            ("IBSCBSTot/n:gCBS/n:vCBS", "gIBSCBS/n:gCBS/n:vCBS"),
            ("ISTot/n:vIS", "IS/n:vIS"),
        ):
            assert _amount(root, f"total/n:{total}") == _sum(root, f"//n:det//n:{item}"), total
        expected = note.valor_total + sum(
            _amount(root, f"total/n:{path}")
            for path in ("IBSCBSTot/n:gIBS/n:vIBS", "IBSCBSTot/n:gCBS/n:vCBS", "ISTot/n:vIS")
        )
        assert _amount(root, "total/n:vNFTot") == expected == _sum(root, "//n:det/n:vItem")
    assert len(reformed) > 100


def test_quantity_times_price_is_the_value_of_the_item(
    first_thousand: list[tuple[Note, etree._Element]],
) -> None:
    cent = Decimal("0.01")
    exact = decimal.Context(prec=60, rounding=decimal.ROUND_HALF_UP)
    for _, root in first_thousand:
        for prod in _all(root, "//n:det/n:prod"):
            field = {etree.QName(x).localname: str(x.text) for x in prod.iterchildren()}
            for quantity, price in (("qCom", "vUnCom"), ("qTrib", "vUnTrib")):
                product = exact.multiply(Decimal(field[quantity]), Decimal(field[price]))
                assert product.quantize(cent, context=exact) == Decimal(field["vProd"])


def test_payments_and_instalments_add_up(
    first_thousand: list[tuple[Note, etree._Element]],
) -> None:
    for note, root in first_thousand:
        if _texts(root, "tPag") != ["90"]:
            change = _sum(root, "//n:pag/n:vTroco")
            assert _sum(root, "//n:detPag/n:vPag") - change == note.valor_total
        if _all(root, "//n:fat") and _all(root, "//n:dup"):
            assert _sum(root, "//n:dup/n:vDup") == _amount(root, "cobr/n:fat/n:vLiq")


def test_a_plain_note_of_five_items_has_what_the_benchmark_counts(generator: Generator) -> None:
    root = etree.fromstring(generator.note(0, items=5, rich=False).xml)

    for path, count in (
        ("//n:det", 5),
        ("//n:ICMS00", 5),
        ("//n:IPITrib", 5),
        ("//n:PISAliq", 5),
        ("//n:COFINSAliq", 5),
        ("//n:transporta", 1),
        ("//n:fat", 1),
        ("//n:dup", 2),
        ("//n:detPag", 1),
    ):
        assert len(_all(root, path)) == count, path


def test_each_broken_file_is_broken_in_its_own_way(
    generator: Generator, schemas: dict[str, etree.XMLSchema]
) -> None:
    broken = {name.partition("000005-")[2]: xml for name, xml in generator.broken(5)}

    assert set(broken) == {
        "truncated.xml",
        "wrong-check-digit.xml",
        "not-xml.xml",
        "not-fiscal.xml",
    }
    for name in ("truncated.xml", "not-xml.xml"):
        with pytest.raises(etree.XMLSyntaxError):
            etree.fromstring(broken[name])
    assert etree.fromstring(broken["not-fiscal.xml"]).tag == "{urn:example:pedido}pedido"
    wrong = etree.fromstring(broken["wrong-check-digit.xml"])
    schemas["nfeProc"].assertValid(wrong)
    assert _verifies(wrong)
    key = _texts(wrong, "chNFe")[0]
    assert check_digit(key[:43]) != key[43] == _text(wrong, "ide/n:cDV")


def test_the_command_writes_every_file_whole_and_leaves_no_hidden_one(tmp_path: Path) -> None:
    main([str(tmp_path), "--count=6", "--items=2", "--modelo=mixed", "--broken=2", "--seed=1"])

    written = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    notes = Generator(seed=1).notes(6, items=2, modelo="mixed")
    assert {note.name: note.xml for note in notes}.items() <= written.items()
    assert sorted(name for name in written if name.startswith("broken")) == [
        "broken-000006-not-xml.xml",
        "broken-000006-wrong-check-digit.xml",
    ]
    assert len(written) == 8


def test_the_command_replaces_no_file_when_it_takes_names_by_hard_link(tmp_path: Path) -> None:
    arguments = [str(tmp_path), "--count=1", "--plain", "--items=1", "--hardlink-safe"]
    main(arguments)

    with pytest.raises(FileExistsError):
        main(arguments)

    assert len(list(tmp_path.iterdir())) == 1


@pytest.fixture(scope="module")
def occurring(first_thousand: list[tuple[Note, etree._Element]]) -> Counter[str]:
    """In how many of the first thousand notes each element occurs."""
    found = Counter[str]()
    for _, root in first_thousand:
        found.update({etree.QName(element).localname for element in root.iter("*")})
    return found


def _all(root: etree._Element, path: str) -> list[etree._Element]:
    found = root.xpath(path, namespaces=NS)
    assert isinstance(found, list)
    return [element for element in found if isinstance(element, etree._Element)]


def _texts(root: etree._Element, name: str) -> list[str]:
    return [element.text or "" for element in root.iter(f"{{{NS['n']}}}{name}")]


def _text(root: etree._Element, path: str) -> str:
    return _all(root, f"//n:infNFe/n:{path}")[0].text or ""


def _sum(root: etree._Element, path: str) -> Decimal:
    return sum((Decimal(element.text or "") for element in _all(root, path)), Decimal("0.00"))


def _amount(root: etree._Element, path: str) -> Decimal:
    """The amount there, or zero when the field is absent."""
    return _sum(root, f"//n:infNFe/n:{path}")


def _modulo_11(text: str, highest_weight: int) -> str:
    weights = list(range(2, highest_weight + 1)) * 6
    total = sum((ord(x) - 48) * w for x, w in zip(reversed(text), weights, strict=False))
    return str(11 - total % 11) if total % 11 > 1 else "0"


def _certificate(root: etree._Element) -> x509.Certificate:
    text = _all(root, "//d:X509Certificate")[0].text or ""
    return x509.load_der_x509_certificate(base64.b64decode(text))


def _signed_digest(root: etree._Element) -> str:
    return _all(root, "//d:DigestValue")[0].text or ""


def _canonical(element: etree._Element) -> bytes:
    """The element in C14N, as a document of its own.

    Straight from the tree, libxml2 writes xmlns="" below a node whose default namespace was
    declared outside of it.
    """
    alone = etree.fromstring(etree.tostring(element, with_tail=False))
    return etree.tostring(alone, method="c14n")


def _verifies(root: etree._Element) -> bool:
    inf_nfe = _all(root, "//n:infNFe")[0]
    signed_info = _all(root, "//n:NFe/d:Signature/d:SignedInfo")[0]
    value = base64.b64decode(_all(root, "//d:SignatureValue")[0].text or "")
    digest = base64.b64encode(hashlib.sha1(_canonical(inf_nfe)).digest()).decode()
    if root.xpath("string(//d:Reference/@URI)", namespaces=NS) != f"#{inf_nfe.get('Id')}":
        return False
    key = _certificate(root).public_key()
    assert isinstance(key, rsa.RSAPublicKey)
    try:
        key.verify(value, _canonical(signed_info), padding.PKCS1v15(), hashes.SHA1())
    except InvalidSignature:
        return False
    return digest == _signed_digest(root)


def test_a_shop_sells_a_few_things_for_a_few_reais(tmp_path, capsys):
    """So that sums over the demonstration's notes mean something."""
    assert main([str(tmp_path), "--shop", "--count", "5", "--items", "5", "--broken", "1"]) == 0

    said = capsys.readouterr().out
    totals = [note.valor_total for note in Generator(loja=True).notes(5, items=5, rich=False)]
    assert all(10 < total < 6_000 for total in totals)
    assert "Dropped 5 sales of a small shop" in said
    assert "1 broken files" in said
    assert len(list(tmp_path.iterdir())) == 6
