"""One rule for the names in `Host` and `Origin`, whichever port they come to (SEC-24)."""

import pytest

from headgate.origins import own_origins
from headgate.settings import Settings

LOOPBACK = {"localhost", "127.0.0.1", "[::1]"}


def both(names: set[str]) -> set[str]:
    return names | {f"{name}:8000" for name in names}


@pytest.mark.parametrize(
    ("settings", "hosts"),
    [
        (Settings(), both(LOOPBACK)),
        (Settings(host="::1"), both(LOOPBACK)),
        (Settings(behind_proxy=True), both(LOOPBACK)),
        (Settings(host="10.0.0.5"), both({*LOOPBACK, "10.0.0.5"})),
        (Settings(host="fe80::1"), both({*LOOPBACK, "[fe80::1]"})),
        (Settings(host="Gate"), both({*LOOPBACK, "gate"})),
        # all addresses are no name
        (Settings(host="0.0.0.0", behind_proxy=True), both(LOOPBACK)),
        (Settings(host="::", behind_proxy=True), both(LOOPBACK)),
        (
            Settings(host="0.0.0.0", behind_proxy=True, allowed_hosts=" Gate.example, proxy.example:443,,"),
            both({*LOOPBACK, "gate.example"}) | {"proxy.example:443"},
        ),
        (Settings(allowed_hosts="[fe80::1]"), both({*LOOPBACK, "[fe80::1]"})),
    ],
)
def test_only_names_of_ours_are_hosts(settings: Settings, hosts: set[str]) -> None:
    assert own_origins(settings, 8000).hosts == hosts


def test_a_page_of_another_port_of_this_machine_is_foreign() -> None:
    pages = own_origins(Settings(allowed_hosts="gate.example, proxy.example:443"), 8000).pages
    assert pages == {f"{name}:8000" for name in (*LOOPBACK, "gate.example")} | {"gate.example", "proxy.example:443"}
