"""Exits with 0 if the site on PORT lives, else with 1: the health check of containers that have no curl."""

import os
import sys
from urllib.error import URLError
from urllib.request import urlopen

try:
    urlopen(f"http://127.0.0.1:{os.environ.get('PORT', '8000')}/healthz", timeout=3).close()
except (URLError, TimeoutError) as error:
    sys.exit(f"The site does not answer: {error}")
