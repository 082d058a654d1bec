"""What pages cost, in a browser and on the server: `python -m bench.pages`."""
