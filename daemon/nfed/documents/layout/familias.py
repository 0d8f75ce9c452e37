"""Names the element that holds what a document of each family says."""

from collections.abc import Sequence

CTES = ("CTe/infCte", "CTeOS/infCte", "CTeSimp/infCte", "GTVe/infCte")
MDFE = ("MDFe/infMDFe",)
BPES = ("BPe/infBPe", "BPeTM/infBPe", "BPeTA/infBPe")
NF3E = ("NF3e/infNF3e",)
NFCOM = ("NFCom/infNFCom",)
CFE = ("CFe/infCFe",)
NFSE = ("NFSe/infNFSe",)
DPS = ("NFSe/infNFSe/DPS/infDPS", "DPS/infDPS")
"""In the NFS-e that was made of it, and by itself."""


def each(groups: Sequence[str], *tags: str) -> str:
    """The path of each tag in each group, as alternatives; without a tag, of the groups."""
    return "|".join(f"{group}/{tag}" for group in groups for tag in tags) or "|".join(groups)
