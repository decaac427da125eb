"""Start-up kits: what is wrong with one is said in a sentence before anything starts; policies are as strict as promised."""

import datetime as dt
import json
import shutil
import socket
import ssl
import stat
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import SimpleNamespace

import pytest

pytest.importorskip("nvflare", reason="no nvflare: pip install 'xraybench[flare]'")

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization

from xraybench.core import signing
from xraybench.core.documents import FederatedJob
from xraybench.core.errors import BadFile, BadValue
from xraybench.federate import flare, kits

Job = Callable[..., FederatedJob]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Kits of two federations of the same names, and so of two authorities."""
    root = tmp_path_factory.mktemp("kits")
    flare.provision(root / "ours", ["north", "south"], host="localhost", port=free_port())
    flare.provision(root / "theirs", ["north", "south"], host="localhost", port=free_port())
    return root


@pytest.fixture
def kit(made: Path, tmp_path: Path) -> Path:
    """A copy of one site's kit, to break."""
    return Path(shutil.copytree(made / "ours" / "north", tmp_path / "north"))


@contextmanager
def listening(kit: Path, port: int) -> Iterator[None]:
    """A coordinator as far as TLS goes: it shows its certificate, wants one, and says something once it is content."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(kit / "startup" / "server.crt", kit / "startup" / "server.key")
    context.load_verify_locations(kit / "startup" / "rootCA.pem")
    context.verify_mode = ssl.CERT_REQUIRED
    with socket.create_server(("127.0.0.1", port)) as server:

        def answer() -> None:
            with suppress(OSError):
                plain, _ = server.accept()
                with plain, context.wrap_socket(plain, server_side=True) as shaken:
                    shaken.sendall(shaken.recv(24)[:1])

        thread = threading.Thread(target=answer)
        thread.start()
        yield
        thread.join(timeout=10)


def test_a_whole_kit_says_whose_it_is_and_where_to_connect(made: Path) -> None:
    found = kits.open_kit(made / "ours" / "north", "client")
    assert (found.name, found.organisation, found.host) == ("north", "north", "localhost")
    assert kits.open_kit(made / "ours" / "coordinator", "server").port == found.port


def test_a_missing_certificate_is_named(kit: Path) -> None:
    (kit / "startup" / "client.crt").unlink()
    (kit / "startup" / "rootCA.pem").write_text("none", encoding="utf-8")
    with pytest.raises(BadFile, match=r"rootCA\.pem is no certificate in PEM form\n  startup/client\.crt is missing"):
        kits.open_kit(kit, "client")


def test_the_key_of_another_kit_is_named(kit: Path, made: Path) -> None:
    shutil.copy(made / "ours" / "south" / "startup" / "client.key", kit / "startup")
    with pytest.raises(BadFile, match=r"client\.key is not the key of startup/client\.crt"):
        kits.open_kit(kit, "client")


def test_a_certificate_of_another_authority_is_named(kit: Path, made: Path) -> None:
    for name in ("client.crt", "client.key"):
        shutil.copy(made / "theirs" / "north" / "startup" / name, kit / "startup")
    with pytest.raises(BadFile, match=r"client\.crt was not issued by the authority of startup/rootCA\.pem"):
        kits.open_kit(kit, "client")


def test_an_expired_certificate_is_named(kit: Path) -> None:
    key = serialization.load_pem_private_key((kit / "startup" / "client.key").read_bytes(), password=None)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "north")])
    past = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
    old = (
        x509.CertificateBuilder(name, name, key.public_key(), 1, past, past + dt.timedelta(days=9)).sign(  # type: ignore[arg-type]
            key, hashes.SHA256()
        )  # type: ignore[arg-type]
    )
    (kit / "startup" / "client.crt").write_bytes(old.public_bytes(serialization.Encoding.PEM))
    with pytest.raises(BadFile, match=r"client\.crt is valid from 2020-01-01 to 2020-01-10"):
        kits.open_kit(kit, "client")


def test_trusted_keys_of_a_kit_are_looked_at_before_anything_connects(kit: Path) -> None:
    folder = kit / kits.TRUSTED_SITES
    folder.mkdir()
    with pytest.raises(BadFile, match="no key of its own that the others could trust"):
        kits.open_kit(kit, "client")
    signing.make_key(kit / kits.SITE_KEY)
    with pytest.raises(BadFile, match="keys of 0 other sites; a sum of 3 needs 2 or more"):
        kits.open_kit(kit, "client")
    for name in ("south", "west"):
        signing.make_key(kit / "made" / name)
        shutil.copy(kit / "made" / f"{name}.pub", folder)
    assert kits.open_kit(kit, "client").name == "north"
    assert kits.trusted_sites(kit) == folder
    shutil.copy(folder / "west.pub", folder / "south.pub")
    with pytest.raises(BadFile, match="sites south and west have one key"):
        kits.open_kit(kit, "client")


@pytest.mark.parametrize("text", ["{", '{"servers": []}', "[]", '{"servers": [{"service": {"target": "host"}}]}'])
def test_a_kit_that_does_not_say_where_the_coordinator_is_cannot_be_used(kit: Path, text: str) -> None:
    (kit / "startup" / "fed_client.json").write_text(text, encoding="utf-8")
    with pytest.raises(BadFile, match=r"fed_client\.json: does not say where the coordinator is"):
        kits.open_kit(kit, "client")


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"port": 0}, "no port 0"),
        ({"port": 70_000}, "no port 70000"),
        ({"host": ""}, "1 to 64 letters; got ''"),
        ({"sites": ["n" * 65]}, "1 to 64 letters"),
        ({"name": "../x"}, "got '../x'"),
    ],
)
def test_a_federation_that_cannot_be_is_refused_and_nothing_is_made(
    tmp_path: Path, changed: dict[str, object], told: str
) -> None:
    words: dict[str, object] = {"sites": ["north"], "host": "localhost", "port": 8443} | changed
    with pytest.raises(BadValue, match=told):
        flare.provision(tmp_path / "kits", **words)  # type: ignore[arg-type]
    assert not (tmp_path / "kits").exists()


@pytest.mark.parametrize("seconds", [-1.0, float("nan")])
def test_a_wait_that_is_none_is_refused(made: Path, job: Job, tmp_path: Path, seconds: float) -> None:
    with pytest.raises(BadValue, match="cannot be waited"):
        flare.coordinate(made / "ours" / "coordinator", job(), out=tmp_path / "run", wait_s=seconds)
    assert not (tmp_path / "run").exists()


def test_what_is_no_kit_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadFile, match=r"is no start-up kit of a site; startup/fed_client\.json is missing"):
        kits.open_kit(tmp_path, "client")
    with pytest.raises(BadFile, match="is no start-up kit of a coordinator"):
        flare.coordinate(tmp_path, FederatedJob.model_construct(), out=tmp_path / "run")


def test_a_coordinator_that_is_not_up_yet_is_waited_for(made: Path) -> None:
    assert not kits.check_connection(kits.open_kit(made / "ours" / "north", "client"))


def test_certificates_of_one_authority_meet(made: Path) -> None:
    found = kits.open_kit(made / "ours" / "north", "client")
    with listening(made / "ours" / "coordinator", found.port):
        assert kits.check_connection(found)


def test_a_coordinator_of_another_authority_is_not_believed(made: Path) -> None:
    found = kits.open_kit(made / "ours" / "north", "client")
    with (
        listening(made / "theirs" / "coordinator", found.port),
        pytest.raises(BadFile, match="cannot prove that it is the coordinator of this kit"),
    ):
        kits.check_connection(found)


def test_a_coordinator_that_does_not_accept_the_certificate_is_named(made: Path, tmp_path: Path) -> None:
    """The coordinator trusts another authority than the one that signed the site, though the site trusts the coordinator."""
    mixed = Path(shutil.copytree(made / "ours" / "coordinator", tmp_path / "coordinator"))
    shutil.copy(made / "theirs" / "coordinator" / "startup" / "rootCA.pem", mixed / "startup")
    found = kits.open_kit(made / "ours" / "north", "client")
    with listening(mixed, found.port), pytest.raises(BadFile, match="does not accept the certificate of north"):
        kits.check_connection(found)


@pytest.mark.parametrize("holder", ["coordinator", "north"])
def test_nobody_may_bring_code_and_only_our_classes_run(made: Path, holder: str) -> None:
    local = made / "ours" / holder / "local"
    roles = json.loads((local / "authorization.json").read_text(encoding="utf-8"))["permissions"]
    assert {rights["byoc"] for rights in roles.values()} == {"none"}
    assert {rights["shell_commands"] for rights in roles.values()} == {"none"}
    resources = json.loads((local / "resources.json").read_text(encoding="utf-8"))
    assert resources["class_list_enforcement_mode"] == "enforce"
    assert all(name.startswith("xraybench.") for name in resources["class_allow_list"])
    assert not any("log" in part["id"] for part in resources["components"])  # logs stay where they are written


def test_flare_itself_refuses_to_build_any_other_class(made: Path) -> None:
    from nvflare.apis.fl_exception import UnsafeComponentError
    from nvflare.app_common.widgets.component_path_authorizer import ComponentPathAuthorizer

    local = made / "ours" / "north" / "local"
    workspace = SimpleNamespace(get_resources_file_path=lambda: str(local / "resources.json"))
    judge = ComponentPathAuthorizer()
    for name in flare.CLASSES:
        judge.authorize_component_config({"path": name}, workspace=workspace)
    for name in ("nvflare.app_common.np.np_trainer.NPTrainer", "subprocess.Popen", "xraybench.federate.flare.serve"):
        with pytest.raises(UnsafeComponentError, match="is not in allow_list"):
            judge.authorize_component_config(
                {"path": name}, SimpleNamespace(path=lambda: "executor"), workspace=workspace
            )


def test_unsigned_jobs_are_refused_and_both_ends_show_certificates(made: Path) -> None:
    for path in (made / "ours").glob("*/startup/fed_[sc]*.json"):
        content = json.loads(path.read_text(encoding="utf-8"))
        assert content["require_signed_jobs"] is True
        assert "mtls" in json.dumps(content)


def test_keys_are_their_holders_alone(made: Path) -> None:
    keys = [*(made / "ours").rglob("*.key"), *(made / "ours" / "authority").iterdir()]
    assert len(keys) >= 5
    assert {stat.S_IMODE(path.stat().st_mode) for path in keys} == {0o600}


def test_kits_are_never_written_over(made: Path) -> None:
    with pytest.raises(BadFile, match="never written over"):
        flare.provision(made / "ours", ["north"], host="localhost", port=8443)


@pytest.mark.parametrize("names", [["nor/th"], ["north", "north"], ["coordinator"], []])
def test_sites_need_names_of_their_own(tmp_path: Path, names: list[str]) -> None:
    with pytest.raises(BadValue, match="site"):
        flare.provision(tmp_path / "kits", names, host="localhost", port=8443)


def test_a_quorum_that_no_federation_of_this_kit_can_meet_is_named(made: Path, job: Job, tmp_path: Path) -> None:
    with pytest.raises(BadValue, match=r"needs 3 sites in every round and .* knows 2"):
        flare.coordinate(made / "ours" / "coordinator", job(), out=tmp_path / "run")
