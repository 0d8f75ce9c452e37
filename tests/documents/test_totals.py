"""Totals and payments: silent on every true note, and each fault has its own code."""

import re
from decimal import Decimal

import pytest

from nfed.documents import document_from
from nfed.documents.checks import Checks
from nfed.documents.checks.payments import payment_findings
from nfed.documents.checks.totals import totals_findings
from nfed.documents.layout.nota import NOTAS_FISCAIS
from tests.support.notes import NFELIB_SAMPLES, generator

CUT = "nfe_reforma_tributaria"  # items and totals were taken out of a longer note


def codes(xml):
    rows = document_from(xml, Checks.none()).rows
    return [each.code for each in (*totals_findings(rows), *payment_findings(rows))]


def sample(**how):
    """A plain note of three items."""
    return generator().note(3, items=3, rich=False, **how).xml


def within(xml, group, tag, change, number=0):
    """The note with the value of a tag inside the `number`th such group changed."""
    found = list(re.finditer(rf"<{group}[ >].*?</{group}>".encode(), xml, re.DOTALL))[number]
    inside, count = re.subn(
        rf"<{tag}>([^<]*)</{tag}>".encode(),
        lambda match: f"<{tag}>{change(Decimal(match[1].decode()))}</{tag}>".encode(),
        found.group(),
        count=1,
    )
    assert count == 1, f"no <{tag}> in <{group}>"
    return xml[: found.start()] + inside + xml[found.end() :]


def more(amount="1.00"):
    return lambda value: value + Decimal(amount)


def added(xml, before, text):
    assert before.encode() in xml
    return xml.replace(before.encode(), (text + before).encode(), 1)


@pytest.mark.parametrize("modelo", ["55", "65"])
@pytest.mark.parametrize("start", range(0, 200, 50))
def test_no_generated_note_is_suspected(modelo, start):
    """Sales, returns, imports, services, vehicles, fuel, adjustments: whatever it makes."""
    for n in range(start, start + 50):
        assert codes(generator().note(n, modelo=modelo, rich=True).xml) == []


@pytest.mark.parametrize("path", NFELIB_SAMPLES, ids=lambda path: path.stem[:44])
def test_no_sample_of_nfelib_is_suspected_but_the_one_that_was_cut(path):
    found = codes(path.read_bytes())

    assert ("TOT-564" in found) == (path.stem == CUT)
    assert (found == []) == (path.stem != CUT)


@pytest.mark.parametrize(
    ("tag", "code", "is_part_of_the_total"),
    [
        ("vBC", "531", False),
        ("vICMS", "532", False),
        ("vFCP", "861", False),
        ("vBCST", "533", False),
        ("vST", "534", True),
        ("vFCPST", "862", True),
        ("vProd", "564", True),
        ("vFrete", "535", True),
        ("vSeg", "536", True),
        ("vDesc", "537", True),
        ("vII", "601", True),
        ("vIPI", "538", True),
        ("vPIS", "602", False),
        ("vCOFINS", "603", False),
        ("vOutro", "604", True),
    ],
)
def test_a_total_that_is_not_the_sum_of_its_items_has_its_code(tag, code, is_part_of_the_total):
    expected = [f"TOT-{code}", *(["TOT-610"] if is_part_of_the_total else [])]

    assert codes(within(sample(), "ICMSTot", tag, more())) == expected
    assert codes(within(sample(), "ICMSTot", tag, more("0.02"))) == expected
    assert codes(within(sample(), "ICMSTot", tag, more("0.01"))) == []


@pytest.mark.parametrize(
    ("group", "tag", "expected"),
    [
        ("ISSQNtot", "vServ", {"TOT-605", "TOT-610"}),
        ("ISSQNtot", "vBC", {"TOT-606"}),
        ("ISSQNtot", "vISS", {"TOT-607"}),
        ("ISSQNtot", "vPIS", {"TOT-608"}),
        ("ISSQNtot", "vCOFINS", {"TOT-609"}),
        ("ICMSTot", "vFCPSTRet", {"TOT-859"}),
        ("ICMSTot", "vTotTrib", {"TOT-685"}),
        ("impostoDevol", "vIPIDevol", {"TOT-863"}),
        ("IBSCBSTot", "vBCIBSCBS", {"TOT-VBCIBSCBS"}),
        ("IBSCBSTot", "vIBSUF", {"TOT-VIBSUF"}),
        ("IBSCBSTot", "vIBSMun", {"TOT-VIBSMUN"}),
        ("IBSCBSTot", "vIBS", {"TOT-VIBS"}),
        ("IBSCBSTot", "vCBS", {"TOT-VCBS"}),
        ("ISTot", "vIS", {"TOT-VIS"}),
    ],
)
def test_the_same_holds_for_services_the_reform_and_what_only_some_notes_have(group, tag, expected):
    pattern = re.compile(rf"<{group}>.*?<{tag}>.*?</{group}>".encode(), re.DOTALL)
    xml = next(
        note.xml for note in generator().notes(2000, items=3, rich=True) if pattern.search(note.xml)
    )

    assert codes(xml) == []
    assert set(codes(within(xml, group, tag, more("5.00")))) == expected


def test_a_reading_of_the_rules_by_consumers_notes_is_their_own():
    xml = generator().note(3, items=3, rich=False, modelo="65").xml

    assert codes(within(xml, "ICMSTot", "vFCPSTRet", more())) == []


