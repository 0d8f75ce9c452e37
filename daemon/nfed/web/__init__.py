"""Serves the page that an office works with (extra `nfed[web]`), above the API, at `/`.

What it promises
    Every screen is made by the server and works without JavaScript: links and forms. htmx makes it
    live: the stream of events says only that something changed, and the page fetches its fragment
    again. Nothing comes from another host, no script or style stands in a page, and the header
    Content-Security-Policy holds a browser to that (`answers`).
    Whatever a file says is shown and harmless: templates escape it, and control characters and
    marks that turn text around are written out (`render`).
    Without the token only the login and the assets are answered (`access`).

How it works
    `install` adds the routes to the API's application; each screen is a module with its routes and
    its templates. A screen asks the readers that the API asks, and holds no SQL.
    Assets carry a hash of their content in their names, and are kept by browsers for ever
    (`assets`). Words come from the gettext catalogue; numbers, dates and money are written as the
    reader's country writes them (`speech`).

What it does not do
    It decides nothing: files are taken, put back and set aside by the API's engine and by `intake`.
    There is no TLS; a proxy has that.
"""

from nfed.web.site import install

__all__ = ["install"]
