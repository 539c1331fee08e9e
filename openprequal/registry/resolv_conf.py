"""Which name servers does this host ask, and what does it append to short names? resolv.conf(5)."""

from collections.abc import Iterable, Sequence
from typing import Final

from attrs import frozen

DNS_PORT: Final = 53
MOST_NDOTS: Final = 15


@frozen
class ResolvConf:
    """What such a file says."""

    servers: Sequence[tuple[str, int]] = (("127.0.0.1", DNS_PORT),)
    """Address and port, in the order they are asked."""
    search: Sequence[str] = ()
    ndots: int = 1
    """Names with fewer dots are looked for in the search domains first."""

    def candidates(self, name: str) -> list[str]:
        """The full names that *name* may mean, in the order they are tried; one that ends in a dot means itself."""
        if name.endswith("."):
            return [name.removesuffix(".")]
        longer = [f"{name}.{domain}" for domain in self.search]
        return [name, *longer] if name.count(".") >= self.ndots else [*longer, name]


def read_resolv_conf(lines: Iterable[str]) -> ResolvConf:
    """What *lines* say; what is not understood is as usual."""
    servers: list[tuple[str, int]] = []
    search: list[str] = []
    ndots = 1
    for line in lines:
        match line.split():
            case ["nameserver", address, *_]:
                servers.append((address, DNS_PORT))
            case ["search" | "domain", *domains]:
                search = [domain.rstrip(".") for domain in domains if domain.strip(".")]
            case ["options", *options]:
                for option in options:
                    name, _, value = option.partition(":")
                    if name == "ndots" and value.isdecimal():
                        ndots = min(int(value[:3]), MOST_NDOTS)
    return ResolvConf(tuple(servers) or ResolvConf().servers, tuple(search), ndots)
