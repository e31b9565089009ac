"""One of several processes at work on one server: a mixture of changes, and what was answered.

Run as ``python -m tests.hammer NUMBER``, with the settings and the callers' environs as JSON on
the first line of its input; it begins at the second line, and prints its answers as JSON.
"""

import hashlib
import json
import logging
import sys
from functools import partial

from webtest import TestApp

import repoman

TURNS = 3


def content(number: int, turn: int, version: int) -> bytes:
    """Return a file that no other upload sends."""
    return f"{number} {turn} {version} ".encode() * 500


class Hammer:
    """Process ``number``. ``statuses`` are in the order of `work`'s requests, turn by turn."""

    def __init__(self, number: int, application, environs) -> None:
        self.number, self.statuses, self.contested, self.shared = number, [], [], {}
        for name in ("alice", "bob", "admin"):
            setattr(self, name, TestApp(application, extra_environ=environs[name]))

    def ask(self, method, path: str, *body):
        """Send a request, and note what was answered."""
        answer = method(path, *body, status="*")
        self.statuses.append(answer.status_int)
        return answer

    def contend(self, path: str, fields) -> None:
        """Make what all processes want to make at once."""
        made = self.admin.post_json(path, fields, status="*")
        self.contested.append([made.status_int, made.headers.get("X-Repoman-Error")])

    def work(self, turn: int) -> None:
        """Do everything once."""
        alice, bob, admin, images = self.alice, self.bob, self.admin, "/api/images"
        mine, name = f"{self.number}-{turn}", f"new-{self.number}-{turn}"
        files = [content(self.number, turn, version) for version in range(4)]
        self.ask(alice.post_json, images, {"name": mine})
        self.ask(alice.put, f"{images}/raw/{mine}", files[0])
        self.ask(alice.put, f"{images}/raw/{mine}", files[1])
        self.ask(alice.patch_json, f"{images}/{mine}", {"name": name, "description": mine})
        self.ask(alice.post, f"{images}/{name}/share/user/bob")
        self.ask(bob.get, f"{images}/raw/alice/{name}")
        self.ask(bob.post_json, images, {"name": mine, "copy_of": f"alice/{name}"})
        self.ask(
            admin.post_json, "/api/users", {"user_name": f"u-{mine}", "cert_dn": f"/CN={mine}"}
        )
        self.ask(admin.post, f"/api/groups/crew/users/u-{mine}")
        self.ask(admin.patch_json, f"/api/users/u-{mine}", {"full_name": f"User {mine}"})
        self.ask(alice.get, images)
        # By a form: of PUTs of one person to one image, only one may move at a time.
        send = partial(alice.post, upload_files=[("file", "disk", files[2])])
        answer = self.ask(send, f"{images}/raw/shared")
        self.shared[answer.json.get("version")] = hashlib.sha256(files[2]).hexdigest()
        self.ask(alice.post_json, images, {"name": f"doomed-{mine}"})
        self.ask(alice.put, f"{images}/raw/doomed-{mine}", files[3])
        self.ask(alice.delete, f"{images}/doomed-{mine}")
        self.contend(images, {"name": f"contested-{turn}"})
        self.contend("/api/users", {"user_name": f"contested-{turn}", "cert_dn": f"/CN=c-{mine}"})


def main() -> None:
    """Work, and print what was answered."""
    logging.basicConfig(level=logging.WARNING)
    ini, environs = json.loads(sys.stdin.readline())
    application = repoman.main({}, **ini)
    hammer = Hammer(int(sys.argv[1]), application, environs)
    print("ready", flush=True)
    sys.stdin.readline()
    for turn in range(TURNS):
        hammer.work(turn)
    application.sessions.engine.dispose()
    print(json.dumps([hammer.statuses, hammer.contested, hammer.shared]))


if __name__ == "__main__":
    main()
