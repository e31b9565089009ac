"""What mod_wsgi loads: the application of production.ini, which lies beside this file."""

from pathlib import Path

from plaster import get_loader

ini = str(Path(__file__).with_name("production.ini"))
loader = get_loader(ini, protocols=["wsgi"])
loader.setup_logging({})
application = loader.get_wsgi_app("main")
