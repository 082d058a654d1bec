"""Django's database backend for Postgres, with a limit on the connections of this process: see base.py."""

is_serving = False


def serve() -> None:
    """From now on statements have a time limit (hanging.py). Management commands do without: migrations take long."""
    global is_serving
    is_serving = True