def test_relieved_icms_may_be_deducted_or_not_but_must_be_the_sum():
    """795; a wrong vICMSDeson of one note may also be what makes vNF fit."""
    changed = within(sample(), "ICMSTot", "vICMSDeson", more())

    assert codes(changed) == ["TOT-795"]


def test_a_wrong_total_of_the_note_has_its_code():
    changed = within(sample(), "ICMSTot", "vNF", more("-1.00"))

    assert "TOT-610" in codes(changed)
    assert set(codes(changed)) <= {"TOT-610", "TOT-866"}


@pytest.mark.parametrize(
    ("group", "tag", "expected"),
    [
        ("prod", "vProd", {"TOT-564", "TOT-629", "TOT-630"}),
        ("prod", "vUnCom", {"TOT-629"}),
        ("prod", "vUnTrib", {"TOT-630"}),
        ("prod", "qTrib", {"TOT-630"}),
    ],
)
def test_an_item_that_was_changed_has_its_codes(group, tag, expected):
    assert set(codes(within(sample(), group, tag, more("5.00"), 1))) == expected


def test_an_items_icms_must_be_base_times_rate():
    xml = next(
        note.xml for note in generator().notes(50, items=1, rich=False) if b"<ICMS00>" in note.xml
    )

    assert set(codes(within(xml, "ICMS00", "vICMS", more()))) == {"TOT-528", "TOT-532"}
    assert set(codes(within(xml, "ICMS00", "pICMS", more()))) == {"TOT-528"}


def test_an_import_is_made_up_otherwise():
    changed = within(sample(), "ICMSTot", "vNF", more("-1.00"))
    imported = re.sub(rb"<CFOP>\d", b"<CFOP>3", changed)

    assert "TOT-610" in codes(changed)
    assert "TOT-610" not in codes(imported)


def test_an_item_that_does_not_count_is_left_out_of_the_products():
    xml = sample()
    first = Decimal(re.search(rb"<prod>.*?<vProd>([^<]*)<", xml, re.DOTALL)[1].decode())
    changed = xml.replace(b"<indTot>1<", b"<indTot>0<", 1)

    assert codes(changed) == ["TOT-564"]
    fitting = within(changed, "ICMSTot", "vProd", more(-first))
    assert "TOT-564" not in codes(fitting)


class TestPayments:
    """Instalments and payments against the total; an NFC-e's must cover it."""

    CONSUMER = generator().note(3, items=3, rich=False, modelo="65").xml

    def paid(self, xml, payments, change=""):
        """The note with these payments (tPag, vPag)."""
        texts = "".join(
            f"<detPag><tPag>{means}</tPag><vPag>{amount}</vPag></detPag>"
            for means, amount in payments
        )
        troco = f"<vTroco>{change}</vTroco>" if change else ""
        changed, count = re.subn(
            rb"<pag>.*?</pag>", f"<pag>{texts}{troco}</pag>".encode(), xml, flags=re.DOTALL
        )
        assert count == 1
        return changed

    def total(self, xml):
        return Decimal(re.search(rb"<vNF>([^<]*)<", xml)[1].decode())

    def test_an_nfce_must_be_paid_in_full(self):
        total = self.total(self.CONSUMER)
        parts = [("01", total - 5), ("17", 5)]

        assert codes(self.paid(self.CONSUMER, parts)) == []
        assert codes(self.paid(self.CONSUMER, [("01", total - 5)])) == ["TOT-865"]
        assert codes(self.paid(sample(), [("01", Decimal("0.10"))])) == []

    def test_nothing_is_paid_without_payment(self):
        assert codes(self.paid(sample(), [("90", Decimal("0.00"))])) == []
        assert codes(self.paid(sample(), [("90", Decimal("7.00"))])) == ["TOT-904"]

    def test_change_is_what_was_paid_too_much(self):
        total = self.total(self.CONSUMER)

        assert codes(self.paid(self.CONSUMER, [("01", total + 5)], "5.00")) == []
        assert codes(self.paid(self.CONSUMER, [("01", total + 5)], "3.00")) == ["TOT-869"]
        assert codes(self.paid(self.CONSUMER, [("01", total + 5)])) == ["TOT-866"]

    def test_instalments_add_up_to_the_invoice(self):
        def billed(net, *instalments):
            parts = "".join(
                f"<dup><nDup>00{n}</nDup><dVenc>2026-01-0{n}</dVenc><vDup>{each}</vDup></dup>"
                for n, each in enumerate(instalments, 1)
            )
            cobr = f"<cobr><fat><nFat>1</nFat><vOrig>31.00</vOrig><vDesc>1.00</vDesc>{net}</fat>"
            plain = re.sub(rb"<cobr>.*?</cobr>", b"", sample(), flags=re.DOTALL)
            return added(plain, "<pag>", f"{cobr}{parts}</cobr>")

        net = "<vLiq>30.00</vLiq>"
        assert codes(billed(net, "10.00", "20.00")) == []
        assert codes(billed(net, "10.00", "10.00")) == ["TOT-851"]
        assert codes(billed("", "15.00", "15.00")) == []
        assert codes(billed("", "15.00", "16.00")) == ["TOT-851"]
        assert codes(billed(net)) == []

    def test_older_layouts_have_no_such_rules(self):
        rows = document_from(self.paid(sample(), [("90", 7)]), Checks.none()).rows
        rows["notas_fiscais"][0][NOTAS_FISCAIS.position("versao_leiaute")] = "3.10"

        assert payment_findings(rows) == []
