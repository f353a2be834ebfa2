"""The service's own TLS: certificate and key, read when it starts."""

from __future__ import annotations

import ssl

from ..config import Config, env_name
from ..errors import ConfigurationError


def tls_context(config: Config) -> ssl.SSLContext | None:
    """Returns what the configured certificate and key make, or None where none is set. Raises ConfigurationError, in
    one line, for files that cannot be used."""
    if not config.certfile:
        if config.keyfile:
            raise ConfigurationError(f"{env_name('keyfile')}: a key needs its certificate ({env_name('certfile')})")
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)  # TLS 1.2 and newer
    context.set_alpn_protocols(["http/1.1"])
    for name in ("certfile", "keyfile"):
        _check_readable(name, getattr(config, name))
    try:
        context.load_cert_chain(config.certfile, config.keyfile or None, password=_no_passphrase)
    except ssl.SSLError as error:
        raise ConfigurationError(_problem(config, error)) from error
    return context


def _check_readable(name: str, path: str) -> None:
    try:
        if path:
            with open(path, "rb"):
                pass
    except OSError as error:
        raise ConfigurationError(f"{env_name(name)}: {path}: {error.strerror}") from error


def _problem(config: Config, error: ssl.SSLError) -> str:
    if error.reason == "KEY_VALUES_MISMATCH":
        return f"{env_name('keyfile')}: {config.keyfile or config.certfile} is not the key of {config.certfile}"
    if error.reason == "EE_KEY_TOO_SMALL":
        return f"{env_name('certfile')}: the key of {config.certfile} is too short for this system's OpenSSL"
    both = f"{config.certfile} and {config.keyfile}" if config.keyfile else f"{config.certfile}, for both"
    return f"{env_name('certfile')}: no certificate with its key in PEM format ({both})"


def _no_passphrase() -> str:
    """Refuses a key with a passphrase: OpenSSL would ask at the terminal, and wait for ever where there is none."""
    raise ConfigurationError(f"{env_name('keyfile')}: the key has a passphrase; store it without one, mode 0600")
