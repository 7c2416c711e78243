"""Programs that know nothing of Banyan serve calls, and bad ones harm nobody."""
import json
import os
import pathlib
import signal
import subprocess
import sys
import time

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
BUILD = ROOT / os.environ.get("BANYAN_BUILD", "build")
PEERS = BUILD / "test" / "link_peers"
TEXT = "hello"
PACKED = "a5" + TEXT.encode().hex()


def call(url, function="echo", text=TEXT, concurrency=4, calls=100, seconds=10,
         env=None):
    done = subprocess.run(
        [PEERS / "link_caller", url, function, text, str(concurrency),
         str(calls), str(seconds)], stdout=subprocess.PIPE, timeout=seconds + 20,
        check=True, env={**os.environ, **(env or {})})
    return json.loads(done.stdout)


@pytest.fixture
def serve(tmp_path):
    started = []

    def start(*command, env=None):
        process = subprocess.Popen([str(c) for c in command],
                                   stdout=subprocess.PIPE, env=env)
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()


@pytest.fixture
def url(tmp_path):
    return f"ipc://{tmp_path}/s"


def until_there(url):
    end = time.monotonic() + 10
    while not os.path.exists(url.removeprefix("ipc://")):
        assert time.monotonic() < end, "the service does not listen"
        time.sleep(0.01)


def assert_all_answered(ledger, calls=100):
    assert ledger["answered"] == calls, ledger
    assert ledger["unanswered"] == ledger["answered_twice"] == 0, ledger
    assert ledger["first"] in (PACKED, "db00000005" + PACKED[2:]), ledger


def test_a_service_of_our_sdk_serves_calls(serve, url):
    serve(PEERS / "stress_service", url)
    until_there(url)
    ledger = call(url)
    assert_all_answered(ledger)
    assert not ledger["is_unary"]


def test_a_cooked_nng_rep_program_serves_calls(serve, url):
    serve(PEERS / "nng_rep", "cooked", url)
    until_there(url)
    ledger = call(url, concurrency=64, calls=1000)
    assert_all_answered(ledger, 1000)
    assert ledger["is_unary"]


def test_a_raw_nng_rep_program_serves_calls(serve, url):
    serve(PEERS / "nng_rep", "raw", url)
    until_there(url)
    ledger = call(url, concurrency=64, calls=1000)
    assert_all_answered(ledger, 1000)
    assert not ledger["is_unary"]


def test_a_python_script_without_a_binding_serves_calls(serve, url):
    serve(sys.executable, ROOT / "test" / "link_peers" / "plain.py", url)
    until_there(url)
    ledger = call(url, concurrency=64, calls=1000)
    assert_all_answered(ledger, 1000)
    assert ledger["is_unary"]


@pytest.mark.parametrize("length", [31, 32, 255, 256, 3000, 70_000])
def test_that_script_takes_texts_of_any_length(serve, url, length):
    serve(sys.executable, ROOT / "test" / "link_peers" / "plain.py", url)
    until_there(url)
    ledger = call(url, text="x" * length, calls=20)
    assert ledger["answered"] == 20 and ledger["generations"] == 1, ledger
    assert bytes.fromhex(ledger["first"]).endswith(b"x" * min(length, 31))


def test_nngcat_serves_calls(serve, url, tmp_path):
    answer = (b"\x95\x01\x00\x00\x05\x92"
              b"\x93\x01\x00\x83\xa1v\x01\xa4boot\x05\xa4mode\xa5unary"
              b"\x93\x03\x00" + bytes.fromhex(PACKED))
    (tmp_path / "answer").write_bytes(answer)
    serve("nngcat", "--rep", "--listen", url, "--file", tmp_path / "answer",
          "--quoted")
    until_there(url)
    assert_all_answered(call(url, concurrency=8))


def test_an_answer_that_is_no_whole_value_fails_its_call_alone(serve, url):
    serve(PEERS / "stress_service", url)
    until_there(url)
    ledger = call(url, function="garble")
    assert (ledger["errors"], ledger["code"]) == (100, "bad_result")
    assert ledger["generations"] == 1


