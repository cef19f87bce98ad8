"""The store as a whole: a private folder with one SQLite database, the blobs and a lock."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from sqlalchemy import Engine, create_engine, event

from blindwatch.cli.files import new_folder, write_private
from blindwatch.errors import ConfigurationError
from blindwatch.statements.signing import Identity
from blindwatch.store.blobs import Blobs
from blindwatch.store.closures import Closures
from blindwatch.store.counts import Counts
from blindwatch.store.deployments import Deployments
from blindwatch.store.keeping import Keeping
from blindwatch.store.nonces import Nonces
from blindwatch.store.prepared import Prepared
from blindwatch.store.results import Results
from blindwatch.store.tables import METADATA, SCHEMA_VERSION
from blindwatch.tlog.keys import Signer, Use, VerifierKey
from blindwatch.tlog.log import Log

DATABASE: Final = "blindwatch.sqlite3"
BLOBS: Final = "blobs"
PREPARED: Final = "prepared"
LOCK: Final = "lock"
IDENTITY: Final = "identity.pem"
KEPT: Final = "kept"
LOG: Final = "log"
HEAD: Final = "head"
LOG_KEY: Final = "log.pem"
LOG_NAME: Final = "log.vkey"


class Store:
    """An opened store; one process at a time has it."""

    def __init__(self, folder: Path, engine: Engine, lock: int, log: Log) -> None:
        self._engine = engine
        self._lock = lock
        self.log = log
        self.log_site = folder / LOG
        self.log_name = read_log_name(folder)
        self.blobs = Blobs(folder / BLOBS)
        self.prepared = Prepared(folder / PREPARED)
        self.deployments = Deployments(engine)
        self.results = Results(engine)
        self.nonces = Nonces(engine)
        self.counts = Counts(engine)
        self.closures = Closures(engine)
        self.keeping = Keeping(folder / KEPT)
        self.identity = read_identity(folder)

    @staticmethod
    def create(folder: Path, log: Signer) -> None:
        """Make an empty store in a folder that is not there yet, and in it the log of this key."""
        with new_folder(folder, "store") as part:
            (part / BLOBS).mkdir(mode=0o700)
            for name in (LOCK, DATABASE):
                (part / name).touch(mode=0o600)
            write_private(part / IDENTITY, Identity.generate().to_pem(), "server's signing keys")
            write_private(part / LOG_KEY, log.to_pem(), "key of the log")
            write_private(part / LOG_NAME, f"{log.verifier}\n".encode(), "name of the log")
            Log.create(part / LOG, part / HEAD, log)
            engine = _engine(part)
            METADATA.create_all(engine)
            with engine.begin() as connection:
                connection.exec_driver_sql(f"PRAGMA user_version = {SCHEMA_VERSION}")
            engine.dispose()

    @classmethod
    def open(cls, folder: Path) -> Self:
        """Open a store that was created before; it never comes into being by itself."""
        if not (folder / DATABASE).is_file():
            raise ConfigurationError("There is no store yet.", hint="Create it with: blindwatch server init")
        lock = _lock(folder / LOCK)
        engine = _engine(folder)
        with engine.connect() as connection:
            version = connection.exec_driver_sql("PRAGMA user_version").scalar()
        if version != SCHEMA_VERSION:
            engine.dispose()
            os.close(lock)
            raise ConfigurationError("The store was made by another version of the server.")
        try:
            log = Log(folder / LOG, folder / HEAD, _log_key(folder))
        except BaseException:
            engine.dispose()
            os.close(lock)
            raise
        return cls(folder, engine, lock, log)

    def close(self) -> None:
        """Close the database and the log, and let go of the lock."""
        self.log.close()
        self._engine.dispose()
        os.close(self._lock)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def read_identity(folder: Path) -> Identity:
    """The keys with which the server of a store signs."""
    try:
        return Identity.from_pem((folder / IDENTITY).read_bytes())
    except OSError:
        raise ConfigurationError(
            "There is no store yet.", hint="Create it with: blindwatch server init"
        ) from None


def read_log_name(folder: Path) -> VerifierKey:
    """The public key of the log of a store."""
    try:
        text = (folder / LOG_NAME).read_text(encoding="utf-8").strip()
    except OSError:
        raise ConfigurationError(
            "There is no store with a log yet.", hint="Create it with: blindwatch server init"
        ) from None
    return VerifierKey.parse(text, Use.LOG)


def _log_key(folder: Path) -> Signer:
    name = read_log_name(folder)
    try:
        signer = Signer.from_pem((folder / LOG_KEY).read_bytes(), name.name, Use.LOG)
    except OSError:
        raise ConfigurationError("The key of the log is gone from the store.") from None
    if signer.verifier != name:
        raise ConfigurationError("The key of the log and its name in the store are not of one log.")
    return signer


def _lock(path: Path) -> int:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        raise ConfigurationError("Another server has this store open.") from None
    return descriptor


def _engine(folder: Path) -> Engine:
    # Parameters of a statement are results and secrets: they stay out of the messages of exceptions.
    engine = create_engine(f"sqlite:///{folder / DATABASE}", hide_parameters=True)

    @event.listens_for(engine, "connect")
    def configure(connection: Any, _: object) -> None:
        for setting in (
            "journal_mode = WAL",
            "foreign_keys = ON",
            "secure_delete = ON",
            "busy_timeout = 10000",
        ):
            connection.execute(f"PRAGMA {setting}")

    return engine
