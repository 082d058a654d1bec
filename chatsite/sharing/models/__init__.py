from chatsite.sharing.models.shared_link import SharedLink
from chatsite.sharing.models.trial import Guest, Trial

__all__ = ["Guest", "SharedLink", "Trial"]