def test_an_unknown_function_is_a_typed_error(serve, url):
    serve(PEERS / "stress_service", url)
    until_there(url)
    ledger = call(url, function="nonsense")
    assert (ledger["errors"], ledger["code"]) == (100, "not_found")


def test_the_demo_service_knows_alice(serve, url):
    serve(BUILD / "protocol" / "service" / "user_service", url)
    until_there(url)
    ledger = call(url, function="get_user", text="u42", calls=1)
    answer = bytes.fromhex(ledger["first"])
    for word in (b"u42", b"Alice", b"alice@example.com"):
        assert word in answer
    ledger = call(url, function="get_user", text="u99", calls=1)
    assert ledger["code"] == "not_found"


def test_a_service_drains_on_term_and_exits_0(serve, url):
    service = serve(PEERS / "stress_service", url)
    until_there(url)
    caller = subprocess.Popen(
        [PEERS / "link_caller", url, "who", TEXT, "64", "0", "1"],
        stdout=subprocess.PIPE)
    service.stdout.readline()
    end = time.monotonic() + 0.5
    while time.monotonic() < end:
        time.sleep(0.05)
    service.send_signal(signal.SIGTERM)
    assert service.wait(timeout=6) == 0
    ledger = json.loads(caller.communicate(timeout=10)[0])
    assert ledger["answered"] > 0
    assert ledger["dispatched_unknown"] == ledger["unanswered"] == 0, ledger
    assert not os.path.exists(url.removeprefix("ipc://"))


def make_certificates(folder):
    """A CA, a certificate for service and gateway, and a stranger's own."""
    def openssl(*words):
        subprocess.run(["openssl", *words], cwd=folder, check=True,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def authority(name):
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt",
                "ec_paramgen_curve:P-256", "-nodes", "-keyout", f"{name}.key",
                "-out", f"{name}.pem", "-days", "2", "-subj", f"/CN={name}")

    def signed(name, by):
        openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                "-nodes", "-keyout", f"{name}.key", "-out", f"{name}.csr",
                "-subj", f"/CN={name}")
        (folder / "san").write_text("subjectAltName=IP:127.0.0.1\n")
        openssl("x509", "-req", "-in", f"{name}.csr", "-CA", f"{by}.pem",
                "-CAkey", f"{by}.key", "-CAcreateserial", "-days", "2",
                "-extfile", "san", "-out", f"{name}.pem")

    authority("ca")
    authority("other")
    signed("node", "ca")
    signed("stranger", "other")


def as_gateway(folder, name):
    return {"LINK_CERT": f"{folder}/{name}.pem",
            "LINK_KEY": f"{folder}/{name}.key", "LINK_CA": f"{folder}/ca.pem"}


def test_tls_links_check_both_ends(serve, tmp_path):
    make_certificates(tmp_path)
    service = serve(PEERS / "stress_service", "tls+tcp://127.0.0.1:0",
                    tmp_path / "node.pem", tmp_path / "node.key",
                    tmp_path / "ca.pem")
    url = service.stdout.readline().decode().strip()
    ledger = call(url, env=as_gateway(tmp_path, "node"), concurrency=256,
                  calls=20000)
    assert_all_answered(ledger, 20000)
    ledger = call(url, env=as_gateway(tmp_path, "stranger"), seconds=1)
    assert ledger["answered"] == ledger["generations"] == 0, ledger
    plain = call(url.replace("tls+", ""), seconds=1)
    assert plain["answered"] == plain["generations"] == 0


def test_large_results_cross_a_tls_link_whole(serve, tmp_path):
    make_certificates(tmp_path)
    service = serve(PEERS / "stress_service", "tls+tcp://127.0.0.1:0",
                    tmp_path / "node.pem", tmp_path / "node.key",
                    tmp_path / "ca.pem")
    url = service.stdout.readline().decode().strip()
    ledger = call(url, env=as_gateway(tmp_path, "node"), text="x" * 100_000,
                  concurrency=64, calls=640)
    assert ledger["answered"] == 640, ledger
    assert ledger["generations"] == 1
