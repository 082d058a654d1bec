"""Django's database backend for Postgres, with a limit on the connections of this process: see base.py."""
