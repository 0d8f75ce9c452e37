"""Drawing lots: the one source of chance behind every value of a generated note."""

import random
from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal

from bench.generator_campos import access_key, cnpj, cpf, gtin13

_ALPHANUMERIC = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_HEXADECIMAL = "0123456789ABCDEF"
_UF_CODES = ("35", "33", "31", "41", "43", "29", "26", "13", "51")


class Dice(random.Random):
    """A seeded source of chance that speaks in fiscal values."""

    def chance(self, one_in: int) -> bool:
        """True once in `one_in` draws."""
        return self.random() * one_in < 1

    def number(self, low: int, high: int) -> int:
        """A whole number, both ends included. Many times faster than randint."""
        return low + int(self.random() * (high - low + 1))

    def pick[T](self, values: Sequence[T]) -> T:
        """One of the values."""
        return values[int(self.random() * len(values))]

    def digits(self, length: int) -> str:
        """Exactly so many digits; may begin with zeros."""
        return "".join([str(int(self.random() * 10)) for _ in range(length)])

    def whole(self, longest: int, shortest: int = 1) -> str:
        """Digits of a length between the two, not beginning with zero."""
        return str(self.number(1, 9)) + self.digits(self.number(shortest, longest) - 1)

    def alphanumeric(self, length: int) -> str:
        """Capital letters and digits."""
        return "".join([self.pick(_ALPHANUMERIC) for _ in range(length)])

    def hexadecimal(self, length: int) -> str:
        """Capital hexadecimal digits."""
        return "".join([self.pick(_HEXADECIMAL) for _ in range(length)])

    def decimal(self, low: int, high: int, places: int = 2) -> Decimal:
        """A decimal of `places` places; the ends are counted in units of the last place."""
        return Decimal(self.number(low, high)).scaleb(-places)

    def reais(self, low: int, high: int) -> Decimal:
        """Money between the two whole amounts of BRL."""
        return self.decimal(low * 100, high * 100)

    def rate(self, low: int, high: int) -> Decimal:
        """A percentage, half the time with two places and half the time with four."""
        if self.chance(2):
            return self.decimal(low * 100, high * 100)
        return self.decimal(low * 10_000, high * 10_000, 4)

    def cnpj(self, *, letters: bool = False) -> str:
        """A CNPJ with right check digits; `letters` makes it an alphanumeric one."""
        if letters:
            # Both halves get a letter, so that no reader can strip a numeric branch.
            root = self.pick(_ALPHANUMERIC[10:]) + self.alphanumeric(7)
            return cnpj(root + self.alphanumeric(3) + self.pick(_ALPHANUMERIC[10:]))
        return cnpj(self.digits(8) + f"{self.number(1, 30):04d}")

    def branch_of(self, matriz: str) -> str:
        """The CNPJ of another establishment of the same company."""
        return cnpj(matriz[:8] + f"{self.number(31, 99):04d}")

    def cpf(self) -> str:
        """A CPF with right check digits."""
        return cpf(self.digits(9))

    def gtin(self) -> str:
        """A GTIN-13 with the Brazilian prefix 789."""
        return gtin13("789" + self.digits(9))

    def key(self, mod: str, near: date) -> str:
        """The access key of some other document, issued up to half a year before `near`."""
        issued = near - timedelta(days=self.number(1, 180))
        return access_key(
            c_uf=self.pick(_UF_CODES),
            aamm=f"{issued:%y%m}",
            cnpj=self.cnpj(),
            mod=mod,
            serie=self.number(0, 889),
            numero=self.number(1, 999_999_999),
            emissao="1",
            codigo=self.digits(8),
        )
