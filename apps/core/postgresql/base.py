"""The backend's entry point: Django imports ``DatabaseWrapper`` from here."""

from typing import TYPE_CHECKING, Any

from dj_db_conn_pool.core import pool_container

from apps.core.postgresql import first_connection
from apps.core.postgresql.pool import Pool
from apps.core.processes import progress

if TYPE_CHECKING:  # django-db-connection-pool has no types
    from django.db.backends.postgresql import base
    from sqlalchemy.engine.interfaces import Dialect

    class Pooled(base.DatabaseWrapper):
        def _get_new_connection(self, conn_params: dict[str, Any]) -> Any: ...
        def _get_dialect(self) -> Dialect: ...
        def create_cursor(self, name: str | None = None) -> Any: ...

else:
    from dj_db_conn_pool.backends.postgresql.base import DatabaseWrapper as Pooled


class DatabaseWrapper(Pooled):
    """django-db-connection-pool's wrapper with our own ``Pool``."""

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        with pool_container.lock:
            if not pool_container.has(self.alias):
                options = self.settings_dict["POOL_OPTIONS"]
                pool_container.put(
                    self.alias,
                    Pool(
                        lambda: self._checked_connection(conn_params),
                        dialect=self._get_dialect(),
                        **{name.lower(): value for name, value in options.items()},
                    ),
                )
        return super().get_new_connection(conn_params)

    def _checked_connection(self, conn_params: dict[str, Any]) -> Any:
        connection = self._get_new_connection(conn_params)
        try:
            first_connection.settle(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    def create_cursor(self, name: str | None = None) -> Any:
        progress.step()
        return super().create_cursor(name)
