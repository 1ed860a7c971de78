"""The problem for a category that does not exist."""

from apps.api.problems import Problem


def unknown_category(name: str) -> Problem:
    """Return the problem for a body whose ``category`` the catalogue does not have."""
    detail = (
        f"There is no category {name!r}. Choose one of GET /v1/categories, create it with "
        "PUT /v1/categories/…, or leave category out."
    )
    return Problem("unknown-category", detail, errors=[{"pointer": "/category", "detail": detail}])
