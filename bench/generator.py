"""Made-up, valid, signed NF-e and NFC-e (layout 4.00, homologation), as many as you like.

    python -m bench.generator DIR --count 50 --items 5 --seed 1

The same seed gives the same bytes on every machine. Nothing in them is of a real company.
"""

import argparse
import itertools
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import ROUND_HALF_EVEN, Context, Decimal, localcontext
from itertools import chain, islice
from pathlib import Path

from bench.generator_assinatura import NFE, Signer, nfe_proc, protocol, with_protocol
from bench.generator_cadastro import Emitente, emitentes
from bench.generator_campos import access_key, check_digit, tags
from bench.generator_nota import Corpo, plain_infnfe, rich_infnfe
from bench.generator_operacao import Operacao, plain, rich
from bench.generator_qrcode import inf_nfe_supl
from bench.generator_sorteio import Dice

__all__ = ["Generator", "Note", "check_digit", "main", "with_protocol", "write"]

_HIGHEST = 999_999_998
_FIRST_DAY = date(2024, 12, 1)
# No CNPJ had letters before July 2026.
_FIRST_DAY_WITH_LETTERS = date(2026, 7, 6)
_LAST_DAY = date(2026, 10, 31)

# The sums of a note are exact whatever context the caller has set.
_DECIMALS = Context(prec=28, rounding=ROUND_HALF_EVEN)


@dataclass(frozen=True, slots=True)
class Note:
    """One generated document."""

    chave: str
    xml: bytes  # UTF-8: an nfeProc, or a bare NFe when not authorised
    modelo: str  # ide/mod: "55" or "65"
    numero: int  # ide/nNF
    emitente_cnpj: str  # emit/CNPJ
    emitida_em: datetime  # ide/dhEmi, with its UTC offset
    valor_total: Decimal  # total/ICMSTot/vNF
    itens: int
    authorised: bool
    c_stat: str | None  # protNFe/infProt/cStat; None without a protocol

    @property
    def name(self) -> str:
        """The file name that most emitters would give it."""
        return f"{self.chave}-{'procNFe' if self.authorised else 'nfe'}.xml"


