"""The addresses of the screens."""

SCREENS = (
    "/",
    "/painel/recusados",
    "/painel/notas",
    "/painel/resumo",
    "/painel/trabalhos",
    "/painel/configuracao",
    "/painel/ajuda",
)
