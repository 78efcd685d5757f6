"""`gatecount demo` shows two lively sites, and leaves nothing behind."""

from dataclasses import replace
from pathlib import Path

from tests.serving import installation, wait_until

NEWSPAPER = "harbour-courier.example"
MANUAL = "docs.loomkit.example"


def test_a_demo_has_todays_traffic_and_more_arriving(tmp_path: Path) -> None:
    """Both sites have numbers at once, which grow as one watches; then all of it is gone."""
    with installation(tmp_path) as here:
        with here.serving(command="demo") as server:
            (folder,) = here.temporary.iterdir()
            server = replace(server, data=folder / "data")  # noqa: PLW2901 - the same one
            wait_until(lambda: server.pageviews(NEWSPAPER) > 0, "the newspaper's traffic")
            wait_until(lambda: server.pageviews(MANUAL) > 0, "the manual's traffic")
            seen = server.pageviews(NEWSPAPER)
            wait_until(lambda: server.pageviews(NEWSPAPER) > seen, "more traffic")
            assert list(here.temporary.iterdir())
        assert server.process.returncode == 0
        assert not list(here.temporary.iterdir())
        assert not here.data.exists()
