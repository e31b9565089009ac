"""What mod_wsgi loads: the application of production.ini, which lies beside this file."""

from pathlib import Path

from plaster import get_loader

from repoman import logs

ini = str(Path(__file__).with_name("production.ini"))
loader = get_loader(ini, protocols=["wsgi"])
logs.set_up(loader, {})
application = loader.get_wsgi_app("main")
