import pytest


@pytest.fixture(autouse=True)
def _import_dir(settings, tmp_path):
    """Files that are sent are kept where nobody else's are."""
    settings.IMPORT_DIR = tmp_path / "imports"
