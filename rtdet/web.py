"""HTTP requests that never leave the web: an http or https address leads only to another one."""

from __future__ import annotations

import urllib.error
import urllib.request
from typing import Any
from urllib.parse import urlsplit

_WEB = ("http", "https")


class WebRedirects(urllib.request.HTTPRedirectHandler):
    """Follows redirects to http and https addresses; urllib's own would follow them to FTP servers, too."""

    def redirect_request(self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str) -> Any:
        scheme = urlsplit(newurl).scheme.lower()
        if scheme not in _WEB:
            fp.close()
            raise urllib.error.URLError(
                OSError(None, f"the server redirects to a {scheme or 'nameless'} address")
            )
        return super().redirect_request(req, fp, code, msg, headers, newurl)

    def http_error_302(self, req: Any, fp: Any, code: int, msg: str, headers: Any) -> Any:
        try:
            return super().http_error_302(req, fp, code, msg, headers)
        except ValueError:  # an address of nonsense; urllib would leave the connection open
            fp.close()
            raise

    http_error_301 = http_error_303 = http_error_307 = http_error_308 = http_error_302


def web_opener(*handlers: urllib.request.BaseHandler) -> urllib.request.OpenerDirector:
    """urllib's opener for http and https alone: no FTP, no files, no data addresses."""
    opener = urllib.request.OpenerDirector()
    own = [type(handler) for handler in handlers]
    usual = (
        urllib.request.ProxyHandler,
        urllib.request.UnknownHandler,
        urllib.request.HTTPHandler,
        urllib.request.HTTPSHandler,
        urllib.request.HTTPDefaultErrorHandler,
        WebRedirects,
        urllib.request.HTTPErrorProcessor,
    )
    for kind in usual:
        if not any(issubclass(other, kind) for other in own):
            opener.add_handler(kind())
    for handler in handlers:
        opener.add_handler(handler)
    return opener
