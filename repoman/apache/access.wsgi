"""What mod_wsgi asks in httpd's processes before an upload's body comes in; see repoman.early."""

from pathlib import Path

from plaster import get_loader

from repoman import logs
from repoman.early import AccessScript
from repoman.settings import read_settings

ini = str(Path(__file__).with_name("production.ini"))
loader = get_loader(ini, protocols=["wsgi"])
logs.set_up(loader, {})
allow_access = AccessScript(read_settings(loader.get_settings("app:main")))
