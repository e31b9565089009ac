"""Bodies are streams: while one is under way, no database connection is held and memory is flat."""

import json
import subprocess
import sys

import pytest
from webtest import TestRequest

from tests.wsgi import FORM, MIB, Noise, Source, make_environ, multipart, plain_environ, send

RAW = "/api/images/raw/debian12"


@pytest.fixture
def held(application):
    """Count how many connections of the application's pool are in use at this moment."""
    return application.sessions.engine.pool.checkedout


@pytest.mark.parametrize("length", [True, False])
@pytest.mark.parametrize("method", ["PUT", "POST"])
def test_no_connection_is_held_while_a_body_is_read(people, held, method, length):
    people.alice.create()
    seen = []
    head, tail = (multipart(b"")[:-13], b"\r\n--limit--\r\n") if method == "POST" else (b"", b"")
    for status in (201, 200):
        source = Noise(2 * MIB, head, tail, each=lambda: seen.append(held()))
        length_or_none = source.length if length else None
        options = {"method": method, "headers": FORM, "length": length_or_none, "status": status}
        send(people.alice.client, RAW, source, **options)
    assert len(seen) > 14
    assert set(seen) == {0}
    assert held() == 0


def test_no_connection_is_held_while_the_fields_of_a_form_are_read(people, held):
    seen = []
    body = b"name=debian12&description=" + b"x" * 4000
    source = Source(body, lambda: seen.append(held()))
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    options = {"method": "POST", "headers": form, "length": len(body), "status": 201}
    send(people.alice.client, "/api/images", source, **options)
    assert seen == [0]


@pytest.mark.parametrize("wanted", [None, "bytes=1-", "bytes=0-9,100-1999999"])
def test_no_connection_is_held_while_a_file_is_sent(people, held, wanted):
    people.alice.create()
    people.alice.upload(data=b"x" * 2 * MIB)
    headers = {"Range": wanted} if wanted else {}
    environ = make_environ(
        people.alice.client, RAW, Source(b""), method="GET", length=0, headers=headers
    )
    _, _, body = TestRequest(environ).call_application(people.application)
    seen = {held()}
    seen |= {held() for _ in body}
    body.close()
    assert seen == {0}


# Run in a process of its own, so that the kernel's high-water mark is this transfer's.
MEASURE = """
import gc, hashlib, json, sys
import repoman
from webtest import TestApp, TestRequest
from tests.wsgi import FORM, MIB, Noise, Source, make_environ, multipart

ini, environ = (json.loads(argument) for argument in sys.argv[1:])
application = repoman.main({}, **ini)
client = TestApp(application, extra_environ=environ)
RAW = "/api/images/raw/debian12"


def run(source, **options):
    environ = make_environ(client, RAW, source, **options)
    answer, headers, body = TestRequest(environ).call_application(application)
    digest, size = hashlib.sha256(), 0
    for chunk in body:
        digest.update(chunk)
        size += len(chunk)
    if hasattr(body, "close"):
        body.close()
    return {"answer": answer, "length": int(headers_of(headers)), "sent": size,
            "digest": digest.hexdigest(), "expected": source.sha256}


def headers_of(headers):
    return dict(headers)["Content-Length"]


def put(size, **options):
    return run(Noise(size), length=size, **options)


def post(size):
    source = Noise(size, multipart(b"")[:-13], b"\\r\\n--limit--\\r\\n")
    return run(source, method="POST", headers=FORM)


def mismatch(size):
    wrong = "sha-512=:" + "A" * 86 + "==:"
    return put(size // 4, headers={"Repr-Digest": wrong, "Content-Digest": wrong})


def get(size):
    return run(Noise(0), method="GET", length=0, headers={"Range": f"bytes=0-{size - 1}"})


def status(name):
    with open("/proc/self/status") as file:
        return next(int(line.split()[1]) for line in file if line.startswith(name)) * 1024


def measure(transfer):
    transfer(1000)
    gc.collect()
    with open("/proc/self/clear_refs", "w") as file:
        file.write("5")  # VmHWM begins anew (proc(5))
    before = status("VmRSS:")
    result = transfer(256 * MIB)
    return result | {"grown": status("VmHWM:") - before}


client.post_json("/api/images", {"name": "debian12"}, status=201)
put(1000)
results = {}
for transfer in (post, put, mismatch, get):
    results[transfer.__name__] = measure(transfer)
results["image"] = client.get("/api/images/debian12").json
print(json.dumps(results))
"""


def test_256_mib_take_no_more_than_16_mib_of_memory(people, ini):
    arguments = [json.dumps(each) for each in (ini, plain_environ(people.alice.client))]
    command = [sys.executable, "-c", MEASURE, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 0, done.stderr
    measured = json.loads(done.stdout)
    image = measured.pop("image")
    grown = {name: each["grown"] / MIB for name, each in measured.items()}
    print(", ".join(f"{name}: {each:.1f} MiB" for name, each in grown.items()))
    assert {name: each["answer"][:3] for name, each in measured.items()} == {
        "post": "200",
        "put": "200",
        "mismatch": "400",
        "get": "206",
    }
    assert image["size"] == measured["get"]["length"] == measured["get"]["sent"] == 256 * MIB
    assert image["checksum"]["value"] == measured["put"]["expected"] == measured["get"]["digest"]
    assert image["version"] == 5
    assert max(grown.values()) <= 16