class Generator:
    """All notes of one seed: 999,999,999 of either modelo.

    Making one takes up to a second, for its RSA key; the key is kept for the next of the seed.
    """

    def __init__(self, seed: int = 1, *, issuers: int = 20, loja: bool = False) -> None:
        """`loja`: plain sales are those of a small shop."""
        if issuers < 1:
            raise ValueError(f"issuers is {issuers}, expected at least 1")
        self.seed = seed
        self._loja = loja
        self.emitentes = emitentes(seed, issuers)
        self._plain = tuple(e for e in self.emitentes if not e.simples and not e.alphanumeric)
        self._numeric = tuple(e for e in self.emitentes if not e.alphanumeric)
        self._alphanumeric = tuple(e for e in self.emitentes if e.alphanumeric)
        self._signer = Signer(seed, self.emitentes)

    def note(
        self,
        n: int,
        *,
        items: int | None = None,
        modelo: str = "55",
        authorised: bool = True,
        rich: bool = True,
    ) -> Note:
        """The note number `n` (0 to 999,999,998), the same whenever it is asked for.

        Without `items` it has 1 to 100 of them, more often few. `authorised` only adds the
        protocol: the NFe inside is the same to the byte. The chave is settled by seed, issuers,
        n, modelo and rich. Not `rich` is a plain sale of goods.
        """
        if modelo not in ("55", "65"):
            raise ValueError(f"modelo is {modelo!r}, expected '55' or '65'")
        if not 0 <= n <= _HIGHEST:
            raise ValueError(f"n is {n}, expected 0 to {_HIGHEST}")
        if items is not None and not 1 <= items <= 990:
            raise ValueError(f"items is {items}, expected 1 to 990")
        with localcontext(_DECIMALS):
            return self._note(n, items, modelo, authorised, rich)

    def notes(
        self,
        count: int,
        *,
        start: int = 0,
        items: int | None = None,
        modelo: str = "55",
        authorised: bool = True,
        rich: bool = True,
    ) -> Iterator[Note]:
        """The notes `start` to `start + count - 1`. `modelo` may also be "mixed"."""
        for n in range(start, start + count):
            mod = ("55", "65")[n % 2] if modelo == "mixed" else modelo
            yield self.note(n, items=items, modelo=mod, authorised=authorised, rich=rich)

    def broken(self, n: int) -> list[tuple[str, bytes]]:
        """Files, by name, that no importer can accept, each broken in a way of its own."""
        note = self.note(n, items=2)
        digit = str((int(note.chave[43]) + 1) % 10)
        wrong = note.xml.replace(note.chave.encode(), (note.chave[:43] + digit).encode())
        wrong = wrong.replace(tags(cDV=note.chave[43]).encode(), tags(cDV=digit).encode())
        order = '<?xml version="1.0" encoding="UTF-8"?><pedido xmlns="urn:example:pedido">'
        return [
            # Valid by the schema and well signed: nothing but the check digit is wrong.
            (f"broken-{n:06d}-wrong-check-digit.xml", self.resign(wrong)),
            (f"broken-{n:06d}-not-xml.xml", b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n" * 20),
            (f"broken-{n:06d}-truncated.xml", note.xml[: len(note.xml) * 2 // 3]),
            (f"broken-{n:06d}-not-fiscal.xml", f"{order}<numero>{n}</numero></pedido>".encode()),
        ]

    def resign(self, xml: bytes) -> bytes:
        """The document signed again after an edit of its infNFe; see `Signer.resign`."""
        return self._signer.resign(xml)

    def _note(self, n: int, items: int | None, modelo: str, authorised: bool, rich: bool) -> Note:
        dice = Dice(f"nfed/{self.seed}/{modelo}/{n}/{'rich' if rich else 'plain'}")
        op = self._operacao(dice, modelo, is_rich=rich)
        emitente = op.emitente
        chave = access_key(
            c_uf=emitente.lugar.c_uf,
            aamm=f"{op.emitida_em:%y%m}",
            cnpj=emitente.cnpj,
            mod=modelo,
            serie=dice.pick((1, 1, 1, 2, 0, 12, 889)),
            numero=n + 1,
            emissao=op.tp_emis,
            codigo=dice.digits(8),
        )
        if items is None:
            items = 1 + int(dice.random() ** 6 * 100)
        make = rich_infnfe if rich else plain_infnfe
        corpo = make(op, dice, chave, items)
        nfe, digest = self._sign(op, dice, chave, corpo, is_rich=rich)
        c_stat = None
        if authorised:
            late = rich and dice.chance(16)
            c_stat = "150" if late else "100"
            prot = protocol(
                chave,
                digest,
                received=op.emitida_em + timedelta(hours=30 if late else 0, seconds=3),
                c_stat=c_stat,
                ident=rich and dice.chance(4),
                message=rich and dice.chance(16),
            )
            nfe = nfe_proc(nfe, prot)
        elif n % 3 or not rich:
            nfe = f'<?xml version="1.0" encoding="UTF-8"?>{nfe}'
        return Note(
            chave=chave,
            xml=nfe.encode(),
            modelo=modelo,
            numero=n + 1,
            emitente_cnpj=emitente.cnpj,
            emitida_em=op.emitida_em,
            valor_total=corpo.valor_total,
            itens=items,
            authorised=authorised,
            c_stat=c_stat,
        )

    def _operacao(self, dice: Dice, modelo: str, *, is_rich: bool) -> Operacao:
        emitente = self._emitente(dice, is_rich=is_rich)
        first = _FIRST_DAY_WITH_LETTERS if emitente.alphanumeric else _FIRST_DAY
        day = first + timedelta(days=dice.number(0, (_LAST_DAY - first).days))
        clock = timedelta(seconds=dice.number(6 * 3600, 22 * 3600))
        if is_rich and dice.chance(12):
            # Half past eleven: in UTC it is tomorrow, and at times the next month.
            clock = timedelta(hours=23, minutes=30)
            if dice.chance(3):
                next_month = day.replace(day=28) + timedelta(days=4)
                day = next_month.replace(day=1) - timedelta(days=1)
        issued = datetime.combine(day, time(), emitente.lugar.fuso) + clock
        if is_rich:
            return rich(dice, modelo, emitente, issued)
        return plain(modelo, emitente, issued, loja=self._loja)

    def _emitente(self, dice: Dice, *, is_rich: bool) -> Emitente:
        if self._alphanumeric and dice.chance(20):
            return dice.pick(self._alphanumeric)
        return dice.pick(self._numeric if is_rich else self._plain)

    def _sign(
        self, op: Operacao, dice: Dice, chave: str, corpo: Corpo, *, is_rich: bool
    ) -> tuple[str, str]:
        """The whole `<NFe>`, and its digest."""
        inside = corpo.xml
        # In canonical form the namespace stands on infNFe, in the file on the NFe around it.
        canonical = f'<infNFe xmlns="{NFE}" Id="NFe{chave}" versao="4.00">{inside}</infNFe>'
        # Where a provider signs for the issuer, the certificate is that provider's.
        provider = re.search("<CNPJPAA>(.*?)</CNPJPAA>", inside)
        certificate = (
            self._signer.certificate(op.emitente.cnpj)
            if provider is None
            else self._signer.certificate_of_provider(provider[1])
        )
        signature, digest = self._signer.signature(canonical.encode(), chave, certificate)
        opening = f'<infNFe Id="NFe{chave}" versao="4.00">'
        if is_rich and dice.chance(2):
            # Nothing that canonical form does not undo.
            opening = f'<infNFe versao="4.00" Id="NFe{chave}">'
            inside = inside.replace("<cEAN></cEAN>", "<cEAN/>").replace("D'", "D&apos;")
        supl = ""
        if op.modelo == "65" or (is_rich and op.danfe_simplificado):
            supl = inf_nfe_supl(
                op,
                self._signer,
                chave=chave,
                digest=digest,
                valor=corpo.valor_total,
                inside=corpo.xml,
                cdata=dice.chance(2),
            )
        return f'<NFe xmlns="{NFE}">{opening}{inside}</infNFe>{supl}{signature}</NFe>', digest


def write(folder: Path, name: str, content: bytes, *, replace: bool = True) -> None:
    """Write under a hidden name, then take the real one, so that nobody sees half a file.

    Without `replace` a file that is there already is an error (FileExistsError).
    """
    hidden = folder / f".{name}.part"
    hidden.write_bytes(content)
    try:
        if replace:
            hidden.replace(folder / name)
        else:
            os.link(hidden, folder / name)
    finally:
        hidden.unlink(missing_ok=True)


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; see the docstring of the module."""
    options = _parser().parse_args(arguments)
    generator = Generator(options.seed, issuers=options.issuers, loja=options.shop)
    notes = generator.notes(
        options.count,
        start=options.start,
        items=options.items,
        modelo=options.modelo,
        authorised=not options.bare,
        rich=not (options.plain or options.shop),
    )
    first_broken = options.start + options.count
    broken = chain.from_iterable(generator.broken(n) for n in itertools.count(first_broken))
    files: Iterable[tuple[str, bytes]] = ((note.name, note.xml) for note in notes)
    options.folder.mkdir(parents=True, exist_ok=True)
    for name, content in chain(files, islice(broken, options.broken)):
        write(options.folder, name, content, replace=not options.hardlink_safe)
    if options.shop:
        print(
            f"Dropped {options.count} sales of a small shop into {options.folder}/ (homologação)."
        )
        if options.broken:
            print(f"And {options.broken} broken files, which nfed will refuse, saying why.")
        print("Look with `.venv/bin/nfed status`, and in done/ and failed/.")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench.generator", description=__doc__)
    parser.add_argument("folder", type=Path, help="where to write; made if missing")
    parser.add_argument("--count", type=int, default=50, help="how many notes")
    parser.add_argument("--start", type=int, default=0, help="the number of the first note")
    parser.add_argument("--items", type=int, help="items of each note; else 1 to 100")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--issuers", type=int, default=20)
    parser.add_argument("--broken", type=int, default=0, help="how many broken files besides")
    parser.add_argument("--modelo", choices=("55", "65", "mixed"), default="55")
    parser.add_argument("--plain", action="store_true", help="ordinary sales only")
    parser.add_argument("--shop", action="store_true", help="sales of a small shop; says so")
    parser.add_argument("--bare", action="store_true", help="without protocol")
    parser.add_argument(
        "--hardlink-safe",
        action="store_true",
        help="take the name with link(2), which fails on an existing file, not with rename(2)",
    )
    return parser


if __name__ == "__main__":
    raise SystemExit(main())
