"""Postgres, never with more connections than OPTIONS["max_connections"] per process.

Under ASGI each request that needs the database has a thread of its own and each thread a connection of its own, so a
burst of two hundred would ask Postgres for two hundred. Small plans allow twenty, Postgres itself a hundred, and
whoever comes later is refused. Here the threads wait for each other instead: see pool.py.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import psycopg
from django.db.backends.postgresql import base

from chatsite.postgresql.hanging import Driver
from chatsite.postgresql.pool import Pool

_pools: dict[tuple[Any, ...], Pool] = {}


class DatabaseWrapper(base.DatabaseWrapper):
    Database = Driver()

    @property
    def pool(self) -> Pool | None:
        """Django's hook for a pool: one per address and process."""
        most = self.settings_dict["OPTIONS"].get("max_connections")
        if self.alias == base.NO_DB_ALIAS or not most:
            return None
        if self._address not in _pools:
            connect = partial(_connect, self, {**self.get_connection_params(), "autocommit": True})
            _pools.setdefault(self._address, Pool(most, connect))
        return _pools[self._address]

    def close_pool(self) -> None:
        if pool := _pools.pop(self._address, None):
            pool.close()

    @property
    def _address(self) -> tuple[Any, ...]:
        return tuple(self.settings_dict[name] for name in ("HOST", "PORT", "NAME", "USER"))

    def get_connection_params(self) -> dict[str, Any]:
        params = super().get_connection_params()
        params.pop("max_connections", None)
        return params


def _connect(wrapper: DatabaseWrapper, params: dict[str, Any]) -> psycopg.Connection:
    connection = wrapper.Database.connect(**params)
    wrapper._configure_connection(connection)
    return connection
