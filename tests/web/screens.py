"""The addresses of the screens."""

SCREENS = (
    "/",
    "/painel/recusados",
    "/painel/notas",
    "/painel/documentos",
    "/painel/inutilizacoes",
    "/painel/resumo",
    "/painel/trabalhos",
    "/painel/configuracao",
    "/painel/ajuda",
)
